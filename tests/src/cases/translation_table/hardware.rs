// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Tables as the hardware reads them: entries from storage, every mask a number.

use s390_iommu::AbsoluteAddress;

use crate::case::{fail, Stop};
use crate::machine::Machine;

/// Where an address leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// The entry of this kind of table is invalid.
    Empty(Level),
    /// To a page, by a page-table entry.
    Page { absolute: u64, read_only: bool },
    /// To a page within 1 MiB that a segment-table entry maps.
    PageOfMib { absolute: u64, read_only: bool },
}

/// A kind of table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    RegionFirst,
    RegionSecond,
    RegionThird,
    Segment,
    Page,
}

/// Follows `iova` from `iota`; anything but an entry as it has to be, to the bit, fails the case.
pub(super) fn look_up<M: Machine>(machine: &M, iota: u64, iova: u64) -> Result<Place, Stop> {
    let mut table = iota & !0x3fff;
    let mut level = match iota & 0x3fff {
        0x804 => Level::RegionThird,
        0x808 => Level::RegionSecond,
        0x80c => Level::RegionFirst,
        _ => fail!("IOTA {iota:#x} for {iova:#x}: expected origin and 0x804, 0x808 or 0x80c"),
    };
    loop {
        let (index, empty, low_bits, below) = match level {
            Level::RegionFirst => (iova >> 53, 0x20, 0x3fff, Level::RegionSecond),
            Level::RegionSecond => (iova >> 42 & 0x7ff, 0x20, 0x3fff, Level::RegionThird),
            Level::RegionThird => (iova >> 31 & 0x7ff, 0x20, 0x3fff, Level::Segment),
            Level::Segment => (iova >> 20 & 0x7ff, 0x20, 0x7ff, Level::Page),
            Level::Page => (iova >> 12 & 0xff, 0x400, 0xfff, Level::Page),
        };
        let entry = read(machine, table, index)?;
        if entry == empty {
            return Ok(Place::Empty(level));
        }
        match (level, entry & low_bits) {
            (Level::RegionFirst, 0xf)
            | (Level::RegionSecond, 0xb)
            | (Level::RegionThird, 0x7)
            | (Level::Segment, 0) => {
                table = entry & !low_bits;
                level = below;
            }
            (Level::Segment, bits @ (0x400 | 0x600)) if entry & 0xf_f800 == 0 => {
                let absolute = entry & !0xf_ffff | iova & 0xf_f000;
                return Ok(Place::PageOfMib { absolute, read_only: bits == 0x600 });
            }
            (Level::Page, bits @ (0 | 0x200)) => {
                return Ok(Place::Page { absolute: entry & !0xfff, read_only: bits == 0x200 });
            }
            _ => fail!("{level:?} entry {index:#x} at {table:#x} for {iova:#x} is {entry:#018x}, which is none"),
        }
    }
}

/// Reads entry `index` of the table at `table`.
pub(super) fn read<M: Machine>(machine: &M, table: u64, index: u64) -> Result<u64, Stop> {
    let address = table.wrapping_add(index.wrapping_mul(8));
    match machine.entry(AbsoluteAddress::new(address)) {
        Some(entry) => Ok(entry),
        None => fail!("no table entry is at {address:#x}"),
    }
}
