// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Taking empty tables out of a tree, and giving their storage back.
//!
//! A table can go when nothing can reach it. Three parties could: the program, the device, and the machine's cache of
//! upper entries. So it goes in steps:
//!
//! 1. All its entries are invalid, and a refresh told every function so. (Invalidating the upper entry alone would
//!    leave a hypervisor's shadow of the lower ones behind: QEMU tells VFIO only of page entries that became invalid.)
//! 2. [`TranslationTable::reclaim`] makes the upper entry invalid. It takes only tables whose whole span lies in the
//!    range that the caller owns: an operation elsewhere never comes through them, so none can be on the way to
//!    storing into one.
//! 3. A second refresh, of the span of the tables, makes the machine forget the upper entry.
//! 4. Operations on other ranges may read the upper entry just before step 2 only if they translate or walk across
//!    the range; those have ended when [`Reclaimed::free`] is called. In Linux: after an RCU grace period.
//!
//! `concurrency.rs` beside this file tries it in every order of accesses.
//!
//! # What stays
//!
//! A table that was emptied page by page, by owners of parts of its span, stays until somebody who owns the whole span
//! reclaims, or until the tree is dropped. So does the segment table around a range of less than 2 GiB. To take such a
//! table out, one would have to know that no neighbour is about to store into it, and a neighbour stores without
//! telling anybody. He could tell, but every way costs more than the table is worth:
//!
//! * He looks at the upper entry again after his store. That takes a full barrier between the two in every map, which
//!   costs more than all the rest of mapping a page. And it is not enough: between the moment that the upper entry goes
//!   and the moment that it is put back, what others mapped in the table does not translate, and their devices fail.
//! * He counts in the table. That is an interlocked update in every call.
//! * He is kept out meanwhile. That is a lock, and `map` is called where nobody may sleep.
//! * He sees a mark in the upper entry, set before anybody looks whether the table is empty. A valid entry has no bit
//!   that is known to be ignored by the machine. P means nothing above an empty table, but the machine may keep it
//!   when something is mapped there again, for which no refresh is due; and who read the entry before sees no mark.
//!
//! What stays is little, and used again: a page table takes 2 KiB for each MiB of addresses that were ever in use, and
//! allocators of addresses take those first that were given back.

use core::fmt;
use core::ptr::NonNull;

use super::link::Link;
use super::seam::{TableAllocator, TableSize};
use super::tree::{below, Segment, SegmentTable, Tree};
use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::{Entry, PageEntry, RegionEntry, SegmentEntry};
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::machine::refresh::Refresh;
use crate::table::run::{Chunks, Run};
use crate::table::slot::Slot;
use crate::table::translation_table::TranslationTable;

impl<M: TableAllocator> TranslationTable<M> {
    /// Takes the empty tables out whose whole span lies in `range`.
    ///
    /// To be called after `range` was unmapped and the refresh of that was issued, while nobody else maps or unmaps in
    /// it. Nothing is returned where there is no such table.
    pub fn reclaim(&self, range: IovaRange) -> Option<Reclaimed> {
        let range = whole_segments(self.aperture().intersection(range)?)?;
        let mut taken = Taken { list: Link::END, span: None, bytes: 0 };
        self.tree.reclaim_below(self.origin(), self.root().table_type(), range, &mut taken);
        Some(Reclaimed { list: taken.list, span: taken.span?, bytes: taken.bytes })
    }
}

/// Tables that were taken out of a tree and whose storage is still to be given back.
///
/// Dropping it loses the storage.
#[must_use = "refresh its range for every function, then `free` it"]
pub struct Reclaimed {
    list: Link,
    span: IovaRange,
    bytes: usize,
}

impl Reclaimed {
    /// What the tables covered: the range of the refresh that has to come before [`free`](Self::free).
    pub fn refresh(&self) -> Refresh {
        Refresh::of_change(self.span)
    }

    /// Bytes of storage that the tables take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives the storage back.
    ///
    /// # Safety
    ///
    /// * `memory` must stand for the storage of the tree that the tables were taken from.
    /// * The refresh of [`refresh`](Self::refresh) must have been issued to every function that uses the tree.
    /// * Every operation on the tree that was running when the tables were taken must have ended.
    pub unsafe fn free<M: TableAllocator>(self, memory: &M) {
        let mut rest = self.list;
        while let Some((origin, size)) = rest.table() {
            let first: NonNull<Slot<PageEntry>> = memory.phys_to_virt(origin).cast();
            // SAFETY: the table is not deallocated yet, and by the contract nobody else uses it. `take` left the
            // link in its first slot.
            rest = Link::of_bits(unsafe { first.as_ref() }.page().bits());
            // SAFETY: `take` recorded origin and size of a table of the tree, which nothing reaches any more.
            unsafe { memory.deallocate(origin, size) };
        }
    }

