// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capability of VFIO_IOMMU_GET_INFO that describes the zPCI functions of the container.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use clp::{Bar, Function, FunctionGroupId, FunctionId, FunctionType, Uid, UtilityString};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::array::Entry;
use super::byte_order::swap_bytes;
use super::identifier;
use crate::user::domain::DomainFunction;

/// A zPCI function of the container, version 1.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct FunctionEntry {
    /// Function identifier (FID). Virtualised by the VMM.
    pub fid: u32,
    /// User-defined identifier (UID). Virtualised by the VMM.
    pub uid: u32,
    /// First DMA address that is registered for it. IOMMU.
    pub start_dma: u64,
    /// Last DMA address that is registered for it, inclusive. IOMMU.
    pub end_dma: u64,
    /// [`Self::PHYSICAL`], [`Self::UTILITY_STRING`]. Function.
    pub flags: u32,
    /// Physical channel identifier (PCHID). Function.
    pub pchid: u16,
    /// Virtual function number. Function.
    pub vfn: u16,
    /// Length of the function measurement block in bytes, 0 if there is none. Function.
    pub fmb_length: u16,
    /// Function type (PFT). Function.
    pub pft: u8,
    /// Function group (PFGID). Virtualised by the VMM where the groups of two hosts meet.
    pub gid: u8,
    /// Function internal path, segments 0 to 3. Function.
    pub pfip: [u8; 4],
    /// Physical port, 0 to 15. Function.
    pub port: u8,
    /// Function identifier parameter. Function.
    pub fidparm: u8,
    /// Index of the format of its tables in the array of [`TableFormatEntry`](super::TableFormatEntry). IOMMU.
    pub format: u16,
    /// Zero.
    pub reserved: u32,
    /// Utility string in EBCDIC; zero without [`Self::UTILITY_STRING`]. Function.
    pub util_str: [u8; 64],
}

const_assert_eq!(size_of::<FunctionEntry>(), 112);
const_assert_eq!(core::mem::offset_of!(FunctionEntry, start_dma), 8);
const_assert_eq!(core::mem::offset_of!(FunctionEntry, flags), 24);
const_assert_eq!(core::mem::offset_of!(FunctionEntry, format), 42);
const_assert_eq!(core::mem::offset_of!(FunctionEntry, util_str), 48);

/// The bits of the flags of [`FunctionEntry`].
pub static FUNCTION_FLAGS: Word = Word {
    title: "flags",
    width: 32,
    parts: &[
        Part::new(32, (1, 1), "utility_string", "", "utility string"),
        Part::new(32, (0, 1), "physical", "", "physical function"),
    ],
};

layout! {
    /// The fields of [`FunctionEntry`].
    pub static FUNCTION_ENTRY: FunctionEntry = "function", "", Order::Native;
    fid: Kind::Number, "", "Function identifier";
    uid: Kind::Number, "", "User-defined identifier";
    start_dma: Kind::Address, "", "First DMA address that is registered";
    end_dma: Kind::Address, "", "Last DMA address that is registered, inclusive", rule Rule::NotBelow("start_dma");
    flags: Kind::Bits, "", "Flags", word &FUNCTION_FLAGS;
    pchid: Kind::Number, "", "Physical channel identifier";
    vfn: Kind::Count, "", "Virtual function number";
    fmb_length: Kind::Size, "", "Length of the measurement block";
    pft: Kind::FunctionType, "", "Function type";
    gid: Kind::Number, "", "Function group";
    pfip: Kind::Bytes, "", "Function internal path";
    port: Kind::Count, "", "Physical port", rule Rule::AtMost(15);
    fidparm: Kind::Number, "", "Function identifier parameter";
    format: Kind::Count, "", "Index of its table format";
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
    util_str: Kind::Text, "", "Utility string";
}

debug_by_layout!(FunctionEntry, FUNCTION_ENTRY);

swap_bytes!(FunctionEntry: fid, uid, start_dma, end_dma, flags, pchid, vfn, fmb_length, format, reserved);

impl Entry for FunctionEntry {
    const IDENTIFIER: u16 = identifier::FUNCTIONS;
}

impl FunctionEntry {
    /// It is a physical function.
    pub const PHYSICAL: u32 = 1 << 0;
    /// It has a utility string.
    pub const UTILITY_STRING: u32 = 1 << 1;

    /// Encodes a function whose tables have the format with the index `format`.
    pub fn new(attached: &DomainFunction, format: u16) -> Self {
        let function = &attached.function;
        let physical = if function.is_physical { Self::PHYSICAL } else { 0 };
        let utility_string = if function.utility_string.is_some() { Self::UTILITY_STRING } else { 0 };
        Self {
            fid: function.id.0,
            uid: function.uid.0,
            start_dma: attached.aperture.start().get(),
            end_dma: attached.aperture.last().get(),
            flags: physical | utility_string,
            pchid: function.pchid,
            vfn: function.vfn,
            fmb_length: function.fmb_length,
            pft: function.function_type.0,
            gid: function.group.0,
            pfip: function.internal_path,
            port: function.port,
            fidparm: function.fidparm,
            format,
            reserved: 0,
            util_str: function.utility_string.map_or([0; 64], |string| string.0),
        }
    }

    /// Returns the function as a VMM passes it through, for [`clp::responder::Passthrough`].
    ///
    /// Its window is the aperture that is registered for it. BARs, RID, TID and mapped I/O addresses are not part of the
    /// capability, and are absent.
    pub fn function(&self) -> Function {
        Function {
            id: FunctionId(self.fid),
            uid: Uid(self.uid),
            group: FunctionGroupId(self.gid),
            function_type: FunctionType(self.pft),
            is_physical: self.flags & Self::PHYSICAL != 0,
            vfn: self.vfn,
            pchid: self.pchid,
            port: self.port,
            internal_path: self.pfip,
            fidparm: self.fidparm,
            rid: None,
            tid: None,
            bars: [Bar::ABSENT; 6],
            mio: None,
            start_dma: self.start_dma,
            end_dma: self.end_dma,
            fmb_length: self.fmb_length,
            utility_string: (self.flags & Self::UTILITY_STRING != 0).then_some(UtilityString(self.util_str)),
        }
    }
}
