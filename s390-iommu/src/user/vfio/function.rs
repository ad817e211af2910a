// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capability of VFIO_IOMMU_GET_INFO that describes a zPCI function of the container.

use clp::{Bar, Function, FunctionGroupId, FunctionId, FunctionType, Uid, UtilityString};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;
use super::{identifier, CapabilityHeader};
use crate::format::range::IovaRange;
use crate::user::attribute::FunctionFacts;

/// A zPCI function of the container, version 1; there is one capability for each.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct FunctionCapability {
    /// Identifier 0xf390, version 1.
    pub header: CapabilityHeader,
    /// Function identifier (FID). Virtualised by the VMM.
    pub fid: u32,
    /// User-defined identifier (UID). Virtualised by the VMM.
    pub uid: u32,
    /// First DMA address that its domain translates. IOMMU.
    pub start_dma: u64,
    /// Last DMA address that its domain translates, inclusive. IOMMU.
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
    /// Zero.
    pub reserved: [u8; 6],
    /// Utility string in EBCDIC; zero without [`Self::UTILITY_STRING`]. Function.
    pub util_str: [u8; 64],
}

const_assert_eq!(size_of::<FunctionCapability>(), 120);
const_assert_eq!(core::mem::offset_of!(FunctionCapability, start_dma), 16);
const_assert_eq!(core::mem::offset_of!(FunctionCapability, flags), 32);
const_assert_eq!(core::mem::offset_of!(FunctionCapability, util_str), 56);

swap_bytes!(FunctionCapability: header, fid, uid, start_dma, end_dma, flags, pchid, vfn, fmb_length);

impl FunctionCapability {
    /// It is a physical function.
    pub const PHYSICAL: u32 = 1 << 0;
    /// It has a utility string.
    pub const UTILITY_STRING: u32 = 1 << 1;

    /// The capability for a function whose domain translates `aperture`.
    pub fn new(facts: &FunctionFacts, aperture: IovaRange) -> Self {
        let physical = if facts.is_physical { Self::PHYSICAL } else { 0 };
        let utility_string = if facts.utility_string.is_some() { Self::UTILITY_STRING } else { 0 };
        Self {
            header: CapabilityHeader::new(identifier::FUNCTION, 1),
            fid: facts.id.0,
            uid: facts.uid.0,
            start_dma: aperture.start().get(),
            end_dma: aperture.last().get(),
            flags: physical | utility_string,
            pchid: facts.pchid,
            vfn: facts.vfn,
            fmb_length: facts.fmb_length,
            pft: facts.function_type.0,
            gid: facts.group.0,
            pfip: facts.internal_path,
            port: facts.port,
            fidparm: facts.fidparm,
            reserved: [0; 6],
            util_str: facts.utility_string.map_or([0; 64], |string| string.0),
        }
    }

    /// The function as a VMM passes it through: what [`clp::responder::Passthrough`] makes a function of the guest of.
    ///
    /// Its window is the one that its domain translates. BARs, RID, TID and mapped I/O addresses are not told, and are
    /// absent.
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
