// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Addresses of the BARs for mapped I/O (MIO), byte for byte.
//!
//! Linux: `struct mio_info`, `arch/s390/include/asm/pci_clp.h`. QEMU has no MIO.

use crate::field::{Kind, Order, Part, Rule, Word};
use crate::{debug_by_layout, layout};
use bitfield_struct::bitfield;
use core::mem::offset_of;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Which BARs have MIO addresses: one bit each, BAR 0 the most significant.
#[bitfield(u8, order = Msb)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct ValidBars {
    /// BAR 0 to 5, BAR 0 the most significant of the six bits (0x20).
    #[bits(6)]
    pub bars: u8,
    /// Reserved.
    #[bits(2, access = RO)]
    pub reserved: u8,
}

impl ValidBars {
    /// Whether BAR `index` has addresses; never for an index above 5.
    pub const fn contains(self, index: usize) -> bool {
        match index {
            0..=5 => self.bars() & (0x20 >> index) != 0,
            _ => false,
        }
    }
}

/// The bits of [`ValidBars`].
pub static VALID_BARS: Word = Word {
    title: "which BARs have MIO addresses",
    width: 8,
    parts: &[Part::new(
        8,
        (ValidBars::BARS_OFFSET, ValidBars::BARS_BITS),
        "bars",
        "valid",
        "BAR 0 to 5, from the left",
    )],
};

/// MIO addresses of one BAR.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct MioAddress {
    /// Address for write-back access.
    pub write_back: U64,
    /// Address for write-through access.
    pub write_through: U64,
}

layout! {
    /// The fields of [`MioAddress`].
    pub static MIO_ADDRESS: MioAddress = "MIO addresses of a BAR", "", Order::Big;
    write_back: Kind::Address, "wb", "For write-back access";
    write_through: Kind::Address, "wt", "For write-through access";
}

debug_by_layout!(MioAddress, MIO_ADDRESS);

/// MIO addresses of a function.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct MioInfo {
    /// Which elements of `addresses` are valid.
    pub valid: ValidBars,
    /// Reserved.
    pub reserved_1: [u8; 7],
    /// Addresses of BAR 0 to 5.
    pub addresses: [MioAddress; 6],
    /// Reserved.
    pub reserved_104: [u8; 24],
}

const_assert_eq!(size_of::<MioInfo>(), 128);
const_assert_eq!(offset_of!(MioInfo, addresses), 8);
const_assert_eq!(offset_of!(MioInfo, reserved_104), 104);

layout! {
    /// The fields of [`MioInfo`].
    pub static MIO_INFO: MioInfo = "MIO addresses", "struct mio_info", Order::Big;
    valid: Kind::Bits, "valid", "Which BARs have addresses", word &VALID_BARS;
    reserved_1: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    addresses[]: Kind::Structure(&MIO_ADDRESS), "addr", "Addresses of BAR 0 to 5";
    reserved_104: Kind::Reserved, "", "Reserved", rule Rule::Zero;
}

debug_by_layout!(MioInfo, MIO_INFO);

impl MioInfo {
    /// No address valid.
    pub const NONE: Self = Self {
        valid: ValidBars::new(),
        reserved_1: [0; 7],
        addresses: [MioAddress { write_back: U64::ZERO, write_through: U64::ZERO }; 6],
        reserved_104: [0; 24],
    };
}
