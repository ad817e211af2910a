// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tree of tables below one root, and the steps down it.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::seam::{TableAllocator, TableSize};
use super::spare::Spare;
use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::{Entry, PageEntry, RegionEntry, SegmentEntry};
use crate::format::frame::Protection;
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, Root, TableType, CRST_ENTRIES, PAGE_TABLE_ENTRIES};
use crate::table::run::{self, Run};
use crate::table::slot::Slot;

pub(super) type RegionTable = [Slot<RegionEntry>; CRST_ENTRIES];
pub(crate) type SegmentTable = [Slot<SegmentEntry>; CRST_ENTRIES];
pub(crate) type PageTable = [Slot<PageEntry>; PAGE_TABLE_ENTRIES];

#[cfg(not(all(loom, test)))]
const _: () = {
    assert!(size_of::<RegionTable>() == TableSize::Crst.bytes());
    assert!(size_of::<SegmentTable>() == TableSize::Crst.bytes());
    assert!(size_of::<PageTable>() == TableSize::Page.bytes());
};

/// No storage for a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OutOfStorage;

/// No table leads on: nothing is mapped up to and including `last`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Absent {
    pub(crate) last: Iova,
}

/// What a segment-table entry leads to.
pub(crate) enum Segment<'t> {
    /// Nothing.
    Empty,
    /// A page table.
    Pages(&'t PageTable),
    /// A frame of 1 MiB.
    Frame(AbsoluteAddress, Protection),
}

/// Region, segment and page tables below one root.
///
/// # Invariants
///
/// * `root` designates a table of `memory` of the kind that `kind` names.
/// * Every valid entry without FC below it designates a table of `memory` of the kind that belongs there, and does not
///   protect what is below.
/// * A table that an entry designates is not deallocated while a reference with the lifetime of `&self` exists.
pub(crate) struct Tree<M: TableAllocator> {
    kind: Root,
    root: AbsoluteAddress,
    memory: M,
}

impl<M: TableAllocator> Tree<M> {
    /// An empty tree.
    pub(crate) fn new(kind: Root, memory: M) -> Result<Self, OutOfStorage> {
        let root = allocate_empty::<_, RegionEntry>(&memory)?;
        // INVARIANT: `root` was just allocated, and none of its entries is valid.
        Ok(Self { kind, root, memory })
    }

    /// The tree below a root that was made elsewhere.
    ///
    /// The caller, in this module, sees to the invariants.
    pub(super) const fn of_raw(kind: Root, root: AbsoluteAddress, memory: M) -> Self {
        Self { kind, root, memory }
    }

    pub(crate) fn kind(&self) -> Root {
        self.kind
    }

    pub(crate) fn root(&self) -> AbsoluteAddress {
        self.root
    }

    pub(crate) fn memory(&self) -> &M {
        &self.memory
    }

    /// The page table for all of `range`, if there is one.
    ///
    /// This is all of the way down for a range within a segment that has been used before.
    #[inline]
    pub(crate) fn page_table(&self, range: IovaRange) -> Option<&PageTable> {
        if range.last() > TableType::Segment.entry_last(range.start()) {
            return None;
        }
        let table = self.segment_table(range.start()).ok()?;
        match self.segment(&table[TableType::Segment.index(range.start())]) {
            Segment::Pages(pages) => Some(pages),
            _ => None,
        }
    }

    /// The slot for the page that holds `iova`, if there is a page table for it.
    #[inline]
    pub(crate) fn page(&self, iova: Iova) -> Option<&Slot<PageEntry>> {
        if iova > self.kind.last() {
            return None;
        }
        let table = self.segment_table(iova).ok()?;
        match self.segment(&table[TableType::Segment.index(iova)]) {
            Segment::Pages(pages) => Some(&pages[page_index(iova)]),
            _ => None,
        }
    }

    /// The segment table for `iova`.
    #[inline]
    pub(crate) fn segment_table(&self, iova: Iova) -> Result<&SegmentTable, Absent> {
        self.descend(iova, |_, table_type| Err(Absent { last: table_type.entry_last(iova) }))
    }

    /// The segment table for `iova`, made where it does not exist.
    #[inline]
    pub(crate) fn grow_segment_table(&self, iova: Iova) -> Result<&SegmentTable, OutOfStorage> {
        self.descend(iova, |slot, table_type| self.install_table(slot, table_type))
    }

