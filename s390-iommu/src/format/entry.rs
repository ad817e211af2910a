// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Table entries, bit by bit.
//!
//! Values are in host order here; in storage an entry is big-endian. The two invalid bits differ: 0x20 in region and
//! segment entries, 0x400 in page entries. Nothing is ever 0, which QEMU takes for an error rather than for "empty".
//!
//! Linux: `arch/s390/include/asm/pci_dma.h`; QEMU: `hw/s390x/s390-pci-inst.c`; FC measured under QEMU 10.0.2.

use bitfield_struct::bitfield;
use clp::field::{Part, Rule, Word};

use crate::format::address::AbsoluteAddress;
use crate::format::frame::Protection;
use crate::format::table_type::TableType;

/// What the three kinds of entries have in common.
pub(crate) trait Entry: Copy {
    /// The entry of a fresh table: it translates nothing.
    const EMPTY: Self;

    /// The entry as a number.
    fn bits(self) -> u64;

    /// The entry of a number.
    fn of_bits(bits: u64) -> Self;
}

/// Entry of a region-first, -second or -third table.
#[bitfield(u64)]
#[derive(Eq, PartialEq)]
pub struct RegionEntry {
    /// Table length (TL): 3 is a full table.
    #[bits(2)]
    pub table_length: u8,
    /// Table type (TT) of the table that holds the entry.
    #[bits(2)]
    pub table_type: u8,
    #[bits(1)]
    __: u8,
    /// Invalid (I): translates nothing.
    pub invalid: bool,
    /// Table offset (TF): 0 is a full table.
    #[bits(2)]
    pub table_offset: u8,
    #[bits(1)]
    __: u8,
    /// Protection (P): all below is read only.
    pub protected: bool,
    #[bits(4)]
    __: u8,
    /// Bits 0 to 49 of the origin of the next table.
    #[bits(50)]
    origin_high: u64,
}

impl RegionEntry {
    /// A valid entry of a table of type `table_type`, designating the full table at `origin`, a multiple of 16 KiB.
    pub const fn designating(table_type: TableType, origin: AbsoluteAddress) -> Self {
        Self::new().with_table_length(3).with_table_type(table_type as u8).with_origin_high(origin.get() >> 14)
    }

    /// Origin of the next table; it means something only in a valid entry.
    pub const fn origin(self) -> AbsoluteAddress {
        AbsoluteAddress::new(self.origin_high() << 14)
    }
}

impl Entry for RegionEntry {
    const EMPTY: Self = Self::new().with_invalid(true);

    fn bits(self) -> u64 {
        self.into_bits()
    }

    fn of_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

/// The bits of a [`RegionEntry`]; the rules are those of a valid one.
pub static REGION_ENTRY: Word = Word {
    title: "region entry",
    width: 64,
    parts: &[
        Part::new(
            64,
            (RegionEntry::ORIGIN_HIGH_OFFSET, RegionEntry::ORIGIN_HIGH_BITS),
            "origin",
            "",
            "Bits 0 to 49 of the origin of the next table",
        ),
        Part::new(
            64,
            (RegionEntry::PROTECTED_OFFSET, RegionEntry::PROTECTED_BITS),
            "protected",
            "ZPCI_TABLE_PROTECTED",
            "All below is read only",
        ),
        Part::new(
            64,
            (RegionEntry::TABLE_OFFSET_OFFSET, RegionEntry::TABLE_OFFSET_BITS),
            "table_offset",
            "ZPCI_TABLE_OFFSET_MASK",
            "Table offset (TF): 0 is a full table",
        )
        .must(Rule::Is(0)),
        Part::new(
            64,
            (RegionEntry::INVALID_OFFSET, RegionEntry::INVALID_BITS),
            "invalid",
            "ZPCI_TABLE_INVALID",
            "Translates nothing",
        ),
        Part::new(
            64,
            (RegionEntry::TABLE_TYPE_OFFSET, RegionEntry::TABLE_TYPE_BITS),
            "table_type",
            "ZPCI_TABLE_TYPE_MASK",
            "Table type (TT) of the table that holds the entry",
        )
        .must(Rule::OneOf(&[1, 2, 3])),
        Part::new(
            64,
            (RegionEntry::TABLE_LENGTH_OFFSET, RegionEntry::TABLE_LENGTH_BITS),
            "table_length",
            "",
            "Table length (TL): 3 is a full table",
        )
        .must(Rule::Is(3)),
    ],
};

/// Entry of a segment table: designates a page table, or maps a frame of 1 MiB.
#[bitfield(u64)]
#[derive(Eq, PartialEq)]
pub struct SegmentEntry {
    #[bits(2)]
    __: u8,
    /// Table type (TT): 0.
    #[bits(2)]
    pub table_type: u8,
    #[bits(1)]
    __: u8,
    /// Invalid (I): translates nothing.
    pub invalid: bool,
    #[bits(3)]
    __: u8,
    /// Protection (P): all below is read only.
    pub protected: bool,
    /// Format control (FC): the entry maps a frame of 1 MiB.
    pub frame_mapped: bool,
    /// Bits 0 to 52 of the origin of the page table; of a frame's address bits 0 to 43.
    #[bits(53)]
    origin_high: u64,
}

impl SegmentEntry {
    /// A valid entry designating the page table at `origin`, a multiple of 2 KiB.
    pub const fn designating(origin: AbsoluteAddress) -> Self {
        Self::new().with_origin_high(origin.get() >> 11)
    }

