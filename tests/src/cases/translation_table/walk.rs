// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the iterator over mappings makes one and what it keeps apart.

use s390_iommu::{FrameSize, IovaRange, Protection};

use super::bench::{mapping, range, Bench, MIB, PAGE, SEGMENT, STORAGE};
use super::Setup;
use crate::case::Stop;
use crate::machine::Machine;
use crate::middleware::Usage;

const RW: Protection = Protection::ReadWrite;
const RO: Protection = Protection::ReadOnly;
const SMALL: FrameSize = FrameSize::Size4K;

pub(super) fn merges<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    // Neighbours in both spaces, mapped one by one across the end of a page table.
    for page in 0..4 {
        bench.map(SEGMENT + MIB - 2 * PAGE + page * PAGE, PAGE, STORAGE + page * PAGE, RW)?;
    }
    // A neighbour with another protection, one with storage elsewhere, and one behind a hole.
    let start = SEGMENT + MIB + 2 * PAGE;
    bench.map(start, PAGE, STORAGE + 4 * PAGE, RO)?;
    bench.map(start + PAGE, PAGE, STORAGE + 9 * PAGE, RO)?;
    bench.map(start + 3 * PAGE, PAGE, STORAGE + 11 * PAGE, RO)?;
    // Storage that goes backwards.
    bench.map(start + 4 * PAGE, PAGE, STORAGE + 10 * PAGE, RO)?;
    bench.expect_walk(
        IovaRange::ALL,
        &[
            mapping(SEGMENT + MIB - 2 * PAGE, 4 * PAGE, STORAGE, RW, SMALL)?,
            mapping(start, PAGE, STORAGE + 4 * PAGE, RO, SMALL)?,
            mapping(start + PAGE, PAGE, STORAGE + 9 * PAGE, RO, SMALL)?,
            mapping(start + 3 * PAGE, PAGE, STORAGE + 11 * PAGE, RO, SMALL)?,
            mapping(start + 4 * PAGE, PAGE, STORAGE + 10 * PAGE, RO, SMALL)?,
        ],
    )
}

/// A walk of a part shows that part and nothing around it.
pub(super) fn part<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, 16 * PAGE, STORAGE, RW)?;
    let middle = mapping(SEGMENT + 5 * PAGE, 2 * PAGE, STORAGE + 5 * PAGE, RW, SMALL)?;
    bench.expect_walk(range(SEGMENT + 5 * PAGE, 2 * PAGE)?, &[middle])?;
    bench.expect_walk(range(SEGMENT - MIB, MIB)?, &[])?;
    bench.expect_walk(range(SEGMENT + 16 * PAGE, MIB)?, &[])?;
    let end = mapping(SEGMENT + 15 * PAGE, PAGE, STORAGE + 15 * PAGE, RW, SMALL)?;
    bench.expect_walk(range(SEGMENT + 15 * PAGE, MIB)?, &[end])
}
