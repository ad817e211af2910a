// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Taking empty tables out of a tree, and giving their storage back.
//!
//! A table can go when nothing can reach it. Three parties could: the program, the device, and the machine's cache of
//! upper entries. So it goes in steps:
//!
//! 1. All its entries are invalid, and a refresh of every function followed. (Invalidating the upper entry alone would
//!    leave a hypervisor's shadow of the lower ones behind: QEMU passes only page entries on to VFIO that became invalid.)
//! 2. [`TranslationTable::reclaim`] makes the upper entry invalid. It takes only tables whose whole span lies in the
//!    range that the caller owns: an operation elsewhere never comes through them, so none can be on the way to
//!    storing into one.
//! 3. A second refresh, of the span of the tables, makes the machine forget the upper entry. It must reach every
//!    function that is registered. If it fails for one, the tables stay as they are: nothing valid is ever written into
//!    them, and they are given back when that function is no longer registered, or was refreshed after all.
//! 4. Operations on other ranges may read the upper entry just before step 2 only if they look across the range. These
//!    hold a [`ReadSide`](crate::ReadSide), which has ended when [`Reclaimed::free`] is called. In Linux: after an RCU
//!    grace period.
//!
//! `concurrency.rs` beside this file tries it in every order of accesses.
//!
//! # What stays
//!
//! A table that was emptied page by page, by owners of parts of its span, stays until somebody who owns the whole span
//! reclaims, or until the tree is dropped. So does the segment table around a range of less than 2 GiB. To take such a
//! table out, one would have to know that no neighbour is about to store into it, and a neighbour stores without
//! notice. It could give notice, but every way costs more than the table is worth:
//!
//! * The neighbour looks at the upper entry again after its store. That takes a full barrier between the two in every map, which
//!   costs more than all the rest of mapping a page. And it is not enough: between the moment that the upper entry goes
//!   and the moment that it is put back, what others mapped in the table does not translate, and their devices fail.
//! * It counts in the table. That is an interlocked update in every call.
//! * It is kept out meanwhile. That is a lock, and `map` is called where nobody may sleep.
//! * It sees a mark in the upper entry, set before anybody looks whether the table is empty. A valid entry has no bit
//!   that is known to be ignored by the machine. P means nothing above an empty table, but the machine may keep it
//!   when something is mapped there again, for which no refresh is due; and who read the entry before sees no mark.
//!
//! What stays is little, and used again: a page table takes 2 KiB for each MiB of addresses that were ever in use, and
//! allocators of addresses take those first that were given back.

use core::fmt;
use core::ptr::NonNull;

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::{Entry, PageEntry, RegionEntry, SegmentEntry};
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::table::cell::SegmentCell;
use crate::table::change::Change;
use crate::table::link::Link;
use crate::table::run::Run;
use crate::table::seam::{TableAllocator, TableSize};
use crate::table::slot::Slot;
use crate::table::sweep::{RegionStep, SegmentStep, Sweep};
use crate::table::translation_table::TranslationTable;
use crate::table::tree::Tree;

impl<M: TableAllocator> TranslationTable<M> {
    /// Takes the empty tables out whose whole span lies in `range`.
    ///
    /// To be called after `range` was unmapped and the change was issued to every registered function.
    ///
    /// # Safety
    ///
    /// The caller owns `range`: until the call returns nobody else maps, unmaps, splits or reclaims in it. Who looks
    /// across it holds a [`ReadSide`](crate::ReadSide).
    pub unsafe fn reclaim(&self, range: IovaRange) -> Reclaimed {
        // What is not whole goes no further, and mostly that is all.
        let Some(range) = whole(range, TableType::Segment) else {
            return Reclaimed::NONE;
        };
        let Some(range) = self.span().intersection(range) else {
            return Reclaimed::NONE;
        };
        let mut taken = Reclaimed::NONE;
        if whole(range, TableType::RegionThird).is_some() {
            let Ok(()) = self.tree().sweep(range, &mut taken);
        } else {
            // No segment table lies in the range, so none can go.
            for run in self.tree().runs(range) {
                for (cell, part) in run.cells() {
                    // SAFETY: by the contract.
                    unsafe { taken.take_pages(self.tree(), &cell, part) };
                }
            }
        }
        taken
    }
}

/// Tables that were taken out of a tree and whose storage is still to be given back.
///
/// Dropping it loses the storage, which is always safe: it is what is to be done when it cannot be shown that no
/// function reaches the tables any more. Builds with debug assertions panic then; [`leak`](Self::leak) says that it is
/// meant.
#[must_use = "issue its change to every registered function, then `free` it"]
#[derive(Eq, PartialEq)]
pub struct Reclaimed {
    /// The table that was put on the list last, which leads to the one before it.
    list: Link,
    /// The table that was put on the list first, where it ends.
    end: Link,
    span: Option<IovaRange>,
    bytes: usize,
}

