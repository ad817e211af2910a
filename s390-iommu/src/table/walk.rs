// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Walking a table: what is mapped, from low addresses to high ones.

use core::fmt;

use crate::format::address::{AbsoluteAddress, Iova, PAGE_SIZE};
use crate::format::entry::PageEntry;
use crate::format::frame::{FrameSize, Protection};
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::table::cell::Segment;
use crate::table::run::{self, Run};
use crate::table::seam::TableAllocator;
use crate::table::translation_table::TranslationTable;
use crate::table::tree::PageTable;

/// A run of consecutive addresses mapped to consecutive storage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
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
        write!(f, "{} -> {} {}", self.range, self.origin, self.protection)
    }
}

/// Iterator over what is mapped; made by [`Reader::walk`](crate::Reader::walk).
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

impl<'t, M: TableAllocator> Walk<'t, M> {
    pub(super) fn new(table: &'t TranslationTable<M>, range: IovaRange) -> Self {
        Self { table, rest: table.span().intersection(range), pending: None }
    }

    /// The next run that lies within one segment.
    fn piece(&mut self) -> Option<Mapping> {
        let todo = self.rest.take()?;
        for run in self.table.tree().runs(todo) {
            for (cell, part) in run.valid_cells() {
                let found = match cell.get() {
                    Segment::Empty => None,
                    Segment::Frame(frame, protection) => {
                        let offset = part.start().get() & TableType::Segment.entry_mask();
                        let origin = AbsoluteAddress::new(frame.get() | offset);
                        Some(Mapping { range: part, origin, protection, frame: FrameSize::Size1M })
                    }
                    Segment::Pages(pages) => first_run(pages, part),
                };
                if let Some(mapping) = found {
                    self.rest = todo.split_after(mapping.range.last()).1;
                    return Some(mapping);
                }
            }
        }
        None
    }
}

/// What is mapped, in runs that each lie within one segment; made by [`Reader::runs`](crate::Reader::runs).
pub(crate) struct Runs<'t, M: TableAllocator>(Walk<'t, M>);

impl<'t, M: TableAllocator> Runs<'t, M> {
    pub(super) fn new(table: &'t TranslationTable<M>, range: IovaRange) -> Self {
        Self(Walk::new(table, range))
    }
}

impl<M: TableAllocator> Iterator for Runs<'_, M> {
    type Item = IovaRange;

    fn next(&mut self) -> Option<IovaRange> {
        self.0.piece().map(|mapping| mapping.range)
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
pub(super) fn first_run(pages: &PageTable, chunk: IovaRange) -> Option<Mapping> {
    let slots = run::slots(pages, chunk);
    let (first, _) = PageEntry::next_valid(slots, 0)?;
    let mut run: Option<Mapping> = None;
    let mut iova = Iova::new(chunk.start().get().wrapping_add(first as u64 * PAGE_SIZE));
    for slot in slots.get(first..)? {
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
