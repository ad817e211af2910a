// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Translation judged by a device: what it reaches, and what it does not.

use s390_iommu::{reset_error, AbsoluteAddress, Iova, IovaRange, Protection, TranslationTable};

use super::function::subject::Subject;
use crate::case::{ensure, fail, Case, Group, Stop};
use crate::machine::{Device, DmaError};

const PAGE: u64 = 0x1000;
const MIB: u64 = 0x10_0000;
const RW: Protection = Protection::ReadWrite;
const RO: Protection = Protection::ReadOnly;

/// PCI event code of an access without a translation or against its protection.
const PROTECTION: DmaError = DmaError::Refused(Some(4));
/// PCI event code of an access outside the aperture.
const OUT_OF_RANGE: DmaError = DmaError::Refused(Some(2));
/// PCI event code of an access while nothing is registered.
const NOT_REGISTERED: DmaError = DmaError::Refused(Some(1));

pub(super) const fn group<M: Device>() -> Group<M> {
    Group {
        name: "dma",
        cases: &[
            Case { name: "write-and-read", run: write_and_read },
            Case { name: "first-and-last-page", run: first_and_last_page },
            Case { name: "across-page-tables", run: across_page_tables },
            Case { name: "large-frame", run: large_frame },
            Case { name: "split-frame", run: split_frame },
            Case { name: "read-only", run: read_only },
            Case { name: "unmapped", run: unmapped },
            Case { name: "mapped-elsewhere", run: mapped_elsewhere },
            Case { name: "outside-aperture", run: outside_aperture },
            Case { name: "deregistered", run: deregistered },
            Case { name: "beside-reclaimed-tables", run: beside_reclaimed_tables },
        ],
    }
}

/// A function with a registered table, and its device.
struct Bench<'m, M: Device> {
    subject: Subject<'m, M>,
    aperture: IovaRange,
    table: TranslationTable<M::Storage>,
}

impl<M: Device> Drop for Bench<'_, M> {
    /// The function has to be gone before the table is.
    fn drop(&mut self) {
        // Where nothing is registered any more, that is what was wanted.
        let _ = self.subject.deregister();
    }
}

impl<'m, M: Device> Bench<'m, M> {
    fn new(machine: &'m M) -> Result<Self, Stop> {
        let subject = Subject::new(machine)?;
        let table = subject.table()?;
        let aperture = subject.register(&table)?;
        Ok(Self { subject, aperture, table })
    }

    /// An address within the aperture, `offset` bytes from an aligned one.
    fn at(&self, offset: u64) -> Result<u64, Stop> {
        let aligned = self.aperture.start().get().checked_next_multiple_of(0x8000_0000);
        match aligned.and_then(|aligned| aligned.checked_add(offset)) {
            Some(iova) if self.aperture.contains_iova(Iova::new(iova)) => Ok(iova),
            _ => fail!("aperture {} is too small", self.aperture),
        }
    }

    /// Maps to the machine's data from the `offset`-th byte on.
    fn map(&self, start: u64, bytes: u64, offset: u64, protection: Protection) -> Result<(), Stop> {
        let range = range(start, bytes)?;
        let origin = AbsoluteAddress::new(self.subject.machine.data().get().wrapping_add(offset));
        match self.table.map(range, origin, protection) {
            Ok(change) => self.subject.mapped(change),
            Err(error) => fail!("map of {range} to {origin}: {error}"),
        }
    }

    fn unmap(&self, start: u64, bytes: u64) -> Result<(), Stop> {
        let range = range(start, bytes)?;
        match self.table.unmap(range) {
            Ok(unmapped) => {
                self.subject.refresh(unmapped.change)?;
                ensure!(unmapped.pages > 0, true, "whether anything was mapped in {range}");
                Ok(())
            }
            Err(error) => fail!("unmap of {range}: {error}"),
        }
    }

    /// Lets the device write to `iova` and sees the bytes arrive in the data at `offset`, then lets it read others.
    fn expect_reach(&self, iova: u64, offset: u64, pattern: u8) -> Result<(), Stop> {
        let machine = self.subject.machine;
        let outward = core::array::from_fn(|index| pattern.wrapping_add(index as u8));
        machine.write_data(offset, &[0; 16]);
        let written = machine.dma_write(self.subject.handle, Iova::new(iova), &outward);
        ensure!(written, Ok(()), "device writes {iova:#x}");
        let mut arrived = [0; 16];
        machine.read_data(offset, &mut arrived);
        ensure!(arrived, outward, "what the device wrote to {iova:#x}");
        self.expect_read(iova, offset, !pattern)
    }

