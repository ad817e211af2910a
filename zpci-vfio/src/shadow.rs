// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest's translations, carried out on the host.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use s390_iommu::guest::{Effect, Exhausted, Mapped, Mappings, RefreshNumber, Registration, Run};
use s390_iommu::{AbsoluteAddress, Iova, IovaRange, Protection, PAGE_SIZE};
use vm_memory::{Address, GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

use crate::address_space::AddressSpace;

/// What a guest has mapped for a function, on the host: the books of a VMM that shadows, and the calls.
///
/// A guest's page is one mapping: neither type 1 (version 2) nor an iommufd cuts a mapping, and a guest may unmap any
/// page by itself. To unmap a longer one and map the rest of it again would leave moments in which the device reaches
/// nothing of the rest, which the guest never took from it: a DMA that then fails puts the function in error. So type 1,
/// which has 65,535 mappings for a container unless the module's `dma_entry_limit` says otherwise, lets a guest map
/// 256 MiB less a page at a time; a guest that wants more gets [`Exhausted`], which is the answer on which Linux
/// refreshes everything and tries again. An iommufd counts pinned storage alone, so there is [a limit](Self::with_limit) beside it.
/// What lies next to each other is unmapped
/// by one call. A function without translation takes one mapping for each region of the guest's storage.
///
/// Each function of a guest has tables of its own, so each has a shadow of its own, in a container or an IOAS of its own.
pub struct Shadow<'m, M: GuestMemoryBackend + ?Sized, S: AddressSpace> {
    memory: &'m M,
    space: S,
    /// By the first address of each page.
    pages: BTreeMap<u64, Page>,
    /// What is mapped for a function without translation: first address and size.
    whole: Vec<(u64, u64)>,
    /// Pages that may be mapped at a time.
    limit: usize,
    refused: Option<io::Error>,
    broken: Option<io::Error>,
}

/// The least limit that is chosen: as many mappings as type 1 has for a container.
const LEAST_LIMIT: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
struct Page {
    absolute: AbsoluteAddress,
    protection: Protection,
    refresh: RefreshNumber,
}

impl<'m, M: GuestMemoryBackend + ?Sized, S: AddressSpace> Shadow<'m, M, S> {
    /// A shadow in `space`, in which nothing is mapped.
    ///
    /// # Safety
    ///
    /// A device reads and writes `memory` as the guest wants it, until the shadow is dropped; if it is forgotten, until
    /// the space is gone. So `memory` has the storage of a guest, as `vm-memory` demands: nobody has a reference into
    /// it, and what is read from it is not relied on. It stays where it is as long as the shadow is there.
    pub unsafe fn new(memory: &'m M, space: S) -> Self {
        let pages = memory.iter().fold(0_u64, |pages, region| pages.saturating_add(region.len() / PAGE_SIZE));
        let limit = usize::try_from(pages.saturating_mul(2)).unwrap_or(usize::MAX).max(LEAST_LIMIT);
        Self { memory, space, pages: BTreeMap::new(), whole: Vec::new(), limit, refused: None, broken: None }
    }

    /// The same with at most `pages` pages at a time; a guest that wants more gets [`Exhausted`].
    ///
    /// Unless it is set the limit is twice as many as `memory` has, and 65,536 at least. A guest's tables may lead to one page
    /// from any number of addresses: 34 KiB of them can name 2^30. Each takes storage of this process and of the kernel.
    #[must_use]
    pub const fn with_limit(mut self, pages: usize) -> Self {
        self.limit = pages;
        self
    }

    /// Number of pages that are mapped.
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Why the kernel refused the last mapping that it did. `ENOSPC` and `ENOMEM` are what a guest can bring about;
    /// anything else is worth a line in a log.
    pub const fn refused(&self) -> Option<&io::Error> {
        self.refused.as_ref()
    }

    /// Why the kernel refused to unmap, if it ever did.
    ///
    /// A device may then still reach what the guest took from it. Nothing is mapped any more; the VMM has to end the
    /// function: close it, or reset it and keep the guest from it.
    pub const fn broken(&self) -> Option<&io::Error> {
        self.broken.as_ref()
    }

