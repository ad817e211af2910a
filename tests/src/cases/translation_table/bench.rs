// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A table under test and what a case does with it again and again.

use s390_iommu::{
    AbsoluteAddress, Change, FrameSize, Iova, IovaRange, Mapping, Protection, Root, Translation, TranslationTable,
    Unmapped,
};

use super::hardware::{look_up, Level, Place};
use super::Setup;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;
use crate::middleware::{Limited, Usage};
use crate::read::read;

/// A segment that every root can translate: 4 GiB and 1 GiB on.
pub(super) const SEGMENT: u64 = 0x1_4000_0000;
/// Storage that is aligned to a page and to nothing larger.
pub(super) const STORAGE: u64 = 0x7_6543_1000;
/// Storage that is aligned to 1 MiB.
pub(super) const MIB_STORAGE: u64 = 0x7_6540_0000;
/// Size of a page.
pub(super) const PAGE: u64 = 0x1000;
/// Size of a segment.
pub(super) const MIB: u64 = 0x10_0000;

/// A table on a machine.
pub(super) struct Bench<'m, M: Machine> {
    pub(super) machine: &'m M,
    pub(super) table: TranslationTable<Limited<'m, M::Storage>>,
}

/// The range of `bytes` bytes from `start`.
pub(super) fn range(start: u64, bytes: u64) -> Result<IovaRange, Stop> {
    match IovaRange::with_size(Iova::new(start), bytes) {
        Ok(range) => Ok(range),
        Err(error) => fail!("range of {bytes:#x} bytes from {start:#x}: {error}"),
    }
}

/// The last address that a table of the setup translates.
pub(super) const fn last<S: Setup>() -> u64 {
    match S::ROOT {
        Root::RegionThird => 0x0000_03ff_ffff_ffff,
        Root::RegionSecond => 0x001f_ffff_ffff_ffff,
        Root::RegionFirst => 0xffff_ffff_ffff_ffff,
    }
}

/// Whether tables of the setup have frames of 1 MiB.
pub(super) const fn has_large_frames<S: Setup>() -> bool {
    S::FRAMES.contains(FrameSize::Size1M)
}

impl<'m, M: Machine> Bench<'m, M> {
    /// An empty table; its storage is counted in `usage`.
    pub(super) fn new<S: Setup>(machine: &'m M, usage: &'m Usage) -> Result<Self, Stop> {
        match TranslationTable::new(S::ROOT, S::FRAMES, Limited::new(machine.storage(), usage)) {
            Some(table) => Ok(Self { machine, table }),
            None => fail!("no storage for an empty table"),
        }
    }

    pub(super) fn iota(&self) -> u64 {
        self.table.iota().into_bits()
    }

    /// Maps, and sees that the change is exactly what was mapped.
    pub(super) fn map(&self, start: u64, bytes: u64, origin: u64, protection: Protection) -> Result<(), Stop> {
        let range = range(start, bytes)?;
        match self.table.map(range, AbsoluteAddress::new(origin), protection) {
            Ok(change) => self.unseen(change, Some((start, start.wrapping_add(bytes.wrapping_sub(1))))),
            Err(error) => fail!("map of {range} to {origin:#x}: {error}"),
        }
    }

    /// Unmaps, and sees that `pages` pages went and that the change goes from `changed.0` to `changed.1`.
    pub(super) fn unmap(&self, start: u64, bytes: u64, pages: u64, changed: Option<(u64, u64)>) -> Result<(), Stop> {
        let range = range(start, bytes)?;
        match self.table.unmap(range) {
            Ok(Unmapped { pages: unmapped, change }) => {
                self.unseen(change, changed)?;
                ensure!(unmapped, pages, "pages unmapped in {range}");
                Ok(())
            }
            Err(error) => fail!("unmap of {range}: {error}"),
        }
    }

    /// Gives up a change, which must go from `expected.0` to `expected.1`, both inclusive.
    pub(super) fn unseen(&self, change: Change, expected: Option<(u64, u64)>) -> Result<(), Stop> {
        let found = change.range().map(|range| (range.start().get(), range.last().get()));
        change.unseen();
        ensure!(found, expected, "range of the change");
        Ok(())
    }

    /// Sees that each page from `start` is mapped by a page-table entry to storage from `origin`.
    pub(super) fn expect_pages(&self, start: u64, bytes: u64, origin: u64, protection: Protection) -> Result<(), Stop> {
        self.expect(start, bytes, |offset| Place::Page {
            absolute: origin.wrapping_add(offset),
            read_only: protection == Protection::ReadOnly,
        })?;
        self.expect_translation(start, bytes, origin, protection, FrameSize::Size4K)
    }

    /// Sees that the MiB from `start` is mapped by a segment-table entry to storage at `origin`.
    pub(super) fn expect_mib(&self, start: u64, origin: u64, protection: Protection) -> Result<(), Stop> {
        self.expect(start, MIB, |offset| Place::PageOfMib {
            absolute: origin.wrapping_add(offset),
            read_only: protection == Protection::ReadOnly,
        })?;
        self.expect_translation(start, MIB, origin, protection, FrameSize::Size1M)
    }

    /// Sees that no page from `start` is mapped and that an entry of kind `level` says so.
    pub(super) fn expect_empty(&self, start: u64, bytes: u64, level: Level) -> Result<(), Stop> {
        self.expect(start, bytes, |_| Place::Empty(level))?;
        for page in 0..bytes / PAGE {
            let iova = Iova::new(start.wrapping_add(page.wrapping_mul(PAGE)));
            ensure!(read(&self.table, |table| table.translate(iova)), None, "translation of {iova}");
        }
        Ok(())
    }

    /// Compares what the entries in storage say with `place`, which is given the offset from `start`.
    fn expect(&self, start: u64, bytes: u64, place: impl Fn(u64) -> Place) -> Result<(), Stop> {
        for page in 0..bytes / PAGE {
            let offset = page.wrapping_mul(PAGE);
            let iova = start.wrapping_add(offset);
            let found = look_up(self.machine, self.iota(), iova)?;
            ensure!(found, place(offset), "table entries for {iova:#x}");
        }
        Ok(())
    }

    /// Sees that the first and the last byte of the range and one within translate to the byte.
    fn expect_translation(
        &self,
        start: u64,
        bytes: u64,
        origin: u64,
        protection: Protection,
        frame: FrameSize,
    ) -> Result<(), Stop> {
        for offset in [0, (bytes / 2) | 0x123, bytes.wrapping_sub(1)] {
            let iova = Iova::new(start.wrapping_add(offset));
            let absolute = AbsoluteAddress::new(origin.wrapping_add(offset));
            let expected = Translation { absolute, protection, frame };
            ensure!(read(&self.table, |table| table.translate(iova)), Some(expected), "translation of {iova}");
        }
        Ok(())
    }

    /// Sees that a walk of `range` yields `expected` and no more.
    pub(super) fn expect_walk(&self, range: IovaRange, expected: &[Mapping]) -> Result<(), Stop> {
        read(&self.table, |table| {
            let mut walk = table.walk(range);
            for expected in expected {
                ensure!(walk.next(), Some(*expected), "walk of {range}");
            }
            ensure!(walk.next(), None, "end of the walk of {range}");
            Ok(())
        })
    }
}

/// What a walk yields for `bytes` bytes from `start`.
pub(super) fn mapping(
    start: u64,
    bytes: u64,
    origin: u64,
    protection: Protection,
    frame: FrameSize,
) -> Result<Mapping, Stop> {
    Ok(Mapping { range: range(start, bytes)?, origin: AbsoluteAddress::new(origin), protection, frame })
}
