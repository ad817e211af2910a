// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Our tables.

use std::ptr::NonNull;

use s390_iommu::{
    AbsoluteAddress, FrameSizes, Iova, IovaRange, PhysToVirt, Protection, Root, TableAllocator, TableSize,
    TranslationTable,
};

use super::{Subject, PAGE};
use crate::arena;

/// The arena, by what its absolute addresses differ from pointers by, as in a kernel.
#[derive(Clone, Copy)]
pub(crate) struct Storage {
    base: u64,
}

// SAFETY: the arena stays where it is for as long as the program runs.
unsafe impl PhysToVirt for Storage {
    #[inline]
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        let pointer = std::ptr::with_exposed_provenance_mut(self.base.wrapping_add(origin.get()) as usize);
        // SAFETY: the arena is not at the null pointer.
        unsafe { NonNull::new_unchecked(pointer) }
    }
}

// SAFETY: the arena gives each table out once, aligned to its size.
unsafe impl TableAllocator for Storage {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        arena::allocate(size.bytes()).map(|table| AbsoluteAddress::new(arena::absolute(table)))
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        arena::deallocate(self.phys_to_virt(origin), size.bytes());
    }
}

/// A table with a root of designation type `ROOT`, and frames of 1 MiB where `LARGE` says so.
pub(crate) struct Ours<const ROOT: u8, const LARGE: bool>(pub(crate) TranslationTable<Storage>);

impl<const ROOT: u8, const LARGE: bool> Subject for Ours<ROOT, LARGE> {
    fn new() -> Self {
        let root = match ROOT {
            1 => Root::RegionThird,
            2 => Root::RegionSecond,
            _ => Root::RegionFirst,
        };
        let frames = if LARGE { FrameSizes::WITH_LARGE } else { FrameSizes::SMALL };
        Self(TranslationTable::new(root, frames, Storage { base: arena::base() }).expect("storage"))
    }

    #[inline(never)]
    fn map(&mut self, iova: u64, storage: u64, pages: u64) {
        let range = IovaRange::with_size(Iova::new(iova), pages * PAGE).expect("a range");
        match self.0.map(range, AbsoluteAddress::new(storage), Protection::ReadWrite) {
            Ok(change) => change.unseen(),
            Err(error) => panic!("{error}"),
        }
    }

    #[inline(never)]
    fn unmap(&mut self, iova: u64, pages: u64) {
        let range = IovaRange::with_size(Iova::new(iova), pages * PAGE).expect("a range");
        match self.0.unmap(range) {
            Ok(unmapped) => unmapped.change.unseen(),
            Err(error) => panic!("{error}"),
        }
    }

    #[inline(never)]
    fn translate(&mut self, iova: u64) -> u64 {
        self.0.exclusive_reader().translate(Iova::new(iova)).map_or(0, |found| found.absolute.get())
    }
}