    /// Goes down to the segment table for `iova`; `absent` says what the table is that an empty slot should lead to.
    #[inline]
    fn descend<E>(
        &self,
        iova: Iova,
        absent: impl Fn(&Slot<RegionEntry>, TableType) -> Result<AbsoluteAddress, E>,
    ) -> Result<&SegmentTable, E> {
        let step = |table, table_type| {
            let slot = self.region_slot(table, table_type, iova);
            let entry = slot.load();
            if entry.invalid() {
                absent(slot, table_type)
            } else {
                Ok(entry.origin())
            }
        };
        // One step after the other and no loop, so that each shifts by a constant.
        let mut table = self.root;
        if self.kind == Root::RegionFirst {
            table = step(table, TableType::RegionFirst)?;
        }
        if self.kind != Root::RegionThird {
            table = step(table, TableType::RegionSecond)?;
        }
        table = step(table, TableType::RegionThird)?;
        Ok(self.segment_table_at(table))
    }

    /// What `slot`, a slot of a segment table of this tree, leads to.
    #[inline]
    pub(crate) fn segment<'t>(&'t self, slot: &'t Slot<SegmentEntry>) -> Segment<'t> {
        self.target(slot.load())
    }

    /// Puts a page table where `slot` is empty that maps consecutive frames, starting with `first`, in the pages from
    /// `start` to `last`, indices, both inclusive; what is there if somebody else was faster.
    ///
    /// The table comes from `spare`. Nothing is done where that has none.
    pub(crate) fn install_pages<'t>(
        &'t self,
        slot: &'t Slot<SegmentEntry>,
        spare: &mut Spare<'_, M>,
        (start, last): (usize, usize),
        first: PageEntry,
    ) -> Result<(), Segment<'t>> {
        let Some(origin) = spare.take() else {
            return Ok(());
        };
        fill_pages(&self.memory, origin, start, last, first);
        // INVARIANT: a segment-table entry designates a page table.
        slot.install(SegmentEntry::EMPTY, SegmentEntry::designating(origin)).map_err(|there| {
            self.discard(origin, TableSize::Page);
            self.target(there)
        })
    }

    /// Maps a frame of 1 MiB where `slot` is empty; what is there otherwise.
    pub(crate) fn install_frame<'t>(
        &'t self,
        slot: &'t Slot<SegmentEntry>,
        frame: AbsoluteAddress,
        protection: Protection,
    ) -> Result<(), Segment<'t>> {
        slot.install(SegmentEntry::EMPTY, SegmentEntry::mapping(frame, protection)).map_err(|there| self.target(there))
    }

    /// Makes `slot` empty where it maps a frame of 1 MiB.
    pub(crate) fn remove_frame(&self, slot: &Slot<SegmentEntry>) {
        let entry = slot.load();
        if !entry.invalid() && entry.frame_mapped() {
            // A lost race means that the frame is gone already.
            let _ = slot.install(entry, SegmentEntry::EMPTY);
        }
    }

    /// Replaces a frame of 1 MiB in `slot` by a page table that maps the same storage in frames of 4 KiB.
    ///
    /// Tells whether `slot` held such a frame.
    pub(crate) fn split_frame(&self, slot: &Slot<SegmentEntry>) -> Result<bool, OutOfStorage> {
        let entry = slot.load();
        if entry.invalid() || !entry.frame_mapped() {
            return Ok(false);
        }
        let origin = self.memory.allocate(TableSize::Page).ok_or(OutOfStorage)?;
        let first = PageEntry::mapping(entry.frame(), entry.protection());
        fill_pages(&self.memory, origin, 0, PAGE_TABLE_ENTRIES - 1, first);
        // INVARIANT: a segment-table entry designates a page table.
        let installed = slot.install(entry, SegmentEntry::designating(origin)).is_ok();
        if !installed {
            self.discard(origin, TableSize::Page);
        }
        Ok(installed)
    }

    #[inline]
    pub(crate) fn target(&self, entry: SegmentEntry) -> Segment<'_> {
        if entry.designates_table() {
            Segment::Pages(self.page_table_at(entry.origin()))
        } else if entry.invalid() {
            Segment::Empty
        } else {
            Segment::Frame(entry.frame(), entry.protection())
        }
    }

    /// Puts an empty table below `slot`, a slot of a table of type `table_type`; the origin of the table there.
    #[cold]
    fn install_table(&self, slot: &Slot<RegionEntry>, table_type: TableType) -> Result<AbsoluteAddress, OutOfStorage> {
        let origin = match table_type {
            TableType::RegionThird => allocate_empty::<_, SegmentEntry>(&self.memory)?,
            _ => allocate_empty::<_, RegionEntry>(&self.memory)?,
        };
        // INVARIANT: the new table is of the kind that belongs below `table_type`.
        match slot.install(RegionEntry::EMPTY, RegionEntry::designating(table_type, origin)) {
            Ok(()) => Ok(origin),
            Err(winner) => {
                self.discard(origin, TableSize::Crst);
                Ok(winner.origin())
            }
        }
    }

    #[inline]
    pub(super) fn region_slot(&self, table: AbsoluteAddress, table_type: TableType, iova: Iova) -> &Slot<RegionEntry> {
        &self.region_table_at(table)[table_type.index(iova)]
    }

    #[inline]
    pub(super) fn region_table_at(&self, table: AbsoluteAddress) -> &RegionTable {
        let table: NonNull<RegionTable> = self.memory.phys_to_virt(table).cast();
        // SAFETY: by the invariants `table` is a live table of this size, and `phys_to_virt` gives a valid, aligned
        // pointer to it. Its storage was initialised before it was designated. Entries are only ever accessed as
        // atomics after that, so a shared reference is right.
        unsafe { table.as_ref() }
    }

    #[inline]
    pub(super) fn segment_table_at(&self, table: AbsoluteAddress) -> &SegmentTable {
        let table: NonNull<SegmentTable> = self.memory.phys_to_virt(table).cast();
        // SAFETY: as in `region_table_at`.
        unsafe { table.as_ref() }
    }

    #[inline]
    pub(super) fn page_table_at(&self, table: AbsoluteAddress) -> &PageTable {
        let table: NonNull<PageTable> = self.memory.phys_to_virt(table).cast();
        // SAFETY: as in `region_table_at`.
        unsafe { table.as_ref() }
    }

    /// Gives back a table that never was designated.
    fn discard(&self, origin: AbsoluteAddress, size: TableSize) {
        // SAFETY: `origin` was allocated with `size` by the caller in this module, and nobody else has seen it.
        unsafe { self.memory.deallocate(origin, size) }
    }

    /// Gives back `table` and all below it.
    ///
    /// The caller, in this module, sees to it that nobody uses them any more.
    fn discard_below(&self, table: AbsoluteAddress, table_type: TableType) {
        match table_type {
            TableType::Segment => {
                for block in run::blocks_with_valid(self.segment_table_at(table)) {
                    for slot in block {
                        let entry = slot.load();
                        if entry.designates_table() {
                            self.discard(entry.origin(), TableSize::Page);
                        }
                    }
                }
            }
            _ => {
                for (_, entry) in run::valid(self.region_table_at(table)) {
                    self.discard_below(entry.origin(), below(table_type));
                }
            }
        }
        self.discard(table, TableSize::Crst);
    }
}

