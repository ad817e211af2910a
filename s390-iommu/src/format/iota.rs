// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The I/O translation anchor.

use core::fmt;

use bitfield_struct::bitfield;
use clp::field::{Part, Rule, Word};

use crate::format::address::AbsoluteAddress;
use crate::format::table_type::Root;

/// I/O translation anchor (IOTA): what MPCIFC registers as the start of a function's translation.
///
/// Linux: `arch/s390/include/asm/pci_dma.h`. QEMU takes every low bit beyond T and DT for a part of the origin
/// (measured), so none of them is ever set here.
#[doc(alias("ZPCI_IOTA", "iota"))]
#[bitfield(u64, debug = false)]
#[derive(Eq, PartialEq)]
pub struct Iota {
    /// Frame size (FS), for designation types that name a frame: 0.
    #[bits(2)]
    frame_size: u8,
    /// Designation type (DT).
    #[bits(3)]
    pub designation_type: u8,
    #[bits(6)]
    __: u8,
    /// Translation (T): addresses are translated.
    pub translation: bool,
    /// Bits 0 to 51 of the table origin.
    #[bits(52)]
    origin_high: u64,
}

/// The bits of an [`Iota`]; the rules are those of one with translation.
pub static IOTA: Word = Word {
    title: "IOTA",
    width: 64,
    parts: &[
        Part::new(
            64,
            (Iota::ORIGIN_HIGH_OFFSET, Iota::ORIGIN_HIGH_BITS),
            "origin",
            "",
            "Bits 0 to 51 of the table origin",
        ),
        Part::new(
            64,
            (Iota::TRANSLATION_OFFSET, Iota::TRANSLATION_BITS),
            "translation",
            "ZPCI_IOTA_IOT_ENABLED",
            "Translation (T)",
        ),
        Part::new(
            64,
            (Iota::DESIGNATION_TYPE_OFFSET, Iota::DESIGNATION_TYPE_BITS),
            "designation_type",
            "",
            "Designation type (DT): the kind of the root",
        )
        .must(Rule::OneOf(&[1, 2, 3])),
        Part::new(64, (Iota::FRAME_SIZE_OFFSET, Iota::FRAME_SIZE_BITS), "frame_size", "", "Frame size (FS)")
            .must(Rule::Is(0)),
    ],
};

impl Iota {
    /// No translation: a device's address less the start of its window is an absolute address.
    ///
    /// Only for functions whose group has relaxed translation.
    pub const IDENTITY: Self = Self::new();

    /// Translation through the table at `origin`, a multiple of 16 KiB.
    ///
    /// The anchor is a number and does nothing by itself: registering it is `unsafe`.
    pub const fn designating(root: Root, origin: AbsoluteAddress) -> Self {
        Self::new()
            .with_designation_type(root.designation_type())
            .with_translation(true)
            .with_origin_high(origin.get() >> 12)
    }

    /// Origin of the table; it means something only with translation on.
    pub const fn origin(self) -> AbsoluteAddress {
        AbsoluteAddress::new(self.origin_high() << 12)
    }
}

impl fmt::Debug for Iota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iota({:#x})", self.into_bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn designations() {
        let origin = AbsoluteAddress::new(0x2_4000);
        assert_eq!(Iota::designating(Root::RegionThird, origin).into_bits(), 0x2_4804);
        assert_eq!(Iota::designating(Root::RegionSecond, origin).into_bits(), 0x2_4808);
        assert_eq!(Iota::designating(Root::RegionFirst, origin).into_bits(), 0x2_480c);
        assert_eq!(Iota::IDENTITY.into_bits(), 0);
        assert_eq!(Iota::from_bits(0x2_4804).origin(), origin);
    }
}
