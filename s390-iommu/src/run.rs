// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Runs of entries: a range cut at table boundaries, and the loops over the slots of one table.

use crate::address::{Iova, PAGE_SIZE};
use crate::entry::{Entry, PageEntry};
use crate::memory::PageTable;
use crate::range::IovaRange;
use crate::slot::Slot;
use crate::table_type::{page_index, TableType};

/// A range cut where the entries of one kind of table end.
pub(crate) struct Chunks {
    rest: Option<IovaRange>,
    table_type: TableType,
}

impl Chunks {
    /// Cuts `range` into the parts that one entry of `table_type` covers each.
    #[inline]
    pub(crate) fn of(range: IovaRange, table_type: TableType) -> Self {
        Self { rest: Some(range), table_type }
    }
}

impl Iterator for Chunks {
    type Item = IovaRange;

    #[inline]
    fn next(&mut self) -> Option<IovaRange> {
        let (chunk, rest) = self.rest?.split_after(self.table_type.entry_last(self.rest?.start()));
        self.rest = rest;
        Some(chunk)
    }
}

/// The slots of `pages` for `chunk`, which lies within the segment of `pages`.
#[inline]
pub(crate) fn slots(pages: &PageTable, chunk: IovaRange) -> &[Slot<PageEntry>] {
    pages.get(page_index(chunk.start())..=page_index(chunk.last())).unwrap_or(&[])
}

/// Accumulators of a pass over many slots, so that no load waits for the one before it.
const LANES: usize = 4;

/// Whether no slot holds a valid entry: one load a slot and no branch.
#[inline]
pub(crate) fn all_invalid<E: Entry>(slots: &[Slot<E>]) -> bool {
    let invalid = E::EMPTY.bits().to_be();
    let mut lanes = [invalid; LANES];
    let blocks = slots.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, slot)| *lane &= slot.load_raw());
    }
    let all = lanes.into_iter().fold(invalid, |all, lane| all & lane);
    rest.iter().fold(all, |all, slot| all & slot.load_raw()) == invalid
}

/// Slots that are looked at together.
const BLOCK: usize = 8;

/// The valid entries and their indices; blocks of invalid ones are passed over at once.
pub(crate) fn valid<E: Entry>(slots: &[Slot<E>]) -> impl Iterator<Item = (usize, E)> + '_ {
    slots
        .chunks(BLOCK)
        .zip((0..).step_by(BLOCK))
        .filter(|(block, _)| !all_invalid(block))
        .flat_map(|(block, first)| (first..).zip(block).map(|(index, slot)| (index, slot.load())))
        .filter(|(_, entry)| entry.bits() & E::EMPTY.bits() == 0)
}

/// Whether every slot holds a valid entry: one load a slot and no branch.
#[inline]
fn all_valid(slots: &[Slot<PageEntry>]) -> bool {
    let mut lanes = [0; LANES];
    let blocks = slots.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, slot)| *lane |= slot.load_raw());
    }
    let any = lanes.into_iter().fold(0, |any, lane| any | lane);
    rest.iter().fold(any, |any, slot| any | slot.load_raw()) & PageEntry::EMPTY.bits().to_be() == 0
}

/// Index of the first valid entry.
#[inline]
pub(crate) fn first_valid(slots: &[Slot<PageEntry>]) -> Option<usize> {
    if all_invalid(slots) {
        return None;
    }
    slots.iter().position(|slot| !slot.page().invalid())
}

/// Stores entries for consecutive frames, starting with `first`.
#[inline]
pub(crate) fn store(slots: &[Slot<PageEntry>], first: PageEntry) {
    let mut bits = first.bits();
    for slot in slots {
        slot.store(PageEntry::of_bits(bits));
        bits = bits.wrapping_add(PAGE_SIZE);
    }
}

/// Makes the entries for `chunk` invalid; what was mapped there.
#[inline]
pub(crate) fn clear(slots: &[Slot<PageEntry>], chunk: IovaRange) -> Cleared {
    let cleared = if all_valid(slots) { Cleared::all_of(chunk) } else { count_valid(slots, chunk.start()) };
    for slot in slots {
        slot.store(PageEntry::EMPTY);
    }
    cleared
}

/// What was mapped where entries were made invalid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cleared {
    /// Number of pages of 4 KiB that were mapped.
    pub(crate) pages: u64,
    /// From the first page that was mapped to the last.
    pub(crate) hull: Option<IovaRange>,
}

impl Cleared {
    /// No page was mapped.
    pub(crate) const NOTHING: Self = Self { pages: 0, hull: None };

    /// All pages of `chunk` were mapped.
    #[inline]
    pub(crate) const fn all_of(chunk: IovaRange) -> Self {
        Self { pages: chunk.pages(), hull: Some(chunk) }
    }

    /// What was mapped in two places.
    #[inline]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            pages: self.pages.wrapping_add(other.pages),
            hull: match (self.hull, other.hull) {
                (Some(one), Some(other)) => Some(one.hull(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

#[cold]
fn count_valid(slots: &[Slot<PageEntry>], start: Iova) -> Cleared {
    let mut cleared = Cleared::NOTHING;
    let mut iova = start;
    for slot in slots {
        if !slot.page().invalid() {
            cleared = cleared.and(Cleared::all_of(IovaRange::page(iova)));
        }
        iova = Iova::new(iova.get().wrapping_add(PAGE_SIZE));
    }
    cleared
}
