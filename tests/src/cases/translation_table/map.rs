// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Mappings that succeed.

use s390_iommu::{FrameSize, IovaRange, Protection, Root};

use super::bench::{has_large_frames, last, mapping, Bench, MIB, MIB_STORAGE, PAGE, SEGMENT, STORAGE};
use super::hardware::{read, Level};
use super::Setup;
use crate::case::{ensure, Stop};
use crate::machine::Machine;
use crate::middleware::Usage;

const RW: Protection = Protection::ReadWrite;
const RO: Protection = Protection::ReadOnly;

/// Every entry on the way, spelled out, and every other entry of the tables on the way.
pub(super) fn one_page<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    // RFX 0, RSX 0, RTX 2, SX 0x401, PX 0x23.
    let iova = SEGMENT + MIB + 0x2_3000;
    bench.map(iova, PAGE, STORAGE, RW)?;

    let mut table = bench.table.origin().get();
    let levels: &[(u64, u64)] = match S::ROOT {
        Root::RegionThird => &[(2, 0x7)],
        Root::RegionSecond => &[(0, 0xb), (2, 0x7)],
        Root::RegionFirst => &[(0, 0xf), (0, 0xb), (2, 0x7)],
    };
    for (index, low_bits) in levels {
        table = only_entry(machine, table, 2048, *index, 0x20)?;
        ensure!(table & 0x3fff, *low_bits, "low bits of a region-table entry");
        table &= !0x3fff;
    }
    let segment_entry = only_entry(machine, table, 2048, 0x401, 0x20)?;
    ensure!(segment_entry & 0x7ff, 0, "low bits of a segment-table entry");
    let page_entry = only_entry(machine, segment_entry, 256, 0x23, 0x400)?;
    ensure!(page_entry, 0x0000_0007_6543_1000, "page-table entry");

    bench.expect_pages(iova, PAGE, STORAGE, RW)?;
    bench.expect_empty(iova - PAGE, PAGE, Level::Page)?;
    bench.expect_empty(iova + PAGE, PAGE, Level::Page)?;
    bench.expect_walk(IovaRange::ALL, &[mapping(iova, PAGE, STORAGE, RW, FrameSize::Size4K)?])?;
    ensure!(usage.live(), levels.len() + 2, "tables for one page");
    Ok(())
}

/// Sees that all `entries` of a table are `empty` but that at `index`, and returns that.
fn only_entry<M: Machine>(machine: &M, table: u64, entries: u64, index: u64, empty: u64) -> Result<u64, Stop> {
    for other in (0..entries).filter(|other| *other != index) {
        ensure!(read(machine, table, other)?, empty, "entry {other:#x} of the table at {table:#x}");
    }
    read(machine, table, index)
}

pub(super) fn read_only<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, PAGE, STORAGE, RO)?;
    bench.map(SEGMENT + PAGE, PAGE, STORAGE + PAGE, RW)?;
    bench.expect_pages(SEGMENT, PAGE, STORAGE, RO)?;
    bench.expect_pages(SEGMENT + PAGE, PAGE, STORAGE + PAGE, RW)
}

pub(super) fn first_page<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(0, PAGE, STORAGE, RW)?;
    bench.expect_pages(0, PAGE, STORAGE, RW)?;
    bench.expect_empty(PAGE, PAGE, Level::Page)
}

pub(super) fn last_page<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    let page = last::<S>() & !0xfff;
    bench.map(page, PAGE, STORAGE, RW)?;
    bench.expect_pages(page, PAGE, STORAGE, RW)?;
    bench.expect_empty(page - PAGE, PAGE, Level::Page)?;
    bench.expect_walk(IovaRange::ALL, &[mapping(page, PAGE, STORAGE, RW, FrameSize::Size4K)?])?;
    bench.unmap(page, PAGE, 1, Some((page, last::<S>())))?;
    bench.expect_empty(page, PAGE, Level::Page)
}