impl Reclaimed {
    /// No table.
    pub const NONE: Self = Self { list: Link::END, end: Link::END, span: None, bytes: 0 };

    /// Whether no table was taken out.
    pub const fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// What the tables covered: the change that must be issued before [`free`](Self::free).
    pub fn change(&self) -> Change {
        self.span.map_or(Change::NONE, Change::of)
    }

    /// Bytes of storage that the tables take.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives the storage back.
    ///
    /// # Safety
    ///
    /// * `memory` must stand for the storage of the tree that the tables were taken from.
    /// * Since the tables were taken out, every function that is registered with the tree has been refreshed with
    ///   success for all of [`change`](Self::change), or has been registered anew. A function is registered from the
    ///   moment that MPCIFC may have accepted it until deregistration succeeded or it was disabled.
    /// * Every [`ReadSide`](crate::ReadSide) that existed when the tables were taken out has ended.
    pub unsafe fn free<M: TableAllocator>(mut self, memory: &M) {
        // SAFETY: by the contract.
        unsafe { self.free_while(memory, || true) };
    }

    /// Gives the storage of at most `most` tables back; [`is_empty`](Self::is_empty) says whether any is left.
    ///
    /// For who may not hold a processor up for as long as [`free`](Self::free) takes.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free).
    pub unsafe fn free_some<M: TableAllocator>(&mut self, memory: &M, most: usize) {
        let mut left = most;
        let some_more = || {
            let more = left.checked_sub(1);
            left = more.unwrap_or_default();
            more.is_some()
        };
        // SAFETY: by the contract.
        unsafe { self.free_while(memory, some_more) };
    }

    /// Gives storage back as long as `go_on` says so, which is asked before each table.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free).
    #[inline]
    unsafe fn free_while<M: TableAllocator>(&mut self, memory: &M, mut go_on: impl FnMut() -> bool) {
        while let Some((origin, size)) = self.list.table().filter(|_| go_on()) {
            let first: NonNull<Slot<PageEntry>> = memory.phys_to_virt(origin).cast();
            // SAFETY: the table is not deallocated yet, and by the contract nobody else uses it. `put` left the link in
            // its first slot.
            self.list = Link::of_bits(unsafe { first.as_ref() }.page().bits());
            self.bytes = self.bytes.saturating_sub(size.bytes());
            // SAFETY: `put` recorded origin and size of a table of the tree, which nothing reaches any more.
            unsafe { memory.deallocate(origin, size) };
        }
        if self.list == Link::END {
            (self.end, self.span, self.bytes) = (Link::END, None, 0);
        }
    }

    /// Never gives the storage back.
    pub fn leak(mut self) {
        let _ = self.take();
    }

    /// Adds the tables of `other`, so that all are given back together; takes as long for many as for one.
    ///
    /// # Safety
    ///
    /// `memory` must stand for the storage of the trees that both were taken from.
    pub unsafe fn join<M: TableAllocator>(&mut self, mut other: Self, memory: &M) {
        let Some(span) = other.span else {
            return;
        };
        if let Some((origin, _)) = other.end.table() {
            // SAFETY: the table is not deallocated before `free`, and by the contract it is of `memory`.
            unsafe { write_link(memory, origin, self.list) };
        }
        self.end = if self.span.is_some() { self.end } else { other.end };
        self.span = Some(self.span.map_or(span, |so_far| so_far.hull(span)));
        self.bytes = self.bytes.wrapping_add(other.bytes);
        (self.list, _) = other.take();
    }

    /// The list and its end, for who gives the tables back or away.
    fn take(&mut self) -> (Link, Link) {
        self.span = None;
        (self.list, self.end)
    }

