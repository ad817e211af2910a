// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A table in which nothing is mapped.

use s390_iommu::{IovaRange, Root};

use super::bench::{Bench, PAGE, SEGMENT};
use super::hardware::{read, Level};
use super::Setup;
use crate::case::{ensure, Stop};
use crate::machine::Machine;
use crate::middleware::Usage;

/// The kind of table at the root of a setup.
pub(super) const fn root_level<S: Setup>() -> Level {
    match S::ROOT {
        Root::RegionThird => Level::RegionThird,
        Root::RegionSecond => Level::RegionSecond,
        Root::RegionFirst => Level::RegionFirst,
    }
}

pub(super) fn empty<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    let origin = bench.table.origin().get();
    let low_bits = match S::ROOT {
        Root::RegionThird => 0x804,
        Root::RegionSecond => 0x808,
        Root::RegionFirst => 0x80c,
    };
    ensure!(bench.iota(), origin | low_bits, "IOTA");
    ensure!(origin & 0x3fff, 0, "low bits of the root's origin");
    for index in 0..2048 {
        ensure!(read(machine, origin, index)?, 0x20, "entry {index:#x} of the root");
    }
    bench.expect_empty(SEGMENT, PAGE, root_level::<S>())?;
    bench.expect_walk(IovaRange::ALL, &[])?;
    ensure!(usage.live(), 1, "tables of an empty tree");
    Ok(())
}
