// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The way over whole tables of a tree: each table that a range touches, from the root down and back up.
//!
//! Dumping a tree, taking empty tables out of it and giving it back are sweeps; they differ in what they do at each
//! step. Walks that look for addresses are in `cursor.rs`.

use core::mem::ManuallyDrop;

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::{Entry, RegionEntry};
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::table::run;
use crate::table::seam::{TableAllocator, TableSize};
use crate::table::slot::Slot;
use crate::table::tree::{below, SegmentTable, Tree};

/// A valid entry of a region table.
pub(super) struct RegionStep<'t> {
    /// 1 for the entries of the root.
    pub(super) depth: usize,
    /// Index in its table.
    pub(super) index: usize,
    /// Where it is.
    pub(super) slot: &'t Slot<RegionEntry>,
    /// What it says.
    pub(super) entry: RegionEntry,
    /// The kind of table that it designates.
    pub(super) below: TableType,
    /// What it covers of the range of the sweep.
    pub(super) part: IovaRange,
    /// What it covers at all.
    pub(super) span: IovaRange,
}

/// A segment table; `depth` is that of its entries.
pub(super) struct SegmentStep<'t> {
    pub(super) depth: usize,
    pub(super) table: &'t SegmentTable,
    /// What it covers of the range of the sweep.
    pub(super) part: IovaRange,
}

/// What a sweep does on its way.
pub(super) trait Sweep<'t, M: TableAllocator> {
    /// Why it ends early.
    type Stop;

    /// Comes to an entry of a region table, before what is below it.
    fn enter(&mut self, tree: &'t Tree<M>, step: &RegionStep<'t>) -> Result<(), Self::Stop>;

    /// Comes to a segment table.
    fn segments(&mut self, tree: &'t Tree<M>, step: &SegmentStep<'t>) -> Result<(), Self::Stop>;

    /// Comes back to an entry of a region table, after what is below it.
    fn leave(&mut self, tree: &'t Tree<M>, step: &RegionStep<'t>) -> Result<(), Self::Stop>;
}

impl<M: TableAllocator> Tree<M> {
    /// Sweeps over every table that covers a part of `range`.
    pub(super) fn sweep<'t, S: Sweep<'t, M>>(&'t self, range: IovaRange, sweep: &mut S) -> Result<(), S::Stop> {
        // SAFETY: the root is a region table of this type.
        unsafe { self.sweep_below(self.root(), self.kind().table_type(), range, 1, sweep) }
    }

    /// # Safety
    ///
    /// `table` must be a region table of this tree, of type `table_type`.
    unsafe fn sweep_below<'t, S: Sweep<'t, M>>(
        &'t self,
        table: AbsoluteAddress,
        table_type: TableType,
        range: IovaRange,
        depth: usize,
        sweep: &mut S,
    ) -> Result<(), S::Stop> {
        // SAFETY: by the contract.
        let table = unsafe { self.region_table_at(table) };
        let (first, last) = (table_type.index(range.start()), table_type.index(range.last()));
        let entry_start = |index: usize| {
            let ahead = (index.wrapping_sub(first) as u64) << table_type.entry_span_log2();
            Iova::new((range.start().get() & !table_type.entry_mask()).wrapping_add(ahead))
        };
        for (index, entry) in run::valid_between(table, first, last) {
            let span = table_type.entry_range(entry_start(index));
            let Some((slot, part)) = table.get(index).zip(range.intersection(span)) else { continue };
            let step = RegionStep { depth, index, slot, entry, below: below(table_type), part, span };
            sweep.enter(self, &step)?;
            match step.below {
                TableType::Segment => {
                    // SAFETY: an entry of a region-third table designates a segment table.
                    let table = unsafe { self.segment_table_at(entry.origin()) };
                    sweep.segments(self, &SegmentStep { depth: depth.wrapping_add(1), table, part })?;
                }
                // SAFETY: an entry of a higher table designates a region table of the next type.
                next => unsafe { self.sweep_below(entry.origin(), next, part, depth.wrapping_add(1), sweep)? },
            }
            sweep.leave(self, &step)?;
        }
        Ok(())
    }
}

/// Gives tables back, but not the root; `BOUNDED`: until `left` are given back.
///
/// A segment table goes with all that is below it, so that nothing is written to its entries: what is given back last
/// may be 2,048 tables more.
struct Teardown<const BOUNDED: bool> {
    left: usize,
}

/// Tables are left.
struct Enough;

impl<'t, M: TableAllocator, const BOUNDED: bool> Sweep<'t, M> for Teardown<BOUNDED> {
    type Stop = Enough;

    fn enter(&mut self, _: &'t Tree<M>, _: &RegionStep<'t>) -> Result<(), Self::Stop> {
        if BOUNDED && self.left == 0 {
            Err(Enough)
        } else {
            Ok(())
        }
    }

    fn segments(&mut self, tree: &'t Tree<M>, step: &SegmentStep<'t>) -> Result<(), Self::Stop> {
        let mut count = 0_usize;
        for block in run::blocks_with_valid(step.table) {
            for slot in block {
                let entry = slot.load();
                if entry.designates_table() {
                    if BOUNDED {
                        count = count.wrapping_add(1);
                    }
                    // SAFETY: nobody else uses the tree, and the sweep, which goes on to `leave` from here, comes to each
                    // entry once.
                    unsafe { tree.memory().deallocate(entry.origin(), TableSize::Page) };
                }
            }
        }
        self.left = self.left.saturating_sub(count);
        Ok(())
    }

    fn leave(&mut self, tree: &'t Tree<M>, step: &RegionStep<'t>) -> Result<(), Self::Stop> {
        if BOUNDED {
            self.left = self.left.saturating_sub(1);
            step.slot.store(RegionEntry::EMPTY);
        }
        // SAFETY: nobody else uses the tree; what is below was given back before, and the entry is gone, or nobody comes to
        // it again.
        unsafe { tree.memory().deallocate(step.entry.origin(), TableSize::Crst) };
        Ok(())
    }
}

impl<M: TableAllocator> Tree<M> {
    /// Gives tables back until `enough` are given back; returns what is left, if anything is.
    pub(super) fn free_some(self, enough: usize) -> Option<Self> {
        let mut tree = ManuallyDrop::new(self);
        if tree.teardown(&mut Teardown::<true> { left: enough }).is_err() {
            return Some(ManuallyDrop::into_inner(tree));
        }
        // SAFETY: as in `drop`, which does not come: neither the root nor `memory` is used again.
        unsafe {
            tree.memory().deallocate(tree.root(), TableSize::Crst);
            tree.drop_memory();
        }
        None
    }

    /// `&mut self` says that no reference into the tables is left.
    fn teardown<const BOUNDED: bool>(&mut self, teardown: &mut Teardown<BOUNDED>) -> Result<(), Enough> {
        self.sweep(IovaRange::up_to(self.kind().last()), teardown)
    }
}

impl<M: TableAllocator> Drop for Tree<M> {
    /// Gives all tables back.
    fn drop(&mut self) {
        // Without a bound it never ends early.
        let _ = self.teardown(&mut Teardown::<false> { left: 0 });
        // SAFETY: `new` allocated the root with this size, and nobody uses it any more.
        unsafe { self.memory().deallocate(self.root(), TableSize::Crst) };
    }
}
