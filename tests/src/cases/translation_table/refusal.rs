// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Mappings that are refused, and change nothing.

use s390_iommu::{AbsoluteAddress, Iova, IovaRange, MapError, Protection, RangeError, Root, UnmapError};

use super::bench::{last, range, Bench, MIB, MIB_STORAGE, PAGE, SEGMENT, STORAGE};
use super::empty::root_level;
use super::hardware::Level;
use super::Setup;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;
use crate::middleware::Usage;
use crate::read::read;

const RW: Protection = Protection::ReadWrite;

impl<M: Machine> Bench<'_, M> {
    /// Sees that a mapping of `range` to `origin` is refused with `expected`.
    fn expect_refusal(&self, range: IovaRange, origin: u64, expected: MapError) -> Result<(), Stop> {
        match self.table.map(range, AbsoluteAddress::new(origin), RW) {
            Ok(change) => {
                change.unseen();
                fail!("map of {range} to {origin:#x} succeeded; expected: {expected}");
            }
            Err(error) => {
                ensure!(error, expected, "refusal to map {range} to {origin:#x}");
                Ok(())
            }
        }
    }
}

pub(super) fn overlap<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    let (there, to) = (SEGMENT + MIB + 5 * PAGE, STORAGE);
    bench.map(there, 2 * PAGE, to, RW)?;
    let taken = |iova: u64, to: u64| MapError::AlreadyMapped { iova: Iova::new(iova), to: AbsoluteAddress::new(to) };
    // From the page table before into the mapping; exactly it; its second page alone.
    bench.expect_refusal(range(SEGMENT, MIB + 6 * PAGE)?, 0x9_0000_1000, taken(there, to))?;
    bench.expect_refusal(range(there, 2 * PAGE)?, 0x9_0000_1000, taken(there, to))?;
    bench.expect_refusal(range(there + PAGE, MIB)?, 0x9_0000_1000, taken(there + PAGE, to + PAGE))?;
    // The same mapping once more is no exception.
    bench.expect_refusal(range(there, 2 * PAGE)?, to, taken(there, to))?;

    bench.expect_empty(SEGMENT, MIB, Level::Segment)?;
    bench.expect_empty(SEGMENT + MIB, 5 * PAGE, Level::Page)?;
    bench.expect_pages(there, 2 * PAGE, to, RW)?;
    bench.expect_empty(there + 2 * PAGE, 249 * PAGE, Level::Page)
}

/// A MiB mapped as one is in the way of a page within it.
pub(super) fn overlap_with_frame<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, MIB, MIB_STORAGE, RW)?;
    let page = SEGMENT + 7 * PAGE;
    let taken = |iova: u64, to: u64| MapError::AlreadyMapped { iova: Iova::new(iova), to: AbsoluteAddress::new(to) };
    bench.expect_refusal(range(page, PAGE)?, STORAGE, taken(page, MIB_STORAGE + 7 * PAGE))?;
    bench.expect_refusal(range(SEGMENT - PAGE, 2 * PAGE)?, STORAGE, taken(SEGMENT, MIB_STORAGE))?;
    bench.expect_refusal(range(SEGMENT, MIB)?, MIB_STORAGE, taken(SEGMENT, MIB_STORAGE))?;
    ensure!(
        read(&bench.table, |table| table.translate(Iova::new(SEGMENT - PAGE))),
        None,
        "translation of the page before"
    );
    ensure!(read(&bench.table, |table| table.walk(IovaRange::ALL).count()), 1, "mappings");
    Ok(())
}

pub(super) fn unaligned<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    for origin in [STORAGE + 1, STORAGE + 0x800, STORAGE + 0xfff] {
        let error = MapError::Unaligned(AbsoluteAddress::new(origin));
        bench.expect_refusal(range(SEGMENT, PAGE)?, origin, error)?;
    }
    for (start, last) in [(SEGMENT + 1, SEGMENT + 0xfff), (SEGMENT, SEGMENT + 0x1000), (SEGMENT, SEGMENT + 0x7ff)] {
        let (start, last) = (Iova::new(start), Iova::new(last));
        ensure!(
            IovaRange::new(start, last),
            Err(RangeError::Unaligned { start, last }),
            "range from {start} to {last}"
        );
    }
    bench.expect_empty(SEGMENT, PAGE, root_level::<S>())
}

pub(super) fn overflow<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    // The last page of storage has a page behind it no more.
    let (two, origin) = (range(SEGMENT, 2 * PAGE)?, 0xffff_ffff_ffff_f000);
    let error = MapError::PastStorage { origin: AbsoluteAddress::new(origin), range: two };
    bench.expect_refusal(two, origin, error)?;
    let (start, bytes) = (Iova::new(0xffff_ffff_ffff_f000), 2 * PAGE);
    ensure!(IovaRange::with_size(start, bytes), Err(RangeError::Overflow { start, bytes }), "range past 2^64");
    bench.expect_empty(SEGMENT, PAGE, root_level::<S>())?;
    bench.map(SEGMENT, PAGE, origin, RW)?;
    bench.expect_pages(SEGMENT, PAGE, origin, RW)
}

pub(super) fn outside_span<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    let Ok(span) = IovaRange::new(Iova::new(0), Iova::new(last::<S>())) else {
        fail!("span to {:#x}", last::<S>());
    };
    ensure!(bench.table.span(), span, "span");
    if S::ROOT == Root::RegionFirst {
        // Nothing is outside.
        return Ok(());
    }
    let last_page = last::<S>() & !0xfff;
    for start in [last_page, last_page + PAGE] {
        let range = range(start, 2 * PAGE)?;
        bench.expect_refusal(range, STORAGE, MapError::OutsideSpan { range, span })?;
        match bench.table.unmap(range) {
            Ok(unmapped) => {
                unmapped.change.unseen();
                fail!("unmap of {range} succeeded: {} pages", unmapped.pages);
            }
            Err(error) => ensure!(error, UnmapError::OutsideSpan { range, span }, "unmap of {range}"),
        }
    }
    let behind = Iova::new(last_page + PAGE);
    ensure!(read(&bench.table, |table| table.translate(behind)), None, "translation of {behind}");
    bench.expect_empty(last_page, PAGE, root_level::<S>())
}
