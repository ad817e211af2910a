// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tree of tables below one root.

use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::{Entry, PageEntry, RegionEntry, SegmentEntry};
use crate::format::table_type::{Root, TableType, CRST_ENTRIES, PAGE_TABLE_ENTRIES};
use crate::table::run::Run;
use crate::table::seam::{AllocationFlags, TableAllocator, TableSize};
use crate::table::slot::Slot;

pub(super) type RegionTable = [Slot<RegionEntry>; CRST_ENTRIES];
pub(super) type SegmentTable = [Slot<SegmentEntry>; CRST_ENTRIES];
pub(super) type PageTable = [Slot<PageEntry>; PAGE_TABLE_ENTRIES];

#[cfg(not(all(loom, test)))]
const _: () = {
    assert!(size_of::<RegionTable>() == TableSize::Crst.bytes());
    assert!(size_of::<SegmentTable>() == TableSize::Crst.bytes());
    assert!(size_of::<PageTable>() == TableSize::Page.bytes());
};

/// No storage for a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OutOfStorage;

/// Region, segment and page tables below one root.
///
/// # Invariants
///
/// * `root` designates a table of `memory` of the kind that `kind` names.
/// * Every valid entry without FC below it designates a table of `memory` of the kind that belongs there, and does not
///   protect what is below.
/// * A table that an entry designates is not deallocated while a reference with the lifetime of `&self` exists.
pub(super) struct Tree<M: TableAllocator> {
    kind: Root,
    root: AbsoluteAddress,
    memory: M,
}

impl<M: TableAllocator> Tree<M> {
    /// An empty tree.
    pub(super) fn new(kind: Root, memory: M, flags: AllocationFlags) -> Result<Self, OutOfStorage> {
        let root = allocate_empty::<_, RegionEntry>(&memory, flags)?;
        // INVARIANT: `root` was just allocated, and none of its entries is valid.
        Ok(Self { kind, root, memory })
    }

    pub(super) fn kind(&self) -> Root {
        self.kind
    }

    pub(super) fn root(&self) -> AbsoluteAddress {
        self.root
    }

    pub(super) fn memory(&self) -> &M {
        &self.memory
    }

    /// Drops `memory` alone.
    ///
    /// # Safety
    ///
    /// The tree must not be used or dropped afterwards.
    pub(super) unsafe fn drop_memory(&mut self) {
        // SAFETY: by the contract this is its last use.
        unsafe { ptr::drop_in_place(&mut self.memory) };
    }

    /// Puts an empty table below `slot`, a slot of a table of type `table_type`; the origin of the table there.
    #[cold]
    pub(super) fn install_table(
        &self,
        slot: &Slot<RegionEntry>,
        table_type: TableType,
        flags: AllocationFlags,
    ) -> Result<AbsoluteAddress, OutOfStorage> {
        let origin = match table_type {
            TableType::RegionThird => allocate_empty::<_, SegmentEntry>(&self.memory, flags)?,
            _ => allocate_empty::<_, RegionEntry>(&self.memory, flags)?,
        };
        // INVARIANT: an entry of a region-third table designates a segment table, one of a higher table a region table
        // of the next type.
        match slot.install(RegionEntry::EMPTY, RegionEntry::designating(table_type, origin)) {
            Ok(()) => Ok(origin),
            Err(winner) => {
                // SAFETY: the table was allocated above with this size, and nobody else has seen it.
                unsafe { self.memory.deallocate(origin, TableSize::Crst) };
                // What is neither empty nor valid is no entry of a live table: the slot was taken out meanwhile, which
                // the contract of `reclaim` rules out. Nothing is reached through it.
                debug_assert!(!winner.invalid(), "a table was taken out under an operation in its range");
                if winner.invalid() {
                    Err(OutOfStorage)
                } else {
                    Ok(winner.origin())
                }
            }
        }
    }

    /// The slot for `iova` in `table`.
    ///
    /// # Safety
    ///
    /// `table` must be a region table of this tree; `table_type` is its type, on which nothing but the index depends.
    #[inline]
    pub(super) unsafe fn region_slot(
        &self,
        table: AbsoluteAddress,
        table_type: TableType,
        iova: Iova,
    ) -> &Slot<RegionEntry> {
        // SAFETY: the caller answers for `table`.
        let table = unsafe { self.region_table_at(table) };
        &table[table_type.index(iova)]
    }

    /// # Safety
    ///
    /// `table` must be a region table of this tree.
    #[inline]
    pub(super) unsafe fn region_table_at(&self, table: AbsoluteAddress) -> &RegionTable {
        let table: NonNull<RegionTable> = self.memory.phys_to_virt(table).cast();
        // SAFETY: by the contract `table` is a live table of this size, and `phys_to_virt` gives a valid, aligned
        // pointer to it. Its storage was initialised before it was designated. Entries are only ever accessed as
        // atomics after that, so a shared reference is right.
        unsafe { table.as_ref() }
    }

    /// # Safety
    ///
    /// `table` must be a segment table of this tree.
    #[inline]
    pub(super) unsafe fn segment_table_at(&self, table: AbsoluteAddress) -> &SegmentTable {
        let table: NonNull<SegmentTable> = self.memory.phys_to_virt(table).cast();
        // SAFETY: as in `region_table_at`.
        unsafe { table.as_ref() }
    }

    /// # Safety
    ///
    /// `table` must be a page table of this tree.
    #[inline]
    pub(super) unsafe fn page_table_at(&self, table: AbsoluteAddress) -> &PageTable {
        let table: NonNull<PageTable> = self.memory.phys_to_virt(table).cast();
        // SAFETY: as in `region_table_at`.
        unsafe { table.as_ref() }
    }
}

/// The kind of table that an entry of a region table designates.
#[inline]
pub(super) const fn below(table_type: TableType) -> TableType {
    match table_type {
        TableType::RegionFirst => TableType::RegionSecond,
        TableType::RegionSecond => TableType::RegionThird,
        TableType::RegionThird | TableType::Segment => TableType::Segment,
    }
}

/// Allocates a region or segment table of empty entries, before anybody else can see it.
fn allocate_empty<M: TableAllocator, E: Run>(
    memory: &M,
    flags: AllocationFlags,
) -> Result<AbsoluteAddress, OutOfStorage> {
    let origin = memory.allocate_with(TableSize::Crst, flags).ok_or(OutOfStorage)?;
    let mut table: NonNull<[MaybeUninit<Slot<E>>; CRST_ENTRIES]> = memory.phys_to_virt(origin).cast();
    // SAFETY: the table was just allocated with this size and alignment, and nobody else uses it. It need not be
    // initialised.
    E::fill_empty(unsafe { table.as_mut() });
    Ok(origin)
}
