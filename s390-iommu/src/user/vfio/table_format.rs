// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capability of VFIO_IOMMU_GET_INFO that describes the translation tables.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::DesignationTypes;
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::array::Entry;
use super::byte_order::swap_bytes;
use super::identifier;
use crate::format::frame::{FrameSize, FrameSizes};
use crate::user::table_format::TableFormat;

/// The translation tables of one or several domains of the container, version 1; there is one entry for each format.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct TableFormatEntry {
    /// Sizes of frames: bit n, counted from the least significant, for frames of 2^n bytes. IOMMU.
    pub frame_sizes: u64,
    /// What the tables are: [`Self::S390`]. IOMMU.
    pub format: u32,
    /// [`Self::RELAXED_TRANSLATION`]. IOMMU.
    pub flags: u32,
    /// Kinds of roots: bit n, counted from the least significant, for designation type n. IOMMU.
    pub designation_types: u32,
    /// Zero.
    pub reserved: u32,
}

const_assert_eq!(size_of::<TableFormatEntry>(), 24);
const_assert_eq!(core::mem::offset_of!(TableFormatEntry, designation_types), 16);

/// The bits of the flags of [`TableFormatEntry`].
pub static TABLE_FORMAT_FLAGS: Word = Word {
    title: "flags",
    width: 32,
    parts: &[Part::new(32, (0, 1), "relaxed_translation", "", "relaxed translation")],
};

layout! {
    /// The fields of [`TableFormatEntry`].
    pub static TABLE_FORMAT_ENTRY: TableFormatEntry = "table format", "", Order::Native;
    frame_sizes: Kind::Number, "", "Sizes of frames, bit n from the least significant for 2^n bytes";
    format: Kind::Number, "", "1: tables of s390";
    flags: Kind::Bits, "", "Flags", word &TABLE_FORMAT_FLAGS;
    designation_types: Kind::Number, "", "Kinds of roots, bit n from the least significant for type n";
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(TableFormatEntry, TABLE_FORMAT_ENTRY);

swap_bytes!(TableFormatEntry: frame_sizes, format, flags, designation_types, reserved);

impl Entry for TableFormatEntry {
    const IDENTIFIER: u16 = identifier::TABLE_FORMATS;
}

impl TableFormatEntry {
    /// Region, segment and page tables of s390.
    pub const S390: u32 = 1;
    /// A function may be registered without a table.
    pub const RELAXED_TRANSLATION: u32 = 1 << 0;

    /// Encodes `format`.
    pub const fn new(format: &TableFormat) -> Self {
        Self {
            frame_sizes: format.frame_sizes.bitmap(),
            format: Self::S390,
            flags: if format.relaxed_translation { Self::RELAXED_TRANSLATION } else { 0 },
            // The machine counts from the most significant bit.
            designation_types: format.designation_types.0.reverse_bits() as u32,
            reserved: 0,
        }
    }

    /// Decodes the format, `None` if the tables are of another architecture.
    ///
    /// Designation types from 8 on and sizes of frames that no table of this crate has are left out.
    pub const fn format(&self) -> Option<TableFormat> {
        if self.format != Self::S390 {
            return None;
        }
        let large = self.frame_sizes & FrameSize::Size1M.bytes() != 0;
        Some(TableFormat {
            designation_types: DesignationTypes((self.designation_types as u8).reverse_bits()),
            frame_sizes: if large { FrameSizes::WITH_LARGE } else { FrameSizes::SMALL },
            relaxed_translation: self.flags & Self::RELAXED_TRANSLATION != 0,
        })
    }
}