    /// Gives the list away as a number, for [`from_raw`](Self::from_raw); the span goes with the refresh.
    pub fn into_raw(self) -> u64 {
        self.list.bits()
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave away, with the span it had.
    ///
    /// # Safety
    ///
    /// `list` must come from `into_raw`, and be taken once.
    pub unsafe fn from_raw(list: u64, span: IovaRange, bytes: usize) -> Self {
        Self { list: Link::of_bits(list), span, bytes }
    }
}

impl fmt::Debug for Reclaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reclaimed").field("span", &self.span).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The whole segments in `range`; nothing where it holds none, so that nothing can be taken out.
#[inline]
fn whole_segments(range: IovaRange) -> Option<IovaRange> {
    let mask = TableType::Segment.entry_mask();
    let start = range.start().get().checked_add(mask)? & !mask;
    // One past the last whole segment; 0 stands for 2^64.
    let end = range.last().get().wrapping_add(1) & !mask;
    let last = end.wrapping_sub(1);
    (start <= last && last <= range.last().get())
        .then(|| IovaRange::new(Iova::new(start), Iova::new(last)).ok())
        .flatten()
}

/// What was taken so far.
struct Taken {
    list: Link,
    span: Option<IovaRange>,
    bytes: usize,
}

impl<M: TableAllocator> Tree<M> {
    /// Takes out the empty tables below `table`, of type `table_type`, whose whole span lies in `range`.
    fn reclaim_below(&self, table: AbsoluteAddress, table_type: TableType, range: IovaRange, taken: &mut Taken) {
        let mut rest = Some(range);
        while let Some(todo) = rest {
            let (part, after) = todo.split_after(table_type.entry_last(todo.start()));
            rest = after;
            let slot = self.region_slot(table, table_type, part.start());
            let entry = slot.load();
            if entry.invalid() {
                continue;
            }
            let lower = entry.origin();
            match below(table_type) {
                TableType::Segment => self.reclaim_page_tables(self.segment_table_at(lower), part, taken),
                next => self.reclaim_below(lower, next, part, taken),
            }
            let whole = part.size_less_one() == table_type.entry_mask();
            if whole && self.is_empty(lower, below(table_type)) && slot.install(entry, RegionEntry::EMPTY).is_ok() {
                self.take(lower, TableSize::Crst, part, taken);
            }
        }
    }

    /// Takes out the empty page tables of `table` for `range`, which is made of whole segments.
    fn reclaim_page_tables(&self, table: &SegmentTable, range: IovaRange, taken: &mut Taken) {
        for segment in Chunks::of(range, TableType::Segment) {
            let slot = &table[TableType::Segment.index(segment.start())];
            let entry = slot.load();
            if let Segment::Pages(pages) = self.target(entry) {
                if PageEntry::all_invalid(pages) && slot.install(entry, SegmentEntry::EMPTY).is_ok() {
                    self.take(entry.origin(), TableSize::Page, segment, taken);
                }
            }
        }
    }

    /// Whether `table`, of type `table_type`, has no valid entry.
    fn is_empty(&self, table: AbsoluteAddress, table_type: TableType) -> bool {
        match table_type {
            TableType::Segment => SegmentEntry::all_invalid(self.segment_table_at(table)),
            _ => RegionEntry::all_invalid(self.region_table_at(table)),
        }
    }

    /// Puts `table`, which covered `span` and was just taken out, on the list.
    fn take(&self, table: AbsoluteAddress, size: TableSize, span: IovaRange, taken: &mut Taken) {
        match size {
            TableSize::Page => {
                if let Some(first) = self.page_table_at(table).first() {
                    first.store(PageEntry::of_bits(taken.list.bits()));
                }
            }
            TableSize::Crst => {
                if let Some(first) = self.region_table_at(table).first() {
                    first.store(RegionEntry::of_bits(taken.list.bits()));
                }
            }
        }
        taken.list = Link::to(table, size);
        taken.span = Some(taken.span.map_or(span, |so_far| so_far.hull(span)));
        taken.bytes = taken.bytes.wrapping_add(size.bytes());
    }
}
