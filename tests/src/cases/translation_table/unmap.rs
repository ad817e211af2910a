// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Unmapping and splitting.

use s390_iommu::{Iova, IovaRange, Protection, UnmapError};

use super::bench::{has_large_frames, last, range, Bench, MIB, MIB_STORAGE, PAGE, SEGMENT, STORAGE};
use super::empty::root_level;
use super::hardware::Level;
use super::Setup;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;
use crate::middleware::Usage;

const RW: Protection = Protection::ReadWrite;
const RO: Protection = Protection::ReadOnly;

pub(super) fn pages<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, 8 * PAGE, STORAGE, RO)?;
    let middle = SEGMENT + 3 * PAGE;
    bench.unmap(middle, 2 * PAGE, 2, Some((middle, middle + 0x1fff)))?;
    bench.expect_pages(SEGMENT, 3 * PAGE, STORAGE, RO)?;
    bench.expect_empty(middle, 2 * PAGE, Level::Page)?;
    bench.expect_pages(SEGMENT + 5 * PAGE, 3 * PAGE, STORAGE + 5 * PAGE, RO)?;
    // What was unmapped can be mapped again, to something else.
    bench.map(middle, 2 * PAGE, MIB_STORAGE, RW)?;
    bench.expect_pages(middle, 2 * PAGE, MIB_STORAGE, RW)
}

/// Only what was mapped counts, and the refresh reaches from the first page that was to the last.
pub(super) fn holes<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    let first = SEGMENT + 3 * PAGE;
    let second = SEGMENT + 4 * MIB + 9 * PAGE;
    let third = 0x1_8000_0000 + 5 * PAGE;
    for page in [first, second, third] {
        bench.map(page, PAGE, STORAGE, RW)?;
    }
    bench.unmap(SEGMENT, third + PAGE - SEGMENT, 3, Some((first, third + 0xfff)))?;
    for page in [first, second, third] {
        bench.expect_empty(page, PAGE, Level::Page)?;
    }
    bench.expect_walk(IovaRange::ALL, &[])
}

pub(super) fn nothing<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.unmap(SEGMENT, 4 * MIB, 0, None)?;
    bench.expect_empty(SEGMENT, PAGE, root_level::<S>())?;
    ensure!(usage.live(), 1, "tables after an unmap of nothing");
    bench.map(SEGMENT, PAGE, STORAGE, RW)?;
    bench.unmap(SEGMENT + PAGE, MIB - PAGE, 0, None)?;
    bench.expect_pages(SEGMENT, PAGE, STORAGE, RW)
}

/// The first and the last page of the aperture and a MiB between, in one call.
pub(super) fn everything<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(0, PAGE, STORAGE, RW)?;
    bench.map(SEGMENT, MIB, MIB_STORAGE, RW)?;
    bench.map(last::<S>() & !0xfff, PAGE, STORAGE, RO)?;
    match bench.table.unmap(bench.table.span()) {
        Ok(unmapped) => {
            bench.unseen(unmapped.change, Some((0, last::<S>())))?;
            ensure!(unmapped.pages, 258, "pages unmapped");
        }
        Err(error) => fail!("unmap of everything: {error}"),
    }
    bench.expect_walk(IovaRange::ALL, &[])
}

/// A frame of 1 MiB is not cut without being asked to; pages are nothing to be asked about.
pub(super) fn part_of_mib<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, MIB, MIB_STORAGE, RW)?;
    bench.map(SEGMENT - PAGE, PAGE, STORAGE, RW)?;
    let cuts = [range(SEGMENT - PAGE, 2 * PAGE)?, range(SEGMENT + MIB - PAGE, 2 * PAGE)?, range(SEGMENT + PAGE, PAGE)?];
    if !has_large_frames::<S>() {
        bench.unmap(SEGMENT - PAGE, 2 * PAGE, 2, Some((SEGMENT - PAGE, SEGMENT + 0xfff)))?;
        return bench.expect_pages(SEGMENT + PAGE, MIB - PAGE, MIB_STORAGE + PAGE, RW);
    }
    let frame = range(SEGMENT, MIB)?;
    for range in cuts {
        match bench.table.unmap(range) {
            Ok(unmapped) => {
                unmapped.change.unseen();
                fail!("unmap of {range} succeeded: {} pages", unmapped.pages);
            }
            Err(error) => ensure!(error, UnmapError::PartOfFrame { range, frame }, "unmap of {range}"),
        }
        bench.expect_mib(SEGMENT, MIB_STORAGE, RW)?;
        bench.expect_pages(SEGMENT - PAGE, PAGE, STORAGE, RW)?;
    }
    bench.unmap(SEGMENT, MIB, 256, Some((SEGMENT, SEGMENT + 0xf_ffff)))?;
    bench.expect_empty(SEGMENT, MIB, Level::Segment)
}

pub(super) fn split_mib<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, MIB, MIB_STORAGE, RO)?;
    let within = Iova::new(SEGMENT + 0x5_4321);
    let expected = has_large_frames::<S>().then_some((SEGMENT, SEGMENT + 0xf_ffff));
    match bench.table.split(within) {
        Ok(change) => bench.unseen(change, expected)?,
        Err(error) => fail!("split at {within}: {error}"),
    }
    bench.expect_pages(SEGMENT, MIB, MIB_STORAGE, RO)?;
    // Now nothing is left to split, and nothing was ever mapped behind.
    for iova in [within, Iova::new(SEGMENT + MIB), Iova::new(0)] {
        match bench.table.split(iova) {
            Ok(change) => bench.unseen(change, None)?,
            Err(error) => fail!("split at {iova}: {error}"),
        }
    }
    bench.unmap(SEGMENT + PAGE, PAGE, 1, Some((SEGMENT + PAGE, SEGMENT + 0x1fff)))?;
    bench.expect_pages(SEGMENT, PAGE, MIB_STORAGE, RO)?;
    bench.expect_empty(SEGMENT + PAGE, PAGE, Level::Page)?;
    bench.expect_pages(SEGMENT + 2 * PAGE, MIB - 2 * PAGE, MIB_STORAGE + 2 * PAGE, RO)
}