    /// Gives the tables away as two numbers, for [`from_raw`](Self::from_raw), and what they covered; zeros and `None` if
    /// there are none.
    ///
    /// The numbers say nothing to anybody else.
    pub fn into_raw(mut self) -> ([u64; 2], Option<IovaRange>) {
        let span = self.span;
        let (list, end) = self.take();
        (if span.is_some() { [list.bits(), end.bits()] } else { [0; 2] }, span)
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave away.
    ///
    /// # Safety
    ///
    /// `list` and `span` must come from one call of `into_raw`, and be taken once.
    pub const unsafe fn from_raw([list, end]: [u64; 2], span: Option<IovaRange>) -> Self {
        match span {
            Some(_) => Self { list: Link::of_bits(list), end: Link::of_bits(end), span, bytes: 0 },
            None => Self::NONE,
        }
    }
}

impl Drop for Reclaimed {
    fn drop(&mut self) {
        debug_assert!(self.span.is_none(), "{self:?} was dropped, its storage is lost");
    }
}

impl fmt::Debug for Reclaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reclaimed").field("span", &self.span).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The part of `range` that consists of all that entries of a table of type `table_type` cover; `None` if it holds no
/// such area, so that no table that such an entry designates lies in it.
#[inline]
fn whole(range: IovaRange, table_type: TableType) -> Option<IovaRange> {
    let mask = table_type.entry_mask();
    if range.size_less_one() < mask {
        return None;
    }
    let start = range.start().get().checked_add(mask)? & !mask;
    // One past the last whole area; 0 stands for 2^64.
    let end = range.last().get().wrapping_add(1) & !mask;
    let last = end.wrapping_sub(1);
    (start <= last && last <= range.last().get())
        .then(|| IovaRange::new(Iova::new(start), Iova::new(last)).ok())
        .flatten()
}

/// Makes the first slot of `table` lead to `link`, an entry that is invalid in every kind of table.
///
/// # Safety
///
/// `table` must be a table of `memory` that is not deallocated yet.
unsafe fn write_link<M: TableAllocator>(memory: &M, table: AbsoluteAddress, link: Link) {
    let first: NonNull<Slot<PageEntry>> = memory.phys_to_virt(table).cast();
    // SAFETY: by the contract; slots of all kinds of tables are alike.
    unsafe { first.as_ref() }.store(PageEntry::of_bits(link.bits()));
}

/// Takes out each empty table whose whole span lies in the range, from the bottom up.
impl<'t, M: TableAllocator> Sweep<'t, M> for Reclaimed {
    type Stop = core::convert::Infallible;

    fn enter(&mut self, _: &'t Tree<M>, _: &RegionStep<'t>) -> Result<(), Self::Stop> {
        Ok(())
    }

    fn segments(&mut self, tree: &'t Tree<M>, step: &SegmentStep<'t>) -> Result<(), Self::Stop> {
        let mut rest = Some(step.part);
        while let Some(todo) = rest {
            let (part, after) = todo.split_after(TableType::Segment.entry_last(todo.start()));
            rest = after;
            let cell = SegmentCell::new(tree, &step.table[TableType::Segment.index(part.start())]);
            // SAFETY: the caller of `reclaim` owns the range, which consists of whole segments.
            unsafe { self.take_pages(tree, &cell, part) };
        }
        Ok(())
    }

    fn leave(&mut self, tree: &'t Tree<M>, step: &RegionStep<'t>) -> Result<(), Self::Stop> {
        if step.part != step.span {
            return Ok(());
        }
        let origin = step.entry.origin();
        let empty = match step.below {
            // SAFETY: the entry was valid when the sweep came to it, and only the owner of the range, who called, makes
            // it invalid: it designates a table of this kind.
            TableType::Segment => SegmentEntry::all_invalid(unsafe { tree.segment_table_at(origin) }),
            // SAFETY: as above.
            _ => RegionEntry::all_invalid(unsafe { tree.region_table_at(origin) }),
        };
        if empty && step.slot.install(step.entry, RegionEntry::EMPTY).is_ok() {
            self.put(tree, origin, TableSize::Crst, step.span);
        }
        Ok(())
    }
}

impl Reclaimed {
    /// Takes the page table of `cell` out if it is empty; `part` is what the cell covers.
    ///
    /// # Safety
    ///
    /// The caller owns all of `part`; who looks across it holds a [`ReadSide`](crate::ReadSide).
    #[inline]
    unsafe fn take_pages<M: TableAllocator>(&mut self, tree: &Tree<M>, cell: &SegmentCell<'_, M>, part: IovaRange) {
        // SAFETY: by the contract.
        if let Some((origin, size)) = unsafe { cell.take_empty_pages() } {
            self.put(tree, origin, size, part);
        }
    }

    /// Puts `table`, which covered `span` and was just taken out, on the list.
    fn put<M: TableAllocator>(&mut self, tree: &Tree<M>, table: AbsoluteAddress, size: TableSize, span: IovaRange) {
        // SAFETY: the table was just taken out and is not deallocated yet.
        unsafe { write_link(tree.memory(), table, self.list) };
        self.list = Link::to(table, size);
        self.end = if self.span.is_some() { self.end } else { self.list };
        self.span = Some(self.span.map_or(span, |so_far| so_far.hull(span)));
        self.bytes = self.bytes.wrapping_add(size.bytes());
    }
}