    /// A valid entry mapping the frame at `frame`, a multiple of 1 MiB.
    pub const fn mapping(frame: AbsoluteAddress, protection: Protection) -> Self {
        Self::new()
            .with_origin_high((frame.get() & !TableType::Segment.entry_mask()) >> 11)
            .with_frame_mapped(true)
            .with_protected(protection.is_protected())
    }

    /// Whether the entry is valid and without FC: one test of both bits.
    pub const fn designates_table(self) -> bool {
        const NEITHER: u64 = SegmentEntry::new().with_invalid(true).with_frame_mapped(true).into_bits();
        self.into_bits() & NEITHER == 0
    }

    /// Origin of the page table; it means something only in a valid entry without FC.
    pub const fn origin(self) -> AbsoluteAddress {
        AbsoluteAddress::new(self.origin_high() << 11)
    }

    /// Address of the frame; it means something only in a valid entry with FC.
    pub const fn frame(self) -> AbsoluteAddress {
        AbsoluteAddress::new(self.origin().get() & !TableType::Segment.entry_mask())
    }

    /// What the entry lets a device do.
    pub const fn protection(self) -> Protection {
        Protection::from_protected(self.protected())
    }
}

impl Entry for SegmentEntry {
    const EMPTY: Self = Self::new().with_invalid(true);

    fn bits(self) -> u64 {
        self.into_bits()
    }

    fn of_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

/// The bits of a [`SegmentEntry`]; the rules are those of a valid one.
pub static SEGMENT_ENTRY: Word = Word {
    title: "segment entry",
    width: 64,
    parts: &[
        Part::new(
            64,
            (SegmentEntry::ORIGIN_HIGH_OFFSET, SegmentEntry::ORIGIN_HIGH_BITS),
            "origin",
            "",
            "Bits 0 to 52 of the origin of the page table; with FC bits 0 to 43 of a frame's address",
        ),
        Part::new(
            64,
            (SegmentEntry::FRAME_MAPPED_OFFSET, SegmentEntry::FRAME_MAPPED_BITS),
            "frame_mapped",
            "",
            "Format control (FC): maps a frame of 1 MiB",
        ),
        Part::new(
            64,
            (SegmentEntry::PROTECTED_OFFSET, SegmentEntry::PROTECTED_BITS),
            "protected",
            "ZPCI_TABLE_PROTECTED",
            "All below is read only",
        ),
        Part::new(
            64,
            (SegmentEntry::INVALID_OFFSET, SegmentEntry::INVALID_BITS),
            "invalid",
            "ZPCI_TABLE_INVALID",
            "Translates nothing",
        ),
        Part::new(
            64,
            (SegmentEntry::TABLE_TYPE_OFFSET, SegmentEntry::TABLE_TYPE_BITS),
            "table_type",
            "ZPCI_TABLE_TYPE_MASK",
            "Table type (TT)",
        )
        .must(Rule::Is(0)),
    ],
};

/// Entry of a page table: maps a frame of 4 KiB.
#[bitfield(u64)]
#[derive(Eq, PartialEq)]
pub struct PageEntry {
    #[bits(9)]
    __: u16,
    /// Protection (P): read only.
    pub protected: bool,
    /// Invalid (I): translates nothing.
    pub invalid: bool,
    #[bits(1)]
    __: u8,
    /// Bits 0 to 51 of the frame's address.
    #[bits(52)]
    frame_high: u64,
}

impl PageEntry {
    /// A valid entry mapping the frame at `frame`, a multiple of 4 KiB.
    pub const fn mapping(frame: AbsoluteAddress, protection: Protection) -> Self {
        Self::new().with_frame_high(frame.get() >> 12).with_protected(protection.is_protected())
    }