    /// Does what MPCIFC and the disabling of the function ask for of the host: maps all of the guest for a function that is
    /// registered without translation, and unmaps everything when a registration ends. `window` is that of the function, as
    /// the guest was told.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the host cannot map it; nothing is mapped then, and the function's DMA fails.
    pub fn apply(&mut self, effect: &Effect, window: IovaRange) -> Result<(), Exhausted> {
        match effect {
            // A registration starts with nothing mapped, also where somebody did not say that the one before ended.
            Effect::Registered(registration) | Effect::Reregistered(registration) => {
                self.clear();
                self.register(registration, window)
            }
            Effect::Deregistered => {
                self.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Unmaps everything, as when the function is disabled.
    pub fn clear(&mut self) {
        self.unmap(IovaRange::ALL);
        for (iova, size) in std::mem::take(&mut self.whole) {
            self.unmap_piece(iova, size);
        }
    }

    fn register(&mut self, registration: &Registration, window: IovaRange) -> Result<(), Exhausted> {
        if registration.iota.translation() {
            return Ok(());
        }
        let memory = self.memory;
        for region in memory.iter() {
            let iova = |address: GuestAddress| window.start().checked_add(address.raw_value());
            // A page of which the guest has a part alone is none.
            let range = iova(region.start_addr()).zip(iova(region.last_addr()));
            let range = range.and_then(|(first, last)| IovaRange::within(first, last));
            let Some(range) = range.and_then(|range| range.intersection(registration.aperture)) else { continue };
            let address = GuestAddress(range.start().get().wrapping_sub(window.start().get()));
            let size = range.size_less_one().saturating_add(1);
            let Ok(storage) = memory.get_host_address(address) else { continue };
            if let Err(exhausted) = self.map_piece(range.start().get(), storage, size, Protection::ReadWrite) {
                self.clear();
                return Err(exhausted);
            }
            self.whole.push((range.start().get(), size));
        }
        Ok(())
    }

    /// Where a page of the guest is in this process; `None` if the guest has no storage there, or not all of it.
    fn storage(&self, absolute: AbsoluteAddress) -> Option<*mut u8> {
        let address = GuestAddress(absolute.get());
        self.memory.get_slice(address, PAGE_SIZE as usize).ok()?;
        self.memory.get_host_address(address).ok()
    }

    fn map_piece(&mut self, iova: u64, storage: *mut u8, size: u64, protection: Protection) -> Result<(), Exhausted> {
        if self.broken.is_some() {
            return Err(Exhausted);
        }
        // SAFETY: storage of the memory, which is the device's to use by the contract of `new`.
        unsafe { self.space.map(iova, storage, size, protection) }.map_err(|error| {
            self.refused = Some(error);
            Exhausted
        })
    }

    fn unmap_piece(&mut self, iova: u64, size: u64) {
        if let Err(error) = self.space.unmap(iova, size) {
            self.broken.get_or_insert(error);
        }
    }
}

impl<M: GuestMemoryBackend + ?Sized, S: AddressSpace> Mappings for Shadow<'_, M, S> {
    fn first_in(&self, range: IovaRange) -> Option<Mapped> {
        let (iova, page) = self.pages.range(range.start().get()..=range.last().get()).next()?;
        let run =
            Run { range: IovaRange::page(Iova::new(*iova)), absolute: page.absolute, protection: page.protection };
        Some(Mapped { run, refresh: page.refresh })
    }

    fn map(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
        let more = usize::try_from(run.range.pages()).unwrap_or(usize::MAX);
        if self.pages.len().saturating_add(more) > self.limit {
            return Err(Exhausted);
        }
        let start = run.range.start().get();
        for offset in (0..=run.range.size_less_one()).step_by(PAGE_SIZE as usize) {
            let (iova, absolute) = (start.wrapping_add(offset), run.absolute.get().wrapping_add(offset));
            let absolute = AbsoluteAddress::new(absolute);
            let Some(storage) = self.storage(absolute) else { continue };
            if let Err(exhausted) = self.map_piece(iova, storage, PAGE_SIZE, run.protection) {
                // Nothing was mapped in the run before.
                self.unmap(run.range);
                return Err(exhausted);
            }
            self.pages.insert(iova, Page { absolute, protection: run.protection, refresh });
        }
        Ok(())
    }

    fn unmap(&mut self, range: IovaRange) {
        let mapped = self.pages.range(range.start().get()..=range.last().get());
        let mut pieces: Vec<(u64, u64)> = Vec::new();
        for (iova, _) in mapped {
            match pieces.last_mut() {
                Some((first, size)) if first.wrapping_add(*size) == *iova => *size += PAGE_SIZE,
                _ => pieces.push((*iova, PAGE_SIZE)),
            }
        }
        for (first, size) in pieces {
            self.unmap_piece(first, size);
            for iova in (first..=first.wrapping_add(size - 1)).step_by(PAGE_SIZE as usize) {
                self.pages.remove(&iova);
            }
        }
    }
}

impl<M: GuestMemoryBackend + ?Sized, S: AddressSpace> Drop for Shadow<'_, M, S> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<M: GuestMemoryBackend + ?Sized, S: AddressSpace> fmt::Debug for Shadow<'_, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow").field("pages", &self.pages.len()).field("broken", &self.broken).finish_non_exhaustive()
    }
}
