// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The way down a tree: from its root to an entry of a segment table.
//!
//! Every walk that looks for addresses is one of these: [`Tree::cell`] for one address, [`Tree::runs`] over what
//! exists, [`Tree::grown_run`] over what is made where it does not exist. Walks over whole tables are in `sweep.rs`.

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::{PageEntry, RegionEntry, SegmentEntry};
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, Root, TableType};
use crate::table::cell::{Segment, SegmentCell};
use crate::table::run::Run;
use crate::table::seam::{AllocationFlags, TableAllocator};
use crate::table::slot::Slot;
use crate::table::tree::{OutOfStorage, SegmentTable, Tree};

/// No table leads on: nothing is mapped up to and including `last`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Absent {
    pub(super) last: Iova,
}

impl<M: TableAllocator> Tree<M> {
    /// The cell for `iova`, or how far there is none.
    ///
    /// `iova` lies within the span of the tree; bits above it are not looked at.
    #[inline]
    pub(super) fn cell(&self, iova: Iova) -> Result<SegmentCell<'_, M>, Absent> {
        let table = self.segment_table(iova)?;
        Ok(SegmentCell::new(self, &table[TableType::Segment.index(iova)]))
    }

    /// The slot for the page that holds `iova`, if there is a page table for it.
    #[inline]
    pub(super) fn page(&self, iova: Iova) -> Option<&Slot<PageEntry>> {
        match self.cell(iova).ok()?.get() {
            Segment::Pages(pages) => Some(&pages[page_index(iova)]),
            _ => None,
        }
    }

    /// The entries for `range` whose segment tables exist, table by table, in order.
    #[inline]
    pub(super) fn runs(&self, range: IovaRange) -> impl Iterator<Item = SegmentRun<'_, M>> {
        let mut rest = Some(range);
        core::iter::from_fn(move || loop {
            let todo = rest?;
            match self.segment_table(todo.start()) {
                Ok(table) => {
                    let (run, behind) = SegmentRun::cut(self, table, todo);
                    rest = behind;
                    return Some(run);
                }
                Err(Absent { last }) => rest = todo.split_after(last).1,
            }
        })
    }

    /// The entries for the start of `todo`, whose segment table is made where there is none, and what is behind it.
    #[inline(always)]
    pub(super) fn grown_run(
        &self,
        todo: IovaRange,
        flags: AllocationFlags,
    ) -> Result<(SegmentRun<'_, M>, Option<IovaRange>), OutOfStorage> {
        Ok(SegmentRun::cut(self, self.grown_segment_table(todo.start(), flags)?, todo))
    }

    /// The segment table for `iova`.
    #[inline]
    fn segment_table(&self, iova: Iova) -> Result<&SegmentTable, Absent> {
        self.descend(iova, |_, table_type| Err(Absent { last: table_type.entry_last(iova) }))
    }

    /// The segment table for `iova`, made where it does not exist.
    #[inline]
    fn grown_segment_table(&self, iova: Iova, flags: AllocationFlags) -> Result<&SegmentTable, OutOfStorage> {
        self.descend(iova, |slot, table_type| self.install_table(slot, table_type, flags))
    }

    /// Goes down to the segment table for `iova`; `absent` decides what an empty slot leads to.
    #[inline]
    fn descend<E>(
        &self,
        iova: Iova,
        absent: impl Fn(&Slot<RegionEntry>, TableType) -> Result<AbsoluteAddress, E>,
    ) -> Result<&SegmentTable, E> {
        let step = |table, table_type| {
            // SAFETY: `table` is the root, or what an entry of the level above designates, of this type.
            let slot = unsafe { self.region_slot(table, table_type, iova) };
            let entry = slot.load();
            if entry.invalid() {
                absent(slot, table_type)
            } else {
                Ok(entry.origin())
            }
        };
        // One step after the other and no loop, so that each shifts by a constant.
        let mut table = self.root();
        if self.kind() == Root::RegionFirst {
            table = step(table, TableType::RegionFirst)?;
        }
        if self.kind() != Root::RegionThird {
            table = step(table, TableType::RegionSecond)?;
        }
        table = step(table, TableType::RegionThird)?;
        // SAFETY: an entry of a region-third table designates a segment table.
        Ok(unsafe { self.segment_table_at(table) })
    }
}

/// The entries of one segment table for a part of a range.
pub(super) struct SegmentRun<'t, M: TableAllocator> {
    tree: &'t Tree<M>,
    table: &'t SegmentTable,
    part: IovaRange,
}

impl<'t, M: TableAllocator> SegmentRun<'t, M> {
    /// The entries of `table` for the start of `todo`, and what of it is behind the table.
    #[inline]
    fn cut(tree: &'t Tree<M>, table: &'t SegmentTable, todo: IovaRange) -> (Self, Option<IovaRange>) {
        let (part, rest) = todo.split_after(TableType::RegionThird.entry_last(todo.start()));
        (Self { tree, table, part }, rest)
    }

    /// What the entries cover of the range.
    #[inline]
    pub(super) const fn part(&self) -> IovaRange {
        self.part
    }

    /// The entries.
    #[inline]
    fn slots(&self) -> &'t [Slot<SegmentEntry>] {
        let index = |iova| TableType::Segment.index(iova);
        self.table.get(index(self.part.start())..=index(self.part.last())).unwrap_or(&[])
    }

    /// Whether each entry is empty.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        SegmentEntry::all_invalid(self.slots())
    }

    /// A cell for each entry, with its part of the range.
    #[inline]
    pub(super) fn cells(&self) -> impl Iterator<Item = (SegmentCell<'t, M>, IovaRange)> {
        let (tree, table, mut rest) = (self.tree, self.table, Some(self.part));
        core::iter::from_fn(move || {
            let todo = rest?;
            let (part, behind) = todo.split_after(TableType::Segment.entry_last(todo.start()));
            rest = behind;
            Some((SegmentCell::new(tree, &table[TableType::Segment.index(part.start())]), part))
        })
    }

    /// A cell for each entry; the range covers all that these cover.
    #[inline]
    pub(super) fn whole_cells(&self) -> impl Iterator<Item = SegmentCell<'t, M>> {
        let tree = self.tree;
        self.slots().iter().map(move |slot| SegmentCell::new(tree, slot))
    }

    /// A cell for each entry that is not empty, with its part of the range; many empty ones are passed over at once.
    #[inline]
    pub(super) fn valid_cells(&self) -> impl Iterator<Item = (SegmentCell<'t, M>, IovaRange)> {
        let (tree, slots, whole) = (self.tree, self.slots(), self.part);
        let mut next = 0;
        core::iter::from_fn(move || {
            let (index, _) = SegmentEntry::next_valid(slots, next)?;
            next = index.wrapping_add(1);
            let ahead = (index as u64) << TableType::Segment.entry_span_log2();
            let part = TableType::Segment.entry_range(Iova::new(whole.start().get().wrapping_add(ahead)));
            Some((SegmentCell::new(tree, slots.get(index)?), whole.intersection(part)?))
        })
    }
}
