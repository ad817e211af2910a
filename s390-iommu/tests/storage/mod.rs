// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage for tables on the heap that counts what is out.

use std::alloc::{alloc, dealloc, Layout};
use std::cell::Cell;
use std::ptr::NonNull;

use s390_iommu::{AbsoluteAddress, PhysToVirt, TableAllocator, TableSize};

/// The heap, with absolute addresses that are no pointers.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    /// Bytes allocated and not given back.
    pub(crate) bytes: Cell<usize>,
}

/// What an absolute address differs from a pointer by; a multiple of every alignment.
const OFFSET: u64 = 0x100_0000_0000_0000;

fn layout(size: TableSize) -> Layout {
    Layout::from_size_align(size.bytes(), size.bytes()).unwrap()
}

// SAFETY: the pointer is the one that the allocation made, and stays valid until it is deallocated.
unsafe impl PhysToVirt for Heap {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        NonNull::new(std::ptr::with_exposed_provenance_mut((origin.get() - OFFSET) as usize)).unwrap()
    }
}

// SAFETY: the heap gives storage of that size and alignment to nobody else.
unsafe impl TableAllocator for Heap {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        // SAFETY: no table has size 0.
        let table = NonNull::new(unsafe { alloc(layout(size)) })?;
        // SAFETY: the storage was just allocated with this size.
        unsafe { table.write_bytes(0xa5, size.bytes()) };
        self.bytes.set(self.bytes.get() + size.bytes());
        Some(AbsoluteAddress::new(table.as_ptr().expose_provenance() as u64 + OFFSET))
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        self.bytes.set(self.bytes.get() - size.bytes());
        // SAFETY: the caller says that `allocate` gave the table with this size.
        unsafe { dealloc(self.phys_to_virt(origin).as_ptr(), layout(size)) }
    }
}
