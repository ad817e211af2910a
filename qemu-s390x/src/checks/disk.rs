// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A disk's DMA, in every shape that the tables have.

use core::fmt::{self, Write};

use s390_iommu::{Change, Iova, IovaRange, Protection, PAGE_SIZE};
use zpci_tests::Stop;

use super::places::Places;
use super::recovery::{recover, recover_after_failure, Way};
use super::refusal::must_be_refused;
use crate::address_space::{AddressSpace, Mapped};
use crate::device::DeviceError;
use crate::disk::Disk;
use crate::dma::{Order, PIECE};
use crate::facts::{DeviceFact, TargetFact, Written, WrittenFact};
use crate::pattern::Pattern;
use crate::platform::Platform;
use crate::report::Report;
use crate::selection::Refusal;
use crate::stop::{attempt, fail, must_survive, skip};

const PAGE: usize = PAGE_SIZE as usize;

/// More than one page table covers.
const LARGE: usize = 0x14_0000;
/// What one page table covers, and one entry of a segment table.
const MIB: usize = 0x10_0000;

/// Offsets on the disk. What is read lies apart from what is written, so that a disk can be used again.
const READ: u64 = 0;
const WRITE_LARGE: u64 = 0x20_0000;
const WRITE_FRAME: u64 = 0x40_0000;
const WRITE_FIRST_PAGE: u64 = 0x60_0000;
const WRITE_LAST_PAGE: u64 = 0x60_1000;
const WRITE_READ_ONLY: u64 = 0x60_2000;
/// What a disk must have to be written.
const SMALLEST: u64 = 0x60_3000;

/// How many results a disk gives.
pub(super) const PLAN: usize = 13;

/// A disk that is up.
pub(super) struct DiskCheck<'s, 'e, 'p, P: Platform, D> {
    space: &'s AddressSpace<'e, 'p, P>,
    /// What the driver shares with the device.
    memory: &'s Mapped<'s, 'e, 'p, P>,
    places: Places,
    disk: D,
    /// Which words the disk holds where nobody wrote; nothing for a disk with data of its own.
    pattern: Option<Pattern>,
    /// Its first bytes, as they were read at first.
    first: [u8; PIECE],
    /// What the case at hand has written.
    written: Option<Written>,
}

