// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Runs of entries: the loops over the slots of one table.

use core::mem::MaybeUninit;

use crate::format::address::{Iova, PAGE_SIZE};
use crate::format::entry::{Entry, PageEntry, RegionEntry, SegmentEntry};
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, CRST_ENTRIES, PAGE_TABLE_ENTRIES};
use crate::table::slot::Slot;
use crate::table::tree::PageTable;

/// The slots of `pages` for `chunk`, which lies within the segment of `pages`.
#[inline]
pub(super) fn slots(pages: &PageTable, chunk: IovaRange) -> &[Slot<PageEntry>] {
    let (first, last) = (page_index(chunk.start()), page_index(chunk.last()));
    let count = last.wrapping_sub(first).wrapping_add(1);
    pages.get(first..).and_then(|rest| rest.get(..count)).unwrap_or(&[])
}

/// Slots that are looked at or stored to in one turn of a loop.
const BLOCK: usize = 16;
/// Accumulators of a turn, so that no load waits for the one before it.
const LANES: usize = 4;

/// Every entry as it stands in storage, folded into one number: one load a slot and no branch.
#[inline]
fn fold<E: Entry>(slots: &[Slot<E>], start: u64, with: impl Fn(u64, u64) -> u64) -> u64 {
    let mut lanes = [start; LANES];
    let blocks = slots.chunks_exact(BLOCK);
    let rest = blocks.remainder();
    for block in blocks {
        for slots in block.chunks_exact(LANES) {
            lanes.iter_mut().zip(slots).for_each(|(lane, slot)| *lane = with(*lane, slot.load_raw()));
        }
    }
    let folded = lanes.into_iter().fold(start, &with);
    rest.iter().fold(folded, |folded, slot| with(folded, slot.load_raw()))
}

/// Loops over the slots of one kind of table.
///
/// Each is compiled once, with this crate, and not again wherever generic code uses it: so it is as fast as this crate
/// is compiled to be.
pub(super) trait Run: Entry {
    /// Whether no slot holds a valid entry.
    fn all_invalid(slots: &[Slot<Self>]) -> bool;

    /// The first valid entry from index `start` on, and its index; blocks of invalid ones are passed over at once.
    fn next_valid(slots: &[Slot<Self>], start: usize) -> Option<(usize, Self)>;

    /// Fills the slots of a table that nobody else can see with empty entries.
    fn fill_empty(slots: &mut [MaybeUninit<Slot<Self>>]);
}

macro_rules! run {
    ($($entry:ty),*) => {$(
        impl Run for $entry {
            #[inline(never)]
            fn all_invalid(slots: &[Slot<Self>]) -> bool {
                all_invalid(slots)
            }

            #[inline(never)]
            fn next_valid(slots: &[Slot<Self>], start: usize) -> Option<(usize, Self)> {
                next_valid(slots, start)
            }

            #[inline(never)]
            fn fill_empty(slots: &mut [MaybeUninit<Slot<Self>>]) {
                fill(slots, Self::EMPTY, 0);
            }
        }
    )*};
}

run!(RegionEntry, SegmentEntry, PageEntry);

#[inline]
fn all_invalid<E: Entry>(slots: &[Slot<E>]) -> bool {
    let invalid = E::EMPTY.bits().to_be();
    fold(slots, invalid, |all, entry| all & entry) == invalid
}

/// Fills slots that nobody else can see: `first`, and then entries that differ from the one before by `step`.
#[inline]
fn fill<E: Entry>(slots: &mut [MaybeUninit<Slot<E>>], first: E, step: u64) {
    let mut bits = first.bits();
    let mut fill = |slot: &mut MaybeUninit<Slot<E>>| {
        slot.write(Slot::new(E::of_bits(bits)));
        bits = bits.wrapping_add(step);
    };
    let mut blocks = slots.chunks_exact_mut(BLOCK);
    blocks.by_ref().for_each(|block| block.iter_mut().for_each(&mut fill));
    blocks.into_remainder().iter_mut().for_each(fill);
}

/// Fills the slots of a page table that nobody else can see: consecutive frames, starting with `first`, in the slots
/// from `start` to `last`, both inclusive, and nothing elsewhere.
#[inline(never)]
pub(super) fn fill_pages(
    slots: &mut [MaybeUninit<Slot<PageEntry>>; PAGE_TABLE_ENTRIES],
    start: usize,
    last: usize,
    first: PageEntry,
) {
    let count = last.saturating_sub(start).saturating_add(1);
    let Some((before, rest)) = slots.split_at_mut_checked(start) else { return };
    let Some((mapped, behind)) = rest.split_at_mut_checked(count) else { return };
    fill(before, PageEntry::EMPTY, 0);
    fill(mapped, first, PAGE_SIZE);
    fill(behind, PageEntry::EMPTY, 0);
}