    /// Lets the device read from `iova` what the program wrote to the data at `offset`.
    fn expect_read(&self, iova: u64, offset: u64, pattern: u8) -> Result<(), Stop> {
        let machine = self.subject.machine;
        let inward: [u8; 16] = core::array::from_fn(|index| pattern.wrapping_sub(index as u8));
        machine.write_data(offset, &inward);
        let mut seen = [0; 16];
        let read = machine.dma_read(self.subject.handle, Iova::new(iova), &mut seen);
        ensure!(read, Ok(()), "device reads {iova:#x}");
        ensure!(seen, inward, "what the device read from {iova:#x}");
        Ok(())
    }

    /// Sees that a write to `iova` is refused with `expected` and changes nothing at `offset`; resets the function.
    fn expect_refusal(&self, iova: u64, offset: u64, expected: DmaError) -> Result<(), Stop> {
        let machine = self.subject.machine;
        let (before, mut after) = ([0x5a; 16], [0; 16]);
        machine.write_data(offset, &before);
        let written = machine.dma_write(self.subject.handle, Iova::new(iova), &[0xc3; 16]);
        ensure!(written, Err(expected), "device writes {iova:#x}");
        machine.read_data(offset, &mut after);
        ensure!(after, before, "data after a refused write to {iova:#x}");
        // In error nothing works, then all of it works again.
        let written = machine.dma_write(self.subject.handle, Iova::new(iova), &[0xc3; 16]);
        ensure!(written, Err(DmaError::State), "device writes {iova:#x} in error");
        match reset_error(machine, self.subject.handle) {
            Ok(()) => Ok(()),
            Err(error) => fail!("reset: {error}"),
        }
    }
}

fn range(start: u64, bytes: u64) -> Result<IovaRange, Stop> {
    match IovaRange::with_size(Iova::new(start), bytes) {
        Ok(range) => Ok(range),
        Err(error) => fail!("{error}"),
    }
}

/// To the byte, at either end of a page.
fn write_and_read<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let iova = bench.at(0x12_3000)?;
    bench.map(iova, 2 * PAGE, 0x7000, RW)?;
    bench.expect_reach(iova, 0x7000, 1)?;
    bench.expect_reach(iova + 0x123, 0x7123, 2)?;
    bench.expect_reach(iova + 0xff8, 0x7ff8, 3)?;
    bench.expect_reach(iova + 0x1ff0, 0x8ff0, 4)?;
    bench.unmap(iova, 2 * PAGE)
}

fn first_and_last_page<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let first = bench.aperture.start().get();
    let last = IovaRange::page(bench.aperture.last()).start().get();
    bench.map(first, PAGE, 0x1000, RW)?;
    bench.map(last, PAGE, 0x3000, RW)?;
    bench.expect_reach(first, 0x1000, 5)?;
    bench.expect_reach(last + 0xff0, 0x3ff0, 6)?;
    bench.unmap(first, PAGE)?;
    bench.expect_refusal(first, 0x1000, PROTECTION)?;
    bench.expect_reach(last, 0x3000, 7)
}

/// More pages than one page table maps, one access over the end of the first table.
fn across_page_tables<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let iova = bench.at(MIB - 0x4_0000)?;
    bench.map(iova, 0x8_0000, 0x1000, RW)?;
    bench.expect_reach(iova, 0x1000, 8)?;
    bench.expect_reach(iova + 0x4_0000 - 8, 0x4_1000 - 8, 9)?;
    bench.expect_reach(iova + 0x7_fff0, 0x8_0ff0, 10)
}

fn large_frame<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let iova = bench.at(5 * MIB)?;
    bench.map(iova, MIB, 0, RW)?;
    bench.expect_reach(iova, 0, 11)?;
    bench.expect_reach(iova + 0x5_5ffc, 0x5_5ffc, 12)?;
    bench.expect_reach(iova + MIB - 16, MIB - 16, 13)?;
    bench.unmap(iova, MIB)?;
    bench.expect_refusal(iova + 0x5_5000, 0x5_5000, PROTECTION)
}

fn split_frame<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let iova = bench.at(5 * MIB)?;
    bench.map(iova, MIB, 0, RW)?;
    // A machine remembers the frame from here on.
    bench.expect_reach(iova + 0x3_0000, 0x3_0000, 13)?;
    match bench.table.split(Iova::new(iova)) {
        Ok(change) => {
            ensure!(change.range(), Some(range(iova, MIB)?), "range of a split");
            bench.subject.refresh(change)?;
        }
        Err(error) => fail!("split at {iova:#x}: {error}"),
    }
    bench.expect_reach(iova + 0x5_5ffc, 0x5_5ffc, 14)?;
    bench.unmap(iova + 0x5_5000, PAGE)?;
    bench.expect_reach(iova + 0x5_4000, 0x5_4000, 15)?;
    bench.expect_refusal(iova + 0x5_5000, 0x5_5000, PROTECTION)
}

