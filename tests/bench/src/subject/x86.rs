// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of `x86_64`: four levels, a page at a time, without TLB maintenance.

use std::ptr::NonNull;

use x86_64::structures::paging::mapper::CleanUp;
use x86_64::structures::paging::{
    FrameAllocator, FrameDeallocator, Mapper, OffsetPageTable, Page, PageTable, PageTableFlags, PhysFrame, Size4KiB,
    Translate,
};
use x86_64::{PhysAddr, VirtAddr};

use super::{Subject, PAGE};
use crate::arena;

struct Storage;

// SAFETY: the arena gives each table out once.
unsafe impl FrameAllocator<Size4KiB> for Storage {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        let table = arena::allocate(PAGE as usize)?;
        PhysFrame::from_start_address(PhysAddr::new(arena::absolute(table))).ok()
    }
}

impl FrameDeallocator<Size4KiB> for Storage {
    unsafe fn deallocate_frame(&mut self, frame: PhysFrame) {
        if let Some(table) = NonNull::new(arena::pointer(frame.start_address().as_u64())) {
            arena::deallocate(table, PAGE as usize);
        }
    }
}

/// The tables.
pub(crate) struct X86 {
    table: OffsetPageTable<'static>,
    root: NonNull<u8>,
}

impl X86 {
    fn page(iova: u64) -> Page<Size4KiB> {
        Page::containing_address(VirtAddr::new(iova))
    }
}

impl Subject for X86 {
    fn new() -> Self {
        let root = arena::allocate(PAGE as usize).expect("storage");
        // SAFETY: the table has a page, which nobody else uses.
        unsafe { root.write_bytes(0, PAGE as usize) };
        // SAFETY: a page of zeros is an empty table, and its storage lives as long as the program.
        let table = unsafe { root.cast::<PageTable>().as_mut() };
        // SAFETY: all tables are in the arena, at this offset.
        let table = unsafe { OffsetPageTable::new(table, VirtAddr::new_truncate(arena::base())) };
        Self { table, root }
    }

    #[inline(never)]
    fn map(&mut self, iova: u64, storage: u64, pages: u64) {
        for page in 0..pages {
            let offset = page * PAGE;
            let frame = PhysFrame::containing_address(PhysAddr::new(storage + offset));
            let flags = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
            // SAFETY: no processor uses the table.
            let mapped = unsafe { self.table.map_to(Self::page(iova + offset), frame, flags, &mut Storage) };
            mapped.expect("nothing is mapped there").ignore();
        }
    }

    #[inline(never)]
    fn unmap(&mut self, iova: u64, pages: u64) {
        for page in 0..pages {
            self.table.unmap(Self::page(iova + page * PAGE)).expect("it is mapped").1.ignore();
        }
    }

    #[inline(never)]
    fn translate(&mut self, iova: u64) -> u64 {
        self.table.translate_addr(VirtAddr::new(iova)).map_or(0, PhysAddr::as_u64)
    }
}

impl Drop for X86 {
    fn drop(&mut self) {
        let all = Page::range_inclusive(Self::page(0), Self::page(u64::MAX));
        // SAFETY: nobody uses the tables any more.
        unsafe { self.table.clean_up_addr_range(all, &mut Storage) };
        arena::deallocate(self.root, PAGE as usize);
    }
}
