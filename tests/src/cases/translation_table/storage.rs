// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What happens when storage for tables runs out, and that all of it is given back.

use s390_iommu::{AbsoluteAddress, Change, Iova, IovaRange, MapError, Protection, Root, SplitError, TranslationTable};

use super::bench::{has_large_frames, range, Bench, MIB, MIB_STORAGE, PAGE, SEGMENT, STORAGE};
use super::Setup;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;
use crate::middleware::{Limited, Usage};

const RW: Protection = Protection::ReadWrite;

pub(super) fn no_storage_for_root<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    usage.limit(0);
    let table = TranslationTable::new(S::ROOT, S::FRAMES, Limited::new(machine.storage(), &usage));
    ensure!(table.is_none(), true, "no table without storage");
    ensure!(usage.live(), 0, "tables");
    Ok(())
}

/// Lets every allocation of a mapping fail in turn; each time nothing is mapped, at last all is.
pub(super) fn no_storage_for_map<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    // Four pages, two on either side of a boundary of segment tables.
    let range = range(0x1_8000_0000 - 2 * PAGE, 4 * PAGE)?;
    // Two page tables, two segment tables, and one table for each level between them and the root.
    let needed = match S::ROOT {
        Root::RegionThird => 4,
        Root::RegionSecond => 5,
        Root::RegionFirst => 6,
    };
    for tables in 0..needed {
        let usage = Usage::unlimited();
        let bench = Bench::new::<S>(machine, &usage)?;
        usage.limit(tables);
        match bench.table.map(range, AbsoluteAddress::new(STORAGE), RW) {
            Err(error) => ensure!(error, MapError::OutOfStorage, "map with {tables} tables"),
            Ok(change) => {
                change.unseen();
                fail!("map with {tables} tables succeeded, though it needs {needed}");
            }
        }
        bench.expect_walk(IovaRange::ALL, &[])?;
        usage.lift();
        bench.map(range.start().get(), 4 * PAGE, STORAGE, RW)?;
        bench.expect_pages(range.start().get(), 4 * PAGE, STORAGE, RW)?;
        ensure!(usage.live(), needed.wrapping_add(1), "tables in the end");
        drop(bench);
        ensure!(usage.live(), 0, "tables not given back");
    }
    Ok(())
}

pub(super) fn no_storage_for_split<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, MIB, MIB_STORAGE, RW)?;
    usage.limit(0);
    let iova = Iova::new(SEGMENT);
    match bench.table.split(iova) {
        Err(error) if has_large_frames::<S>() => ensure!(error, SplitError::OutOfStorage, "split at {iova}"),
        Err(error) => fail!("split at {iova}, where no large frame is: {error}"),
        Ok(Change::NONE) if !has_large_frames::<S>() => return bench.expect_pages(SEGMENT, MIB, MIB_STORAGE, RW),
        Ok(change) => {
            change.unseen();
            fail!("split at {iova} did nothing");
        }
    }
    bench.expect_mib(SEGMENT, MIB_STORAGE, RW)
}

pub(super) fn unmap_needs_none<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, 2 * MIB, MIB_STORAGE, RW)?;
    usage.limit(0);
    bench.unmap(SEGMENT - 16 * MIB, 32 * MIB, 512, Some((SEGMENT, SEGMENT + 0x1f_ffff)))?;
    bench.expect_walk(IovaRange::ALL, &[])
}

/// Tables in every place where a tree can have them.
pub(super) fn drop_gives_back<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    let span = bench.table.span();
    for start in [0, SEGMENT, SEGMENT + MIB, 0x1_8000_0000, span.last().get() & !0xfff] {
        bench.map(start, PAGE, STORAGE, RW)?;
    }
    bench.map(SEGMENT + 2 * MIB, MIB, MIB_STORAGE, RW)?;
    bench.unmap(SEGMENT, PAGE, 1, Some((SEGMENT, SEGMENT + 0xfff)))?;
    drop(bench);
    ensure!(usage.live(), 0, "tables not given back");
    Ok(())
}
