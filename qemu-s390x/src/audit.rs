// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Reads translation tables the way the machine does and compares every entry with what it should be.
//!
//! Nothing here uses the entry types of `s390-iommu`: a mistake there must show. Layouts: Linux
//! `arch/s390/include/asm/pci_dma.h`; the bit of a 1 MiB frame: QEMU `hw/s390x/s390-pci-bus.c`.

use core::fmt;

use s390_iommu::{AbsoluteAddress, FrameSize, Iova, Protection};

/// A table that holds the entry for an address: its name, and where its index lies in the address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Level {
    name: &'static str,
    shift: u32,
    index_mask: u64,
}

/// Region tables, from the highest to the lowest, with their type as designation and entries hold it.
const REGIONS: [(u64, Level); 3] =
    [(3, level("region-first", 53)), (2, level("region-second", 42)), (1, level("region-third", 31))];
const SEGMENT: Level = level("segment", 20);
const PAGE: Level = Level { name: "page", shift: 12, index_mask: 0xff };

const fn level(name: &'static str, shift: u32) -> Level {
    Level { name, shift, index_mask: 0x7ff }
}

/// Page entry: invalid.
const PAGE_INVALID: u64 = 0x400;
/// Region and segment entry: invalid.
const INVALID: u64 = 0x20;
/// Segment entry: it leads to a frame of 1 MiB and not to a page table.
const LARGE_FRAME: u64 = 0x400;
/// Page entry, and segment entry of a frame: read only.
const PROTECTED: u64 = 0x200;

/// What the entries for an address should say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expected {
    /// Where the page lies.
    pub absolute: AbsoluteAddress,
    /// What the device may do there.
    pub protection: Protection,
    /// Size of the frame that the page is in.
    pub frame: FrameSize,
}

/// Storage of tables, read eight bytes at a time; nothing where there is no table.
pub trait Entries {
    /// The big-endian word at `address`.
    fn entry(&self, address: AbsoluteAddress) -> Option<u64>;
}

impl<F: Fn(AbsoluteAddress) -> Option<u64>> Entries for F {
    fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        self(address)
    }
}

/// Compares the entries for the page at `iova`, below the table that `iota` designates, with what they should be;
/// `None`: that nothing is mapped there.
///
/// # Errors
///
/// The first entry from the top that is wrong.
pub fn check(entries: &impl Entries, iota: u64, iova: Iova, expected: Option<Expected>) -> Result<(), AuditError> {
    let designation_type = iota >> 2 & 7;
    let origin = iota & !0x3fff;
    if iota != origin | 0x800 | designation_type << 2 || !(1..=3).contains(&designation_type) {
        return Err(AuditError::Anchor { iota });
    }
    let mut origin = origin;
    for (kind, level) in REGIONS {
        if kind > designation_type {
            continue;
        }
        let found = read(entries, origin, level, iova)?;
        if expected.is_none() && found.value & INVALID != 0 {
            return Ok(());
        }
        // Of the origin only the machine's own memory of what it gave can tell; the next level asks it.
        let next = found.value & !0x3fff;
        found.must_be(next | kind << 2 | 3)?;
        origin = next;
    }
    let found = read(entries, origin, SEGMENT, iova)?;
    let protected = |protection| match protection {
        Protection::ReadOnly => PROTECTED,
        Protection::ReadWrite => 0,
    };
    let next = found.value & !0x7ff;
    match expected {
        None if found.value & INVALID != 0 => return Ok(()),
        Some(Expected { absolute, protection, frame: FrameSize::Size1M }) => {
            let frame = absolute.get() & !0xf_ffff;
            return found.must_be(frame | LARGE_FRAME | protected(protection));
        }
        _ => found.must_be(next)?,
    }
    let found = read(entries, next, PAGE, iova)?;
    match expected {
        None if found.value & PAGE_INVALID != 0 => Ok(()),
        None => found.must_be(found.value | PAGE_INVALID),
        Some(Expected { absolute, protection, .. }) => found.must_be(absolute.get() | protected(protection)),
    }
}

/// An entry as it was found.
struct Found {
    level: Level,
    index: u64,
    value: u64,
}

impl Found {
    fn must_be(&self, expected: u64) -> Result<(), AuditError> {
        if self.value == expected {
            return Ok(());
        }
        Err(AuditError::Entry { table: self.level.name, index: self.index, expected, found: self.value })
    }
}

fn read(entries: &impl Entries, origin: u64, level: Level, iova: Iova) -> Result<Found, AuditError> {
    let index = iova.get() >> level.shift & level.index_mask;
    let value = entries
        .entry(AbsoluteAddress::new(origin | (index * 8)))
        .ok_or(AuditError::Origin { table: level.name, origin })?;
    Ok(Found { level, index, value })
}