    /// Address of the frame; it means something only in a valid entry.
    pub const fn frame(self) -> AbsoluteAddress {
        AbsoluteAddress::new(self.frame_high() << 12)
    }

    /// What the entry lets a device do.
    pub const fn protection(self) -> Protection {
        Protection::from_protected(self.protected())
    }
}

impl Entry for PageEntry {
    const EMPTY: Self = Self::new().with_invalid(true);

    fn bits(self) -> u64 {
        self.into_bits()
    }

    fn of_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

/// The bits of a [`PageEntry`].
pub static PAGE_ENTRY: Word = Word {
    title: "page entry",
    width: 64,
    parts: &[
        Part::new(
            64,
            (PageEntry::FRAME_HIGH_OFFSET, PageEntry::FRAME_HIGH_BITS),
            "frame",
            "",
            "Bits 0 to 51 of the frame's address",
        ),
        Part::new(
            64,
            (PageEntry::INVALID_OFFSET, PageEntry::INVALID_BITS),
            "invalid",
            "ZPCI_PTE_INVALID",
            "Translates nothing",
        ),
        Part::new(
            64,
            (PageEntry::PROTECTED_OFFSET, PageEntry::PROTECTED_BITS),
            "protected",
            "ZPCI_TABLE_PROTECTED",
            "Read only",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(address: u64) -> AbsoluteAddress {
        AbsoluteAddress::new(address)
    }

    #[test]
    fn empty_entries_are_not_zero() {
        assert_eq!(RegionEntry::EMPTY.into_bits(), 0x20);
        assert_eq!(SegmentEntry::EMPTY.into_bits(), 0x20);
        assert_eq!(PageEntry::EMPTY.into_bits(), 0x400);
    }

    #[test]
    fn region_entries() {
        let third = RegionEntry::designating(TableType::RegionThird, at(0x2_8000));
        let second = RegionEntry::designating(TableType::RegionSecond, at(0x2_c000));
        let first = RegionEntry::designating(TableType::RegionFirst, at(0x3_0000));
        assert_eq!(third.into_bits(), 0x2_8007);
        assert_eq!(second.into_bits(), 0x2_c00b);
        assert_eq!(first.into_bits(), 0x3_000f);
        assert_eq!(third.origin(), at(0x2_8000));
        let high = RegionEntry::designating(TableType::RegionThird, at(0xffff_ffff_ffff_c000));
        assert_eq!(high.into_bits(), 0xffff_ffff_ffff_c007);
    }

    #[test]
    fn segment_entries() {
        assert_eq!(SegmentEntry::designating(at(0x2_c800)).into_bits(), 0x2_c800);
        assert_eq!(SegmentEntry::from_bits(0x2_c800).origin(), at(0x2_c800));
        let writable = SegmentEntry::mapping(at(0x40_0000), Protection::ReadWrite);
        let read_only = SegmentEntry::mapping(at(0x40_0000), Protection::ReadOnly);
        assert_eq!(writable.into_bits(), 0x40_0400);
        assert_eq!(read_only.into_bits(), 0x40_0600);
        assert_eq!(read_only.frame(), at(0x40_0000));
    }

    #[test]
    fn page_entries() {
        assert_eq!(PageEntry::mapping(at(0x1_e000), Protection::ReadWrite).into_bits(), 0x1_e000);
        assert_eq!(PageEntry::mapping(at(0x1_e000), Protection::ReadOnly).into_bits(), 0x1_e200);
        let stale = PageEntry::from_bits(0x1_e400);
        assert!(stale.invalid());
        assert_eq!(stale.frame(), at(0x1_e000));
    }
}