/// Maps two pages on either side of `boundary`.
fn across<M: Machine, S: Setup>(machine: &M, boundary: u64) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(boundary - 2 * PAGE, 4 * PAGE, STORAGE, RW)?;
    bench.expect_pages(boundary - 2 * PAGE, 4 * PAGE, STORAGE, RW)?;
    bench.expect_empty(boundary - 3 * PAGE, PAGE, Level::Page)?;
    bench.expect_empty(boundary + 2 * PAGE, PAGE, Level::Page)?;
    let whole = mapping(boundary - 2 * PAGE, 4 * PAGE, STORAGE, RW, FrameSize::Size4K)?;
    bench.expect_walk(IovaRange::ALL, &[whole])?;
    bench.unmap(boundary - PAGE, 2 * PAGE, 2, Some((boundary - PAGE, boundary + 0xfff)))?;
    bench.expect_pages(boundary - 2 * PAGE, PAGE, STORAGE, RW)?;
    bench.expect_empty(boundary - PAGE, 2 * PAGE, Level::Page)?;
    bench.expect_pages(boundary + PAGE, PAGE, STORAGE + 3 * PAGE, RW)
}

pub(super) fn across_page_tables<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    across::<M, S>(machine, SEGMENT + MIB)
}

pub(super) fn across_segment_tables<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    across::<M, S>(machine, 0x1_8000_0000)
}

/// The last boundary below the end of the aperture at which every table of the tree but the root changes.
pub(super) fn across_region_tables<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    across::<M, S>(
        machine,
        match S::ROOT {
            Root::RegionThird => 0x0000_03ff_8000_0000,
            Root::RegionSecond => 0x001f_fc00_0000_0000,
            Root::RegionFirst => 0xffe0_0000_0000_0000,
        },
    )
}

pub(super) fn aligned_mib<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    for protection in [RW, RO] {
        let usage = Usage::unlimited();
        let bench = Bench::new::<S>(machine, &usage)?;
        bench.map(SEGMENT, 2 * MIB, MIB_STORAGE, protection)?;
        let frame = if has_large_frames::<S>() {
            bench.expect_mib(SEGMENT, MIB_STORAGE, protection)?;
            bench.expect_mib(SEGMENT + MIB, MIB_STORAGE + MIB, protection)?;
            FrameSize::Size1M
        } else {
            bench.expect_pages(SEGMENT, 2 * MIB, MIB_STORAGE, protection)?;
            FrameSize::Size4K
        };
        bench.expect_empty(SEGMENT - PAGE, PAGE, Level::Segment)?;
        bench.expect_empty(SEGMENT + 2 * MIB, PAGE, Level::Segment)?;
        bench.expect_walk(IovaRange::ALL, &[mapping(SEGMENT, 2 * MIB, MIB_STORAGE, protection, frame)?])?;
    }
    Ok(())
}

pub(super) fn mib_to_unaligned_storage<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, MIB, STORAGE, RW)?;
    bench.expect_pages(SEGMENT, MIB, STORAGE, RW)
}

/// Pages at either end, a whole aligned MiB between.
pub(super) fn mixed_frames<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    let (start, origin) = (SEGMENT - PAGE, MIB_STORAGE - PAGE);
    bench.map(start, MIB + 2 * PAGE, origin, RW)?;
    bench.expect_pages(start, PAGE, origin, RW)?;
    bench.expect_pages(SEGMENT + MIB, PAGE, MIB_STORAGE + MIB, RW)?;
    if has_large_frames::<S>() {
        bench.expect_mib(SEGMENT, MIB_STORAGE, RW)?;
        let first = mapping(start, PAGE, origin, RW, FrameSize::Size4K)?;
        let frame = mapping(SEGMENT, MIB, MIB_STORAGE, RW, FrameSize::Size1M)?;
        let last = mapping(SEGMENT + MIB, PAGE, MIB_STORAGE + MIB, RW, FrameSize::Size4K)?;
        bench.expect_walk(IovaRange::ALL, &[first, frame, last])?;
    } else {
        bench.expect_pages(SEGMENT, MIB, MIB_STORAGE, RW)?;
        let whole = mapping(start, MIB + 2 * PAGE, origin, RW, FrameSize::Size4K)?;
        bench.expect_walk(IovaRange::ALL, &[whole])?;
    }
    bench.unmap(start, MIB + 2 * PAGE, 258, Some((start, SEGMENT + MIB + 0xfff)))?;
    bench.expect_walk(IovaRange::ALL, &[])
}

/// A page table that was used before keeps its place; the MiB is mapped in pages.
pub(super) fn mib_over_page_table<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, PAGE, STORAGE, RW)?;
    bench.unmap(SEGMENT, PAGE, 1, Some((SEGMENT, SEGMENT + 0xfff)))?;
    bench.map(SEGMENT, MIB, MIB_STORAGE, RW)?;
    bench.expect_pages(SEGMENT, MIB, MIB_STORAGE, RW)
}
