// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of `aarch64-paging`: stage 2, four levels, blocks forbidden, without TLB maintenance.

use std::ptr::NonNull;

use aarch64_paging::descriptor::{PhysicalAddress, Stage2Attributes};
use aarch64_paging::paging::{Constraints, MemoryRegion, PageTable, RootTable, Stage2, Translation};

use super::{Subject, PAGE};
use crate::arena;

type Table = PageTable<Stage2Attributes>;

struct Storage;

impl Translation<Stage2Attributes> for Storage {
    fn allocate_table(&mut self) -> (NonNull<Table>, PhysicalAddress) {
        let table = arena::allocate(PAGE as usize).expect("storage");
        // SAFETY: the table has a page, which nobody else uses.
        unsafe { table.write_bytes(0, PAGE as usize) };
        (table.cast(), PhysicalAddress(arena::absolute(table) as usize))
    }

    unsafe fn deallocate_table(&mut self, table: NonNull<Table>) {
        arena::deallocate(table.cast(), PAGE as usize);
    }

    #[inline]
    fn physical_to_virtual(&self, absolute: PhysicalAddress) -> NonNull<Table> {
        NonNull::new(arena::pointer(absolute.0 as u64).cast()).expect("a table")
    }
}

/// The tables.
pub(crate) struct Aarch64(RootTable<Stage2, Storage>);

impl Aarch64 {
    fn set(&mut self, iova: u64, storage: u64, pages: u64, attributes: Stage2Attributes) {
        let region = MemoryRegion::new(iova as usize, (iova + pages * PAGE) as usize);
        let constraints = Constraints::NO_BLOCK_MAPPINGS | Constraints::NO_CONTIGUOUS_HINT;
        self.0.map_range(&region, PhysicalAddress(storage as usize), attributes, constraints).expect("a range");
    }
}

impl Subject for Aarch64 {
    fn new() -> Self {
        Self(RootTable::new(Storage, 0, Stage2))
    }

    #[inline(never)]
    fn map(&mut self, iova: u64, storage: u64, pages: u64) {
        let attributes = Stage2Attributes::VALID | Stage2Attributes::S2AP_ACCESS_RW;
        self.set(iova, storage, pages, attributes);
    }

    #[inline(never)]
    fn unmap(&mut self, iova: u64, pages: u64) {
        self.set(iova, 0, pages, Stage2Attributes::empty());
    }

    #[inline(never)]
    fn translate(&mut self, iova: u64) -> u64 {
        let mut found = 0;
        let region = MemoryRegion::new(iova as usize, (iova + PAGE) as usize);
        let walked = self.0.walk_range(&region, &mut |_, descriptor, _| {
            found = descriptor.output_address().0 as u64;
            Ok(())
        });
        walked.expect("a range");
        found
    }
}
