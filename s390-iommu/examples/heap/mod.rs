// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage for tables: the heap of a program whose addresses are taken for absolute ones.

use std::alloc::{alloc, dealloc, Layout};
use std::ptr::NonNull;

use s390_iommu::{AbsoluteAddress, PhysToVirt, TableAllocator, TableSize};

/// The heap.
#[derive(Debug)]
pub(crate) struct Heap;

fn layout(size: TableSize) -> Layout {
    // Both are powers of two far below the limit.
    Layout::from_size_align(size.bytes(), size.bytes()).unwrap_or_else(|_| std::process::abort())
}

// SAFETY: the pointer is the one that the allocation made, and stays valid until it is deallocated.
unsafe impl PhysToVirt for Heap {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        let pointer = std::ptr::with_exposed_provenance_mut(origin.get() as usize);
        NonNull::new(pointer).unwrap_or_else(|| std::process::abort())
    }
}

// SAFETY: the heap gives storage of that size and alignment to nobody else.
unsafe impl TableAllocator for Heap {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        // SAFETY: no table has size 0.
        let table = NonNull::new(unsafe { alloc(layout(size)) })?;
        Some(AbsoluteAddress::new(table.as_ptr().expose_provenance() as u64))
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        // SAFETY: the caller says that `allocate` gave the table with this size.
        unsafe { dealloc(self.phys_to_virt(origin).as_ptr(), layout(size)) }
    }
}
