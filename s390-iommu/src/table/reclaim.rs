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
    /// The caller owns `range`: until the call returns nobody else maps, unmaps, splits or reclaims in it. Whoever
    /// looks across it holds a [`ReadSide`](crate::ReadSide).
    pub unsafe fn reclaim(&self, range: IovaRange) -> Reclaimed {
        let mut taken = Taken { list: Link::END, span: None, bytes: 0 };
        if let Some(range) = self.span().intersection(range).and_then(whole_segments) {
            let Ok(()) = self.tree().sweep(range, &mut taken);
        }
        Reclaimed { list: taken.list, span: taken.span, bytes: taken.bytes }
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
    list: Link,
    span: Option<IovaRange>,
    bytes: usize,
}

impl Reclaimed {
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
    pub unsafe fn free<M: TableAllocator>(self, memory: &M) {
        let mut rest = self.leak();
        while let Some((origin, size)) = rest.table() {
            let first: NonNull<Slot<PageEntry>> = memory.phys_to_virt(origin).cast();
            // SAFETY: the table is not deallocated yet, and by the contract nobody else uses it. `take` left the
            // link in its first slot.
            rest = Link::of_bits(unsafe { first.as_ref() }.page().bits());
            // SAFETY: `take` recorded origin and size of a table of the tree, which nothing reaches any more.
            unsafe { memory.deallocate(origin, size) };
        }
    }

    /// Never gives the storage back.
    fn leak(mut self) -> Link {
        self.span = None;
        self.list
    }

    /// Gives the tables away as a number, for [`from_raw`](Self::from_raw), and what they covered; 0 and `None` if
    /// there are none.
    ///
    /// The number says nothing to anybody else.
    pub fn into_raw(self) -> (u64, Option<IovaRange>) {
        let span = self.span;
        let list = self.leak().bits();
        (if span.is_some() { list } else { 0 }, span)
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave away.
    ///
    /// # Safety
    ///
    /// `list` and `span` must come from one call of `into_raw`, and be taken once.
    pub const unsafe fn from_raw(list: u64, span: Option<IovaRange>) -> Self {
        Self { list: if span.is_some() { Link::of_bits(list) } else { Link::END }, span, bytes: 0 }
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

/// The whole segments in `range`; `None` if it holds none, so that nothing can be taken out.
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

/// Takes out each empty table whose whole span lies in the range, from the bottom up.
impl<'t, M: TableAllocator> Sweep<'t, M> for Taken {
    type Stop = core::convert::Infallible;

    fn enter(&mut self, _: &'t Tree<M>, _: &RegionStep<'t>) -> Result<(), Self::Stop> {
        Ok(())
    }

    fn segments(&mut self, tree: &'t Tree<M>, step: &SegmentStep<'t>) -> Result<(), Self::Stop> {
        // The range consists of whole segments, so each cell is covered whole.
        let mut rest = Some(step.part);
        while let Some(todo) = rest {
            let (part, after) = todo.split_after(TableType::Segment.entry_last(todo.start()));
            rest = after;
            let cell = SegmentCell::new(tree, &step.table[TableType::Segment.index(part.start())]);
            // SAFETY: the caller of `reclaim` owns the range.
            if let Some((origin, size)) = unsafe { cell.take_empty_pages() } {
                self.take(tree, origin, size, part);
            }
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
            self.take(tree, origin, TableSize::Crst, step.span);
        }
        Ok(())
    }
}

impl Taken {
    /// Puts `table`, which covered `span` and was just taken out, on the list.
    fn take<M: TableAllocator>(&mut self, tree: &Tree<M>, table: AbsoluteAddress, size: TableSize, span: IovaRange) {
        let first: NonNull<Slot<PageEntry>> = tree.memory().phys_to_virt(table).cast();
        // SAFETY: the table was just taken out and is not deallocated yet; slots of all kinds of tables are alike. A
        // link is an entry that is invalid in each of them.
        unsafe { first.as_ref() }.store(PageEntry::of_bits(self.list.bits()));
        self.list = Link::to(table, size);
        self.span = Some(self.span.map_or(span, |so_far| so_far.hull(span)));
        self.bytes = self.bytes.wrapping_add(size.bytes());
    }
}