/// The device may read, in small frames and in a large one.
fn read_only<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let (page, frame) = (bench.at(0x2_0000)?, bench.at(3 * MIB)?);
    bench.map(page, PAGE, 0x9000, RO)?;
    bench.map(frame, MIB, 0, RO)?;
    for (iova, offset) in [(page, 0x9000), (frame + 0x6_0000, 0x6_0000)] {
        bench.expect_read(iova, offset, 16)?;
        bench.expect_refusal(iova, offset, PROTECTION)?;
        bench.expect_read(iova, offset, 17)?;
    }
    Ok(())
}

fn unmapped<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let iova = bench.at(0x3_0000)?;
    bench.map(iova, 3 * PAGE, 0x4000, RW)?;
    bench.expect_reach(iova + PAGE, 0x5000, 18)?;
    bench.unmap(iova + PAGE, PAGE)?;
    bench.expect_refusal(iova + PAGE, 0x5000, PROTECTION)?;
    bench.expect_reach(iova, 0x4000, 19)?;
    bench.expect_reach(iova + 2 * PAGE, 0x6000, 20)?;
    // A page that never was mapped, in the same table and in none.
    bench.expect_refusal(iova + 9 * PAGE, 0x5000, PROTECTION)?;
    bench.expect_refusal(bench.at(9 * MIB)?, 0x5000, PROTECTION)
}

fn mapped_elsewhere<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let iova = bench.at(0x4_0000)?;
    bench.map(iova, PAGE, 0xa000, RW)?;
    bench.expect_reach(iova, 0xa000, 21)?;
    bench.unmap(iova, PAGE)?;
    bench.map(iova, PAGE, 0xb000, RO)?;
    bench.expect_read(iova, 0xb000, 22)?;
    bench.unmap(iova, PAGE)?;
    bench.map(iova, PAGE, 0xc000, RW)?;
    bench.expect_reach(iova, 0xc000, 23)
}

fn outside_aperture<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let below = bench.aperture.start().get().checked_sub(PAGE);
    let above = bench.aperture.last().checked_add(1).map(Iova::get);
    for iova in [below, above].into_iter().flatten() {
        bench.expect_refusal(iova, 0, OUT_OF_RANGE)?;
    }
    Ok(())
}

fn deregistered<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let iova = bench.at(0)?;
    bench.map(iova, PAGE, 0xd000, RW)?;
    bench.expect_reach(iova, 0xd000, 24)?;
    bench.subject.deregister()?;
    bench.expect_refusal(iova, 0xd000, NOT_REGISTERED)?;
    bench.subject.register(&bench.table)?;
    // What was mapped before is there again, once the machine was told.
    bench.subject.refresh_all(range(iova, PAGE)?)?;
    bench.expect_reach(iova, 0xd000, 25)
}

/// The device works on while tables beside those it uses are given back, and uses those that come in their place.
fn beside_reclaimed_tables<M: Device>(machine: &M) -> Result<(), Stop> {
    let bench = Bench::new(machine)?;
    let (goes, stays) = (bench.at(0)?, bench.at(0x8000_0000)?);
    bench.map(stays, PAGE, 0xe000, RW)?;
    bench.map(goes + MIB, PAGE, 0xf000, RW)?;
    bench.expect_reach(goes + MIB, 0xf000, 26)?;
    bench.unmap(goes + MIB, PAGE)?;
    // SAFETY: a case has its table for itself.
    let reclaimed = unsafe { bench.table.reclaim(range(goes, 0x8000_0000)?) };
    let empty = reclaimed.is_empty();
    bench.subject.refresh(reclaimed.change())?;
    // SAFETY: the tables come from the tree whose storage this is; the only function that is registered with it was
    // refreshed; nobody looks at it.
    unsafe { reclaimed.free(bench.table.memory()) };
    ensure!(empty, false, "no table to reclaim");
    bench.expect_refusal(goes + MIB, 0xf000, PROTECTION)?;
    bench.expect_reach(stays, 0xe000, 27)?;
    bench.map(goes + MIB, PAGE, 0x1_0000, RW)?;
    bench.expect_reach(goes + MIB, 0x1_0000, 28)
}
