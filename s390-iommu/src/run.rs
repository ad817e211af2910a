// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Runs of entries: a range cut at table boundaries, and the loops over the slots of one page table.

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

const INVALID: u64 = PageEntry::EMPTY_BITS.to_be();

/// Index of the first valid entry.
#[inline]
pub(crate) fn first_valid(slots: &[Slot<PageEntry>]) -> Option<usize> {
    // One pass without a branch an entry decides the common case.
    if slots.iter().fold(INVALID, |all, slot| all & slot.load_raw()) == INVALID {
        return None;
    }
    slots.iter().position(|slot| !slot.page().invalid())
}

/// Stores entries for consecutive frames, starting with `first`.
#[inline]
pub(crate) fn store(slots: &[Slot<PageEntry>], first: u64) {
    let mut bits = first;
    for slot in slots {
        slot.store(PageEntry::of_bits(bits));
        bits = bits.wrapping_add(PAGE_SIZE);
    }
}

/// Makes the entries for `chunk` invalid; what was mapped there.
#[inline]
pub(crate) fn clear(slots: &[Slot<PageEntry>], chunk: IovaRange) -> Cleared {
    // One pass without a branch an entry decides the common case: all of it was mapped.
    let any_invalid = slots.iter().fold(0, |any, slot| any | slot.load_raw()) & INVALID != 0;
    let cleared = if any_invalid { count_valid(slots, chunk.start()) } else { Cleared::all_of(chunk) };
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