/// Whether every slot holds a valid entry.
#[inline]
fn all_valid<E: Entry>(slots: &[Slot<E>]) -> bool {
    let invalid = E::EMPTY.bits().to_be();
    fold(slots, 0, |any, entry| any | entry) & invalid == 0
}

/// The slots of a region or segment table in blocks, without those in which no entry is valid.
///
/// For tables that are likely to be full; [`valid_between`] takes more for each entry and less for code.
pub(super) fn blocks_with_valid<E: Run>(table: &[Slot<E>; CRST_ENTRIES]) -> impl Iterator<Item = &[Slot<E>]> {
    table.chunks_exact(BLOCK).filter(|block| !E::all_invalid(block))
}

const _: () = assert!(CRST_ENTRIES.is_multiple_of(BLOCK));

/// The valid entries of a region or segment table at the indices from `first` to `last`, both inclusive, with these.
pub(super) fn valid_between<E: Run>(
    table: &[Slot<E>; CRST_ENTRIES],
    first: usize,
    last: usize,
) -> impl Iterator<Item = (usize, E)> + '_ {
    let table = table.get(..=last).unwrap_or(&[]);
    let mut next = first;
    core::iter::from_fn(move || {
        let (index, entry) = E::next_valid(table, next)?;
        next = index.wrapping_add(1);
        Some((index, entry))
    })
}

#[inline]
fn next_valid<E: Entry>(table: &[Slot<E>], start: usize) -> Option<(usize, E)> {
    let mut index = start;
    while let Some(rest) = table.get(index..) {
        if index.is_multiple_of(BLOCK) && rest.first_chunk::<BLOCK>().is_some_and(|block| all_invalid(block)) {
            index = index.wrapping_add(BLOCK);
            continue;
        }
        let entry = rest.first()?.load();
        if entry.bits() & E::EMPTY.bits() == 0 {
            return Some((index, entry));
        }
        index = index.wrapping_add(1);
    }
    None
}

/// Index of the first valid entry.
#[inline(never)]
pub(super) fn first_valid(slots: &[Slot<PageEntry>]) -> Option<usize> {
    if all_invalid(slots) {
        return None;
    }
    slots.iter().position(|slot| !slot.page().invalid())
}

/// Stores entries for consecutive frames, starting with `first`.
#[inline(never)]
pub(super) fn store(slots: &[Slot<PageEntry>], first: PageEntry) {
    let mut bits = first.bits();
    let mut store = |slot: &Slot<PageEntry>| {
        slot.store(PageEntry::of_bits(bits));
        bits = bits.wrapping_add(PAGE_SIZE);
    };
    let blocks = slots.chunks_exact(BLOCK);
    let rest = blocks.remainder();
    blocks.for_each(|block| block.iter().for_each(&mut store));
    rest.iter().for_each(store);
}

/// Makes the entries for `chunk` invalid; what was mapped there.
#[inline(never)]
pub(super) fn clear(slots: &[Slot<PageEntry>], chunk: IovaRange) -> Cleared {
    let cleared = if all_valid(slots) { Cleared::all_of(chunk) } else { count_valid(slots, chunk.start()) };
    let blocks = slots.chunks_exact(BLOCK);
    let rest = blocks.remainder();
    blocks.for_each(|block| block.iter().for_each(|slot| slot.store(PageEntry::EMPTY)));
    rest.iter().for_each(|slot| slot.store(PageEntry::EMPTY));
    cleared
}

/// What was mapped where entries were made invalid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cleared {
    /// Number of pages of 4 KiB that were mapped.
    pub(super) pages: u64,
    /// From the first page that was mapped to the last.
    pub(super) hull: Option<IovaRange>,
}

impl Cleared {
    /// No page was mapped.
    pub(super) const NOTHING: Self = Self { pages: 0, hull: None };

    /// All pages of `chunk` were mapped.
    #[inline]
    pub(super) const fn all_of(chunk: IovaRange) -> Self {
        Self { pages: chunk.pages(), hull: Some(chunk) }
    }

    /// What was mapped in two places.
    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
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
