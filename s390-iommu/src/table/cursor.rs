// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The way down a tree: from its root to an entry of a segment table.
//!
//! Every walk that looks for addresses is one of these: [`Tree::cell`] for one address, [`Tree::cells`] over what
//! exists, [`Tree::grown_cells`] over what is made where it does not exist. Walks over whole tables are in `sweep.rs`.

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::PageEntry;
use crate::format::entry::RegionEntry;
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, Root, TableType};
use crate::table::cell::{Segment, SegmentCell};
use crate::table::seam::TableAllocator;
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

    /// The cells for `range` whose segment tables exist, each with its part of the range, in order.
    #[inline]
    pub(super) fn cells(&self, range: IovaRange) -> Cells<'_, M> {
        Cells { tree: self, rest: Some(range), table: None }
    }

    /// The cells for `range`, each with its part of the range, in order; segment tables are made on the way.
    ///
    /// Ends after an error.
    #[inline]
    pub(super) fn grown_cells(&self, range: IovaRange) -> GrownCells<'_, M> {
        GrownCells { tree: self, rest: Some(range), table: None }
    }

    /// The segment table for `iova`.
    #[inline]
    fn segment_table(&self, iova: Iova) -> Result<&SegmentTable, Absent> {
        self.descend(iova, |_, table_type| Err(Absent { last: table_type.entry_last(iova) }))
    }

    /// The segment table for `iova`, made where it does not exist.
    #[inline]
    fn grown_segment_table(&self, iova: Iova) -> Result<&SegmentTable, OutOfStorage> {
        self.descend(iova, |slot, table_type| self.install_table(slot, table_type))
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

/// The segment table that a walk is in, and the last address that it covers.
struct Current<'t> {
    table: &'t SegmentTable,
    last: Iova,
}

impl<'t> Current<'t> {
    #[inline]
    fn new(table: &'t SegmentTable, iova: Iova) -> Self {
        Self { table, last: TableType::RegionThird.entry_last(iova) }
    }

    /// The cell for the start of `todo`, its part, and what is left.
    #[inline]
    fn cut<M: TableAllocator>(
        &self,
        tree: &'t Tree<M>,
        todo: IovaRange,
    ) -> ((SegmentCell<'t, M>, IovaRange), Option<IovaRange>) {
        let (part, rest) = todo.split_after(TableType::Segment.entry_last(todo.start()));
        let slot = &self.table[TableType::Segment.index(part.start())];
        ((SegmentCell::new(tree, slot), part), rest)
    }
}

/// Iterator over cells that exist; made by [`Tree::cells`].
pub(super) struct Cells<'t, M: TableAllocator> {
    tree: &'t Tree<M>,
    rest: Option<IovaRange>,
    table: Option<Current<'t>>,
}

impl<'t, M: TableAllocator> Iterator for Cells<'t, M> {
    type Item = (SegmentCell<'t, M>, IovaRange);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let todo = self.rest?;
            let current = match self.table.take() {
                Some(current) if todo.start() <= current.last => current,
                _ => match self.tree.segment_table(todo.start()) {
                    Ok(table) => Current::new(table, todo.start()),
                    Err(Absent { last }) => {
                        self.rest = todo.split_after(last).1;
                        continue;
                    }
                },
            };
            let (found, rest) = current.cut(self.tree, todo);
            self.rest = rest;
            self.table = Some(current);
            return Some(found);
        }
    }
}

/// Iterator over cells that are made where they do not exist; made by [`Tree::grown_cells`].
pub(super) struct GrownCells<'t, M: TableAllocator> {
    tree: &'t Tree<M>,
    rest: Option<IovaRange>,
    table: Option<Current<'t>>,
}

impl<'t, M: TableAllocator> Iterator for GrownCells<'t, M> {
    type Item = Result<(SegmentCell<'t, M>, IovaRange), OutOfStorage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let todo = self.rest?;
        let current = match self.table.take() {
            Some(current) if todo.start() <= current.last => current,
            _ => match self.tree.grown_segment_table(todo.start()) {
                Ok(table) => Current::new(table, todo.start()),
                Err(error) => {
                    self.rest = None;
                    return Some(Err(error));
                }
            },
        };
        let (found, rest) = current.cut(self.tree, todo);
        self.rest = rest;
        self.table = Some(current);
        Some(Ok(found))
    }
}
