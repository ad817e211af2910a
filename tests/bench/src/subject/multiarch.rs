// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of `page_table_multiarch`, those of x86: four levels, large pages not asked for.

use std::ptr::NonNull;

use memory_addr::{PhysAddr, VirtAddr};
use page_table_multiarch::x86_64::X64PageTable;
use page_table_multiarch::{MappingFlags, PagingHandler};

use super::{Subject, PAGE};
use crate::arena;

struct Storage;

impl PagingHandler for Storage {
    fn alloc_frames(_: usize, _: usize) -> Option<PhysAddr> {
        let table = arena::allocate(PAGE as usize)?;
        Some(PhysAddr::from_usize(arena::absolute(table) as usize))
    }

    fn dealloc_frames(absolute: PhysAddr, _: usize) {
        if let Some(table) = NonNull::new(arena::pointer(absolute.as_usize() as u64)) {
            arena::deallocate(table, PAGE as usize);
        }
    }

    #[inline]
    fn phys_to_virt(absolute: PhysAddr) -> VirtAddr {
        VirtAddr::from_usize(arena::pointer(absolute.as_usize() as u64) as usize)
    }
}

/// The tables.
pub(crate) struct Multiarch(X64PageTable<Storage>);

impl Subject for Multiarch {
    fn new() -> Self {
        Self(X64PageTable::try_new().expect("storage"))
    }

    #[inline(never)]
    fn map(&mut self, iova: u64, storage: u64, pages: u64) {
        let to = |address: VirtAddr| PhysAddr::from_usize(address.as_usize() - iova as usize + storage as usize);
        let flags = MappingFlags::READ | MappingFlags::WRITE;
        let start = VirtAddr::from_usize(iova as usize);
        self.0.cursor().map_region(start, to, (pages * PAGE) as usize, flags, false).expect("a range");
    }

    #[inline(never)]
    fn unmap(&mut self, iova: u64, pages: u64) {
        let start = VirtAddr::from_usize(iova as usize);
        self.0.cursor().unmap_region(start, (pages * PAGE) as usize).expect("a range");
    }

    #[inline(never)]
    fn translate(&mut self, iova: u64) -> u64 {
        self.0.query(VirtAddr::from_usize(iova as usize)).map_or(0, |(found, ..)| found.as_usize() as u64)
    }
}