type Case<'s, 'e, 'p, P, D> = (&'static str, fn(&mut DiskCheck<'s, 'e, 'p, P, D>) -> Result<(), Stop>);

impl<'s, 'e, 'p, P: Platform, D: Disk> DiskCheck<'s, 'e, 'p, P, D> {
    const CASES: [Case<'s, 'e, 'p, P, D>; PLAN] = [
        ("read-into-first-page", Self::read_into_first_page),
        ("read-into-last-page", Self::read_into_last_page),
        ("read-across-tables", Self::read_across_tables),
        ("read-into-1m-frame", Self::read_into_large_frame),
        ("write-from-first-page", Self::write_from_first_page),
        ("write-from-last-page", Self::write_from_last_page),
        ("write-across-tables", Self::write_across_tables),
        ("write-from-1m-frame", Self::write_from_large_frame),
        ("write-from-read-only-page", Self::write_from_read_only_page),
        (Refusal::ReadOnly.name(), Self::read_only_page),
        (Refusal::Unmapped.name(), Self::unmapped_page),
        (Refusal::Unrefreshed.name(), Self::page_without_refresh),
        ("read-after-recovery", Self::read_across_tables),
    ];

    /// Reports one case after the other.
    pub(super) fn run<W: Write>(
        space: &'s AddressSpace<'e, 'p, P>,
        memory: &'s Mapped<'s, 'e, 'p, P>,
        disk: D,
        kind: &str,
        report: &mut Report<W>,
    ) -> fmt::Result {
        let places = Places::of(space.aperture());
        let mut check = Self { space, memory, places, disk, pattern: None, first: [0; PIECE], written: None };
        let id = space.function().function().id;
        report.diagnostic(DeviceFact { id, kind, identity: Some(check.disk.identity()) })?;
        for (name, case) in Self::CASES {
            let result = attempt(space.function().platform(), || case(&mut check));
            if let Some(written) = check.written.take() {
                let serial = &check.disk.identity().serial;
                report.diagnostic(WrittenFact { id, serial, written })?;
            }
            if result.is_err() {
                recover_after_failure(space, memory, || check.disk.restart());
            }
            report.case(name, result)?;
        }
        Ok(())
    }

    /// Reports that the disk works, and that it is refused one access, for which the program may not go on.
    pub(super) fn refuse<W: Write>(
        space: &'s AddressSpace<'e, 'p, P>,
        memory: &'s Mapped<'s, 'e, 'p, P>,
        disk: D,
        refusal: Refusal,
        report: &mut Report<W>,
    ) -> fmt::Result {
        let places = Places::of(space.aperture());
        let mut check = Self { space, memory, places, disk, pattern: None, first: [0; PIECE], written: None };
        report.case("read-into-first-page", attempt(space.function().platform(), || check.read_into_first_page()))?;
        let (target, change) = match check.target(refusal) {
            Ok(target) => target,
            Err(stop) => return report.case(refusal.name(), Err(stop)),
        };
        let id = space.function().function().id;
        report.diagnostic(TargetFact { id, range: target.range(), absolute: target.absolute(0) })?;
        let result = attempt(space.function().platform(), || {
            check.read_is_refused(&target, refusal)?;
            check.recover(Way::ResetError)
        });
        report.case(refusal.name(), result.and(space.refresh(change)))
    }

    fn read_into_first_page(&mut self) -> Result<(), Stop> {
        self.must_have(PAGE_SIZE)?;
        let page = self.pages(self.places.first_page, PAGE, Protection::ReadWrite)?;
        self.read(READ, &page)?;
        page.read(0, &mut self.first).map_err(fail)?;
        if Pattern::INITIAL.compare(READ, &self.first).is_ok() {
            self.pattern = Some(Pattern::INITIAL);
        }
        page.release()
    }

    fn read_into_last_page(&mut self) -> Result<(), Stop> {
        self.must_have(PAGE_SIZE)?;
        let page = self.pages(self.places.last_page, PAGE, Protection::ReadWrite)?;
        self.read(READ, &page)?;
        self.must_hold(READ, &page)?;
        page.release()
    }

    fn read_across_tables(&mut self) -> Result<(), Stop> {
        self.must_have(LARGE as u64)?;
        let pages = self.pages(self.places.across_tables, LARGE, Protection::ReadWrite)?;
        self.read(READ, &pages)?;
        self.must_hold(READ, &pages)?;
        pages.release()
    }

    fn read_into_large_frame(&mut self) -> Result<(), Stop> {
        self.must_have(MIB as u64)?;
        let frame = self.large_frame()?;
        self.read(READ, &frame)?;
        self.must_hold(READ, &frame)?;
        frame.release()
    }

    fn write_from_first_page(&mut self) -> Result<(), Stop> {
        let page = self.pages(self.places.first_page, PAGE, Protection::ReadWrite)?;
        self.write_and_read_back(WRITE_FIRST_PAGE, page)
    }

    fn write_from_last_page(&mut self) -> Result<(), Stop> {
        let page = self.pages(self.places.last_page, PAGE, Protection::ReadWrite)?;
        self.write_and_read_back(WRITE_LAST_PAGE, page)
    }

    fn write_across_tables(&mut self) -> Result<(), Stop> {
        let pages = self.pages(self.places.across_tables, LARGE, Protection::ReadWrite)?;
        self.write_and_read_back(WRITE_LARGE, pages)
    }

    fn write_from_large_frame(&mut self) -> Result<(), Stop> {
        let frame = self.large_frame()?;
        self.write_and_read_back(WRITE_FRAME, frame)
    }

    /// A device may read what it must not write.
    fn write_from_read_only_page(&mut self) -> Result<(), Stop> {
        let page = self.pages(self.places.pages, PAGE, Protection::ReadOnly)?;
        self.write_and_read_back(WRITE_READ_ONLY, page)
    }

    fn read_only_page(&mut self) -> Result<(), Stop> {
        must_survive(self.space.function().platform())?;
        let (page, _) = self.target(Refusal::ReadOnly)?;
        self.read_is_refused(&page, Refusal::ReadOnly)?;
        self.recover(Way::ResetError)?;
        page.release()?;
        self.read_into_last_page()
    }

    fn unmapped_page(&mut self) -> Result<(), Stop> {
        must_survive(self.space.function().platform())?;
        let (page, _) = self.target(Refusal::Unmapped)?;
        self.read_is_refused(&page, Refusal::Unmapped)?;
        self.recover(Way::DisableAndEnable)?;
        self.read_into_last_page()
    }

    fn page_without_refresh(&mut self) -> Result<(), Stop> {
        must_survive(self.space.function().platform())?;
        let (page, change) = self.target(Refusal::Unrefreshed)?;
        let refused = self.read_is_refused(&page, Refusal::Unrefreshed).and_then(|()| self.recover(Way::ResetError));
        // The same entry, once the machine was told of it.
        self.space.refresh(change).and(refused)?;
        self.read(READ, &page)?;
        self.must_hold(READ, &page)?;
        page.release()
    }

    /// What the device is going to be refused, filled with 0xa5; and a change of which the machine was not told.
    fn target(&mut self, refusal: Refusal) -> Result<(Mapped<'s, 'e, 'p, P>, Change), Stop> {
        self.must_have(PAGE_SIZE)?;
        match refusal {
            Refusal::ReadOnly => {
                // Where there is a page table, a driver may map one page in another way, and so may that of a host.
                let beside = self.pages(self.places.beside_pages(), PAGE, Protection::ReadWrite)?;
                let page = self.pages(self.places.pages, PAGE, Protection::ReadOnly)?;
                beside.release()?;
                Ok((page, Change::NONE))
            }
            Refusal::Unmapped => {
                let page = self.pages(self.places.pages, PAGE, Protection::ReadWrite)?;
                Ok((self.unmapped(page)?, Change::NONE))
            }
            Refusal::UnmappedFrame => {
                self.must_have(MIB as u64)?;
                Ok((self.unmapped(self.large_frame()?)?, Change::NONE))
            }
            Refusal::Unrefreshed => {
                if !self.space.function().group().refresh {
                    return Err(skip("the group needs no refresh when an entry becomes valid"));
                }
                self.space.unrefreshed_buffer(self.places.pages, PAGE, Order::Ascending, Protection::ReadWrite)
            }
        }
    }

    /// Lets the device write to `target` once, and takes it away.
    fn unmapped(&mut self, mut target: Mapped<'s, 'e, 'p, P>) -> Result<Mapped<'s, 'e, 'p, P>, Stop> {
        self.read(READ, &target)?;
        target.fill(0xa5).map_err(fail)?;
        target.unmap()?;
        Ok(target)
    }

    /// Has the device read into `target`, which must be refused.
    fn read_is_refused(&mut self, target: &Mapped<'s, 'e, 'p, P>, refusal: Refusal) -> Result<(), Stop> {
        // What is pending is of something else.
        let _ = self.space.function().error_event();
        let most = self.disk.identity().largest_transfer.max(PAGE_SIZE).min(target.bytes() as u64);
        let range = IovaRange::with_size(target.iova(0), most).map_err(fail)?;
        let result = self.disk.read(READ, range);
        must_be_refused(self.space, target, refusal.target(), result)
    }

    fn recover(&mut self, way: Way) -> Result<(), Stop> {
        recover(self.space, self.memory, way, || self.disk.restart())
    }

    /// Writes out of `source`, and compares what is on the disk then by way of other pages.
    fn write_and_read_back(&mut self, offset: u64, source: Mapped<'s, 'e, 'p, P>) -> Result<(), Stop> {
        self.must_have(SMALLEST)?;
        if self.disk.identity().read_only {
            return Err(skip("the disk refuses writes"));
        }
        if self.pattern.is_none() {
            return Err(skip("the disk does not start with the pattern of a disk that may be written"));
        }
        let mut piece = [0; PIECE];
        for at in (0..source.bytes()).step_by(PIECE) {
            Pattern::WRITTEN.fill(offset + at as u64, &mut piece);
            source.write(at, &piece).map_err(fail)?;
        }
        self.transfer("a disk write", offset, &source, D::write)?;
        self.written = Some(Written { offset, length: source.bytes() as u64 });
        let bytes = source.bytes();
        source.release()?;

        let target = self.pages(self.places.across_tables, bytes, Protection::ReadWrite)?;
        self.read(offset, &target)?;
        compare(Pattern::WRITTEN, offset, &target)?;
        target.release()
    }

    fn read(&mut self, offset: u64, target: &Mapped<'s, 'e, 'p, P>) -> Result<(), Stop> {
        self.transfer("a disk read", offset, target, D::read)
    }

    /// Moves all of `data` by as many commands as it takes.
    fn transfer(
        &mut self,
        what: &str,
        offset: u64,
        data: &Mapped<'s, 'e, 'p, P>,
        command: fn(&mut D, u64, IovaRange) -> Result<(), DeviceError>,
    ) -> Result<(), Stop> {
        let most = self.disk.identity().largest_transfer.max(PAGE_SIZE) as usize;
        for at in (0..data.bytes()).step_by(most) {
            let length = most.min(data.bytes() - at);
            let range = IovaRange::with_size(data.iova(at), length as u64).map_err(fail)?;
            command(&mut self.disk, offset + at as u64, range)
                .map_err(|error| self.space.explain(what, range, error))?;
        }
        Ok(())
    }

    /// Frames in descending order, so that each page leads somewhere else than its neighbours suggest.
    fn pages(&self, start: Iova, bytes: usize, protection: Protection) -> Result<Mapped<'s, 'e, 'p, P>, Stop> {
        self.space.buffer(start, bytes, Order::Descending, protection)
    }

    fn large_frame(&self) -> Result<Mapped<'s, 'e, 'p, P>, Stop> {
        self.space.buffer(self.places.large_frame, MIB, Order::Ascending, Protection::ReadWrite)
    }

    fn must_have(&self, bytes: u64) -> Result<(), Stop> {
        if let Some(reason) = self.disk.identity().unusable {
            return Err(skip(reason));
        }
        let capacity = self.disk.identity().capacity;
        if capacity < bytes {
            return Err(skip(format_args!("the disk has {capacity:#x} bytes, less than {bytes:#x}")));
        }
        Ok(())
    }

    /// Compares with the pattern, or, for a disk without, the first bytes with what they were at first.
    fn must_hold(&self, offset: u64, data: &Mapped<'s, 'e, 'p, P>) -> Result<(), Stop> {
        if let Some(pattern) = self.pattern {
            return compare(pattern, offset, data);
        }
        let mut first = [0; PIECE];
        data.read(0, &mut first).map_err(fail)?;
        if first != self.first {
            return Err(fail("the disk does not start with what it started with when it was read first"));
        }
        Ok(())
    }
}

fn compare<P: Platform>(pattern: Pattern, offset: u64, data: &Mapped<'_, '_, '_, P>) -> Result<(), Stop> {
    let mut piece = [0; PIECE];
    for at in (0..data.bytes()).step_by(PIECE) {
        data.read(at, &mut piece).map_err(fail)?;
        pattern
            .compare(offset + at as u64, &piece)
            .map_err(|difference| fail(format_args!("data at IOVA {}: {difference}", data.iova(at))))?;
    }
    Ok(())
}
