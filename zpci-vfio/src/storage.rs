// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The guest's storage, as `vm-memory` has it.

use std::sync::atomic::Ordering;

use s390_iommu::guest::GuestMemory;
use s390_iommu::AbsoluteAddress;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend};

/// Reads the guest's tables from storage of `vm-memory`: absolute addresses are guest addresses.
#[derive(Debug)]
pub struct Storage<'m, M: ?Sized>(pub &'m M);

impl<M: ?Sized> Clone for Storage<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: ?Sized> Copy for Storage<'_, M> {}

impl<M: GuestMemoryBackend + ?Sized> GuestMemory for Storage<'_, M> {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let at = GuestAddress(address.get());
        if address.get().is_multiple_of(8) {
            // One load: another processor of the guest may store here.
            return self.0.load::<u64>(at, Ordering::Acquire).ok().map(u64::from_be);
        }
        let mut bytes = [0; 8];
        self.0.read_slice(&mut bytes, at).ok()?;
        Some(u64::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use vm_memory::GuestMemoryMmap;

    use super::*;

    #[test]
    fn entries_are_big_endian_and_end_with_storage() {
        let ranges = [(GuestAddress(0), 0x2000), (GuestAddress(0x8000), 0x1000)];
        let memory = GuestMemoryMmap::<()>::from_ranges(&ranges).unwrap();
        memory.write_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9], GuestAddress(0x1000)).unwrap();
        memory.write_slice(&[0xa5; 8], GuestAddress(0x1ff8)).unwrap();
        let storage = Storage(&memory);
        let read = |address| storage.read_entry(AbsoluteAddress::new(address));
        assert_eq!(read(0x1000), Some(0x0102_0304_0506_0708));
        assert_eq!(read(0x1001), Some(0x0203_0405_0607_0809));
        assert_eq!(read(0x1ff8), Some(0xa5a5_a5a5_a5a5_a5a5));
        assert_eq!((read(0x8ff8), read(0x9000)), (Some(0), None));
        for nowhere in [0x1ffc, 0x2000, 0x7ffc, 0x7fff, 0x8ffc, u64::MAX - 7, u64::MAX - 3] {
            assert_eq!(read(nowhere), None, "{nowhere:#x}");
        }
    }
}
