// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Empty tables, taken out and given back.

use s390_iommu::{IovaRange, Protection, Reclaimed, Root};

use super::bench::{range, Bench, MIB, PAGE, SEGMENT, STORAGE};
use super::empty::root_level;
use super::hardware::Level;
use super::Setup;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;
use crate::middleware::Usage;

const RW: Protection = Protection::ReadWrite;

impl<M: Machine> Bench<'_, M> {
    /// Sees that `reclaimed` has `bytes` bytes of tables that covered `span`, and gives them back.
    fn free(&self, reclaimed: Reclaimed, bytes: usize, span: IovaRange) -> Result<(), Stop> {
        let (empty, found, change) = (reclaimed.is_empty(), reclaimed.bytes(), reclaimed.change());
        // SAFETY: the tables come from the tree whose storage this is; no function is registered with it, and nobody
        // looks at it.
        unsafe { reclaimed.free(self.table.memory()) };
        if empty {
            fail!("no table was reclaimed in {span}");
        }
        self.unseen(change, Some((span.start().get(), span.last().get())))?;
        ensure!(found, bytes, "bytes of the reclaimed tables");
        Ok(())
    }

    /// Takes out the empty tables in `range`.
    fn reclaim(&self, range: IovaRange) -> Reclaimed {
        // SAFETY: a case has its table for itself.
        unsafe { self.table.reclaim(range) }
    }

    /// Sees that there is nothing to reclaim in `range`.
    fn expect_nothing_to_reclaim(&self, range: IovaRange) -> Result<(), Stop> {
        let reclaimed = self.reclaim(range);
        if reclaimed.is_empty() {
            return Ok(());
        }
        let (bytes, change) = (reclaimed.bytes(), reclaimed.change());
        let span = change.range();
        change.unseen();
        self.free(reclaimed, bytes, span.unwrap_or(range))?;
        fail!("tables of {bytes} bytes for {span:?} were reclaimed in {range}");
    }
}

/// From the page table to just below the root.
pub(super) fn whole_branch<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT + MIB - PAGE, 2 * PAGE, STORAGE, RW)?;
    bench.unmap(SEGMENT + MIB - PAGE, 2 * PAGE, 2, Some((SEGMENT + MIB - PAGE, SEGMENT + MIB + 0xfff)))?;
    // Two page tables of 2 KiB; a segment table and what lies between it and the root, 16 KiB each.
    let (tables, last) = match S::ROOT {
        Root::RegionThird => (1, 0x1_7fff_ffff),
        Root::RegionSecond => (2, 0x3ff_ffff_ffff),
        Root::RegionFirst => (3, 0x1f_ffff_ffff_ffff),
    };
    let start = if S::ROOT == Root::RegionThird { 0x1_0000_0000_u64 } else { 0 };
    let span = range(start, last - start + 1)?;
    bench.free(bench.reclaim(bench.table.span()), 2 * 2048 + tables * 16384, span)?;
    bench.expect_empty(SEGMENT + MIB, PAGE, root_level::<S>())?;
    ensure!(usage.live(), 1, "tables left");
    bench.expect_nothing_to_reclaim(bench.table.span())?;
    bench.map(SEGMENT, PAGE, STORAGE, RW)?;
    bench.expect_pages(SEGMENT, PAGE, STORAGE, RW)
}

/// A table with a valid entry stays, and so does every table above it.
pub(super) fn used_tables<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, PAGE, STORAGE, RW)?;
    bench.expect_nothing_to_reclaim(bench.table.span())?;
    bench.map(SEGMENT + MIB, PAGE, STORAGE, RW)?;
    bench.unmap(SEGMENT + MIB, PAGE, 1, Some((SEGMENT + MIB, SEGMENT + MIB + 0xfff)))?;
    bench.free(bench.reclaim(bench.table.span()), 2048, range(SEGMENT + MIB, MIB)?)?;
    bench.expect_pages(SEGMENT, PAGE, STORAGE, RW)?;
    bench.expect_empty(SEGMENT + MIB, PAGE, Level::Segment)
}

/// A table that covers more than the range stays: somebody else may be about to use the rest.
pub(super) fn part_of_table<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, PAGE, STORAGE, RW)?;
    bench.unmap(SEGMENT, PAGE, 1, Some((SEGMENT, SEGMENT + 0xfff)))?;
    for part in [range(SEGMENT, PAGE)?, range(SEGMENT, MIB - PAGE)?, range(SEGMENT + PAGE, MIB - PAGE)?] {
        bench.expect_nothing_to_reclaim(part)?;
    }
    bench.expect_empty(SEGMENT, PAGE, Level::Page)?;
    // The whole of the page table, and a part of what the segment table covers.
    bench.free(bench.reclaim(range(SEGMENT - MIB, 3 * MIB)?), 2048, range(SEGMENT, MIB)?)?;
    bench.expect_empty(SEGMENT, PAGE, Level::Segment)?;
    bench.expect_nothing_to_reclaim(range(0x1_0000_0000, 0x8000_0000 - PAGE)?)?;
    bench.free(bench.reclaim(range(0x1_0000_0000, 0x8000_0000)?), 16384, range(0x1_0000_0000, 0x8000_0000)?)
}