impl<M: TableAllocator> Drop for Tree<M> {
    /// Gives all tables back; `&mut self` tells that no reference into them is left.
    fn drop(&mut self) {
        self.discard_below(self.root, self.kind.table_type());
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
fn allocate_empty<M: TableAllocator, E: Run>(memory: &M) -> Result<AbsoluteAddress, OutOfStorage> {
    let origin = memory.allocate(TableSize::Crst).ok_or(OutOfStorage)?;
    let mut table: NonNull<[MaybeUninit<Slot<E>>; CRST_ENTRIES]> = memory.phys_to_virt(origin).cast();
    // SAFETY: the table was just allocated with this size and alignment, and nobody else uses it. It need not be
    // initialised.
    E::fill_empty(unsafe { table.as_mut() });
    Ok(origin)
}

/// Fills the page table at `origin`, which nobody else can see: consecutive frames, starting with `first`, in the pages
/// from `start` to `last`, indices, both inclusive, and nothing elsewhere.
///
/// The caller, in this module, has just allocated the table.
fn fill_pages<M: TableAllocator>(memory: &M, origin: AbsoluteAddress, start: usize, last: usize, first: PageEntry) {
    let mut table: NonNull<[MaybeUninit<Slot<PageEntry>>; PAGE_TABLE_ENTRIES]> = memory.phys_to_virt(origin).cast();
    // SAFETY: the table was allocated with this size and alignment, and nobody else uses it yet. It need not be
    // initialised.
    run::fill_pages(unsafe { table.as_mut() }, start, last, first);
}
