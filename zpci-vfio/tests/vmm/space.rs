// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! An address space that is as strict as type 1 (version 2) and an iommufd: no mapping over another, none is cut.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;

use s390_iommu::Protection;
use zpci_vfio::AddressSpace;

#[derive(Debug, Default)]
pub(crate) struct Space {
    /// Size, where it leads in this process, and protection, by first address.
    mappings: RefCell<BTreeMap<u64, (u64, usize, Protection)>>,
    /// How many mappings there may be.
    pub(crate) limit: Cell<Option<usize>>,
    /// Number of calls that unmap.
    pub(crate) unmaps: Cell<usize>,
    /// Whether the kernel refuses to unmap.
    pub(crate) is_broken: Cell<bool>,
}

impl Space {
    /// Where `iova` leads.
    pub(crate) fn at(&self, iova: u64) -> Option<(usize, Protection)> {
        let mappings = self.mappings.borrow();
        let (first, (size, storage, protection)) = mappings.range(..=iova).next_back()?;
        (iova - first < *size).then(|| (storage + (iova - first) as usize, *protection))
    }

    /// First address and size of each mapping.
    pub(crate) fn ranges(&self) -> Vec<(u64, u64)> {
        self.mappings.borrow().iter().map(|(first, (size, ..))| (*first, *size)).collect()
    }
}

impl AddressSpace for Space {
    unsafe fn map(&self, iova: u64, storage: *mut u8, size: u64, protection: Protection) -> io::Result<()> {
        let mut mappings = self.mappings.borrow_mut();
        if [iova, storage.addr() as u64, size].iter().any(|it| !it.is_multiple_of(4096)) || size == 0 {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let before = mappings.range(..iova + size).next_back();
        if before.is_some_and(|(first, (length, ..))| iova < first + length) {
            return Err(io::Error::from_raw_os_error(libc::EEXIST));
        }
        if self.limit.get().is_some_and(|limit| mappings.len() >= limit) {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        mappings.insert(iova, (size, storage.addr(), protection));
        Ok(())
    }

    fn unmap(&self, iova: u64, size: u64) -> io::Result<()> {
        self.unmaps.set(self.unmaps.get() + 1);
        let mut mappings = self.mappings.borrow_mut();
        let mut within: Vec<(u64, u64)> = mappings.iter().map(|(first, (length, ..))| (*first, *length)).collect();
        within.retain(|(first, length)| *first < iova + size && iova < first + length);
        if within.iter().any(|(first, length)| *first < iova || first + length > iova + size) || self.is_broken.get() {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let unmapped: u64 = within.iter().map(|(_, length)| length).sum();
        within.iter().for_each(|(first, _)| _ = mappings.remove(first));
        match unmapped == size {
            true => Ok(()),
            false => Err(io::Error::from_raw_os_error(libc::ENOENT)),
        }
    }
}
