// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Walking a table: what is mapped, from low addresses to high ones.

use core::fmt;

use crate::format::address::{AbsoluteAddress, Iova, PAGE_SIZE};
use crate::format::entry::{PageEntry, SegmentEntry};
use crate::format::frame::{FrameSize, Protection};
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::table::run::{self, Run};
use crate::table::translation_table::TranslationTable;
use crate::table::{Absent, PageTable, Segment, TableAllocator};

impl<M: TableAllocator> TranslationTable<M> {
    /// What is mapped in `range`, in the order of the addresses.
    ///
    /// Neighbours that lead to consecutive storage with the same protection and frame size are one mapping. What
    /// changes during the walk is seen or not.
    pub fn walk(&self, range: IovaRange) -> Walk<'_, M> {
        Walk { table: self, rest: self.aperture().intersection(range), pending: None }
    }

    /// Whether anything is mapped in `range`.
    ///
    /// Entries that lead nowhere are passed over in blocks, so this takes less than the first step of a walk.
    pub fn maps_any(&self, range: IovaRange) -> bool {
        let mut rest = self.aperture().intersection(range);
        while let Some(todo) = rest {
            rest = match self.tree.segment_table(todo.start()) {
                Ok(table) => {
                    let (region, rest) = todo.split_after(TableType::RegionThird.entry_last(todo.start()));
                    if run::valid(table).any(|(index, entry)| self.maps_any_below(entry, index, region)) {
                        return true;
                    }
                    rest
                }
                Err(Absent { last }) => todo.split_after(last).1,
            };
        }
        false
    }

    /// Whether `entry`, the valid one at `index` of the segment table for `region`, maps anything in `region`.
    fn maps_any_below(&self, entry: SegmentEntry, index: usize, region: IovaRange) -> bool {
        let start = region.start().get() & !TableType::RegionThird.entry_mask();
        let offset = (index as u64) << TableType::Segment.entry_span_log2();
        let segment = TableType::Segment.entry_range(Iova::new(start | offset));
        region.intersection(segment).is_some_and(|part| match self.tree.target(entry) {
            Segment::Pages(pages) => !PageEntry::all_invalid(run::slots(pages, part)),
            Segment::Empty => false,
            Segment::Frame(..) => true,
        })
    }
}

/// A run of consecutive addresses mapped to consecutive storage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mapping {
    /// The addresses.
    pub range: IovaRange,
    /// Where the first of them leads.
    pub origin: AbsoluteAddress,
    /// What a device may do.
    pub protection: Protection,
    /// Size of the frames.
    pub frame: FrameSize,
}

impl Mapping {
    /// One mapping of `self` and `next`, if `next` goes on where `self` ends.
    fn joined(self, next: Self) -> Option<Self> {
        let size = self.range.size_less_one().checked_add(1)?;
        let follows = self.range.last().checked_add(1)? == next.range.start()
            && self.origin.checked_add(size)? == next.origin
            && self.protection == next.protection
            && self.frame == next.frame;
        follows.then(|| Self { range: self.range.hull(next.range), ..self })
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protection = match self.protection {
            Protection::ReadOnly => "read-only",
            Protection::ReadWrite => "read-write",
        };
        write!(f, "{} -> {} {protection}", self.range, self.origin)
    }
}

/// Iterator over what is mapped; made by [`TranslationTable::walk`].
pub struct Walk<'t, M: TableAllocator> {
    table: &'t TranslationTable<M>,
    rest: Option<IovaRange>,
    pending: Option<Mapping>,
}

impl<M: TableAllocator> fmt::Debug for Walk<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("rest", &self.rest).field("pending", &self.pending).finish_non_exhaustive()
    }
}

impl<M: TableAllocator> Walk<'_, M> {
    /// The next run that lies within one segment.
    fn piece(&mut self) -> Option<Mapping> {
        loop {
            let todo = self.rest?;
            let table = match self.table.tree.segment_table(todo.start()) {
                Ok(found) => found,
                Err(Absent { last }) => {
                    self.rest = todo.split_after(last).1;
                    continue;
                }
            };
            let (chunk, after) = todo.split_after(TableType::Segment.entry_last(todo.start()));
            match self.table.tree.segment(&table[TableType::Segment.index(todo.start())]) {
                Segment::Empty => self.rest = after,
                Segment::Frame(frame, protection) => {
                    self.rest = after;
                    let offset = chunk.start().get() & TableType::Segment.entry_mask();
                    return Some(Mapping {
                        range: chunk,
                        origin: AbsoluteAddress::new(frame.get() | offset),
                        protection,
                        frame: FrameSize::Size1M,
                    });
                }
                Segment::Pages(pages) => match first_run(pages, chunk) {
                    Some(mapping) => {
                        self.rest = todo.split_after(mapping.range.last()).1;
                        return Some(mapping);
                    }
                    None => self.rest = after,
                },
            }
        }
    }
}

impl<M: TableAllocator> Iterator for Walk<'_, M> {
    type Item = Mapping;

    fn next(&mut self) -> Option<Mapping> {
        let mut mapping = match self.pending.take() {
            Some(mapping) => mapping,
            None => self.piece()?,
        };
        while let Some(next) = self.piece() {
            match mapping.joined(next) {
                Some(joined) => mapping = joined,
                None => {
                    self.pending = Some(next);
                    break;
                }
            }
        }
        Some(mapping)
    }
}

/// The first run of consecutive frames that `pages` maps in `chunk`.
pub(crate) fn first_run(pages: &PageTable, chunk: IovaRange) -> Option<Mapping> {
    let mut run: Option<Mapping> = None;
    let mut iova = chunk.start();
    for slot in run::slots(pages, chunk) {
        let entry = slot.page();
        let page = (!entry.invalid()).then(|| Mapping {
            range: IovaRange::page(iova),
            origin: entry.frame(),
            protection: entry.protection(),
            frame: FrameSize::Size4K,
        });
        run = match (run, page) {
            (None, page) => page,
            (Some(run), None) => return Some(run),
            (Some(run), Some(page)) => match run.joined(page) {
                Some(joined) => Some(joined),
                None => return Some(run),
            },
        };
        iova = Iova::new(iova.get().wrapping_add(PAGE_SIZE));
    }
    run
}