/// What is wrong with a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuditError {
    /// The anchor designates no region table, or has bits that it must not have.
    Anchor {
        /// The anchor.
        iota: u64,
    },
    /// An origin leads to storage that is no table.
    Origin {
        /// What kind of table should be there.
        table: &'static str,
        /// The origin.
        origin: u64,
    },
    /// An entry is not what it should be.
    Entry {
        /// Kind of the table that holds it.
        table: &'static str,
        /// Which entry of the table.
        index: u64,
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anchor { iota } => write!(f, "translation anchor {iota:#x} designates no region table"),
            Self::Origin { table, origin } => write!(f, "no {table} table at its origin {origin:#x}"),
            Self::Entry { table, index, expected, found } => {
                write!(f, "table entry at {table} index {index:#x}: expected {expected:#x}, found {found:#x}")
            }
        }
    }
}

impl core::error::Error for AuditError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Literal tables: region-third at 0x24000, segment at 0x28000, page at 0x2c800.
    fn tables() -> BTreeMap<u64, u64> {
        BTreeMap::from([
            (0x2_4000 + 2 * 8, 0x2_8007),
            (0x2_4000 + 3 * 8, 0x20),
            (0x2_8000, 0x2_c800),
            (0x2_8000 + 8, 0x0040_0400),
            (0x2_8000 + 16, 0x20),
            (0x2_c800, 0x1_e000),
            (0x2_c800 + 8, 0x1_f200),
            (0x2_c800 + 16, 0x1_e400),
        ])
    }

    fn audit(tables: &BTreeMap<u64, u64>, iova: u64, expected: Option<Expected>) -> Result<(), AuditError> {
        let entries = |address: AbsoluteAddress| tables.get(&address.get()).copied();
        check(&entries, 0x2_4804, Iova::new(iova), expected)
    }

    fn page(absolute: u64, protection: Protection) -> Option<Expected> {
        Some(Expected { absolute: AbsoluteAddress::new(absolute), protection, frame: FrameSize::Size4K })
    }

    #[test]
    fn right_entries() {
        let tables = tables();
        let large = Some(Expected {
            absolute: AbsoluteAddress::new(0x40_3000),
            protection: Protection::ReadWrite,
            frame: FrameSize::Size1M,
        });
        assert_eq!(audit(&tables, 0x1_0000_0000, page(0x1_e000, Protection::ReadWrite)), Ok(()));
        assert_eq!(audit(&tables, 0x1_0000_1000, page(0x1_f000, Protection::ReadOnly)), Ok(()));
        assert_eq!(audit(&tables, 0x1_0000_2000, None), Ok(()));
        assert_eq!(audit(&tables, 0x1_0010_3000, large), Ok(()));
        assert_eq!(audit(&tables, 0x1_0020_0000, None), Ok(()));
        assert_eq!(audit(&tables, 0x1_8000_0000, None), Ok(()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let expected = page(0x1_e000, Protection::ReadWrite);
        for at in [0x2_4010, 0x2_8000, 0x2_c800] {
            for bit in 0..64 {
                let mut tables = tables();
                *tables.get_mut(&at).unwrap() ^= 1 << bit;
                assert!(audit(&tables, 0x1_0000_0000, expected).is_err(), "bit {bit} of {at:#x}");
            }
        }
    }

    #[test]
    fn messages_name_the_entry() {
        let mut tables = tables();
        tables.insert(0x2_4010, 0x2_8027);
        let error = audit(&tables, 0x1_0000_0000, page(0x1_e000, Protection::ReadWrite)).unwrap_err();
        assert_eq!(error.to_string(), "table entry at region-third index 0x2: expected 0x28007, found 0x28027");
        tables.insert(0x2_4010, 0x2_c007);
        let error = audit(&tables, 0x1_0000_0000, page(0x1_e000, Protection::ReadWrite)).unwrap_err();
        assert_eq!(error.to_string(), "no segment table at its origin 0x2c000");
    }

    #[test]
    fn a_mapping_that_should_not_be() {
        let error = audit(&tables(), 0x1_0000_0000, None).unwrap_err();
        assert_eq!(error.to_string(), "table entry at page index 0x0: expected 0x1e400, found 0x1e000");
    }

    #[test]
    fn anchors() {
        let entries = |_: AbsoluteAddress| Some(0x20);
        for (iota, valid) in
            [(0x2_4804, true), (0x2_4808, true), (0x2_480c, true), (0x2_4004, false), (0x2_4800, false)]
        {
            let checked = check(&entries, iota, Iova::new(0), None);
            assert_eq!(checked.is_ok(), valid, "{iota:#x}");
        }
    }
}
