// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage for tables that takes next to no instructions, so that the library's are what is counted.

use core::cell::Cell;
use core::ptr::NonNull;

use qemu_s390x::machine::Region;
use s390_iommu::{AbsoluteAddress, PhysToVirt, TableAllocator, TableSize};

/// Region and segment tables: more than a root of any kind and the way to one segment table.
const CRSTS: usize = 8;

/// Page tables: those of 1 GiB.
const PAGE_TABLES: usize = 1024;

/// Tables that are ready to be handed out.
#[derive(Debug)]
pub(super) struct Reserve {
    crsts: Stack<CRSTS>,
    page_tables: Stack<PAGE_TABLES>,
}

impl Reserve {
    /// Cuts tables out of `region`; nothing if it is too small, or if absolute addresses there are no pointers.
    ///
    /// # Safety
    ///
    /// The region is storage that nothing else uses as long as the reserve exists, and is mapped where it says.
    pub(super) unsafe fn new(region: Region) -> Option<Self> {
        let bytes = CRSTS * TableSize::Crst.bytes() + PAGE_TABLES * TableSize::Page.bytes();
        if region.bytes < bytes || region.base != 0 {
            return None;
        }
        let page_tables = AbsoluteAddress::new(region.start.get() + (CRSTS * TableSize::Crst.bytes()) as u64);
        Some(Self {
            crsts: Stack::of_tables(region.start, TableSize::Crst),
            page_tables: Stack::of_tables(page_tables, TableSize::Page),
        })
    }

    /// Whether no table is handed out.
    pub(super) fn is_whole(&self) -> bool {
        self.crsts.height.get() == CRSTS && self.page_tables.height.get() == PAGE_TABLES
    }
}

// SAFETY: The tables lie in a region that nothing else uses, outside of all objects of the program, where an absolute
// address is the pointer.
unsafe impl PhysToVirt for Reserve {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        let table = core::ptr::with_exposed_provenance_mut(origin.get() as usize);
        // No table lies at 0.
        NonNull::new(table).unwrap_or(NonNull::dangling())
    }
}

// SAFETY: A table is on its stack or has one user; it is aligned to its size since the region is to 1 MiB, and those of
// the larger size lie first. The region does not lie at 0.
unsafe impl TableAllocator for Reserve {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        match size {
            TableSize::Page => self.page_tables.pop(),
            TableSize::Crst => self.crsts.pop(),
        }
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        match size {
            TableSize::Page => self.page_tables.push(origin),
            TableSize::Crst => self.crsts.push(origin),
        }
    }
}

/// Tables of one size; the one that came last goes first.
#[derive(Debug)]
struct Stack<const N: usize> {
    height: Cell<usize>,
    tables: [Cell<AbsoluteAddress>; N],
}

impl<const N: usize> Stack<N> {
    /// `N` tables, one behind the other.
    fn of_tables(first: AbsoluteAddress, size: TableSize) -> Self {
        let table = |number: usize| AbsoluteAddress::new(first.get() + (number * size.bytes()) as u64);
        Self { height: Cell::new(N), tables: core::array::from_fn(|number| Cell::new(table(number))) }
    }

    fn pop(&self) -> Option<AbsoluteAddress> {
        let top = self.height.get().checked_sub(1)?;
        self.height.set(top);
        self.tables.get(top).map(Cell::get)
    }

    fn push(&self, origin: AbsoluteAddress) {
        if let Some(place) = self.tables.get(self.height.get()) {
            place.set(origin);
            self.height.set(self.height.get() + 1);
        }
    }
}
