// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capability of VFIO_IOMMU_GET_INFO that describes a group of zPCI functions.

use clp::FunctionGroup;
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;
use super::{identifier, CapabilityHeader};
use crate::user::attribute::{GroupFacts, RefreshOnMap};
use crate::user::table_format::TableFormat;

/// A group of zPCI functions of the container, version 1; there is one capability for each.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct GroupCapability {
    /// Identifier 0xf391, version 1.
    pub header: CapabilityHeader,
    /// DMA address space mask. Function.
    pub dasm: u64,
    /// Address that MSIs are written to. Function.
    pub msi_addr: u64,
    /// [`Self::REFRESH`]. Function.
    pub flags: u32,
    /// Interval in which the measurement block is updated, in milliseconds. Function.
    pub mui: u16,
    /// Most interrupts of a function, 0 to 4095. Function.
    pub noi: u16,
    /// Longest block in bytes that the machine stores by one instruction, 0 to 8191. Function.
    pub maxstbl: u16,
    /// Version of PCI. Function.
    pub version: u8,
    /// Function group (PFGID). Virtualised by the VMM where the groups of two hosts meet.
    pub gid: u8,
    /// Zero.
    pub reserved: u32,
}

const_assert_eq!(size_of::<GroupCapability>(), 40);
const_assert_eq!(core::mem::offset_of!(GroupCapability, flags), 24);
const_assert_eq!(core::mem::offset_of!(GroupCapability, gid), 35);

swap_bytes!(GroupCapability: header, dasm, msi_addr, flags, mui, noi, maxstbl, reserved);

impl GroupCapability {
    /// The machine wants a refresh also when a translation becomes valid. Unlike [`ZpciGroup`](super::ZpciGroup), which
    /// always says so, this is what CLP told.
    pub const REFRESH: u32 = 1 << 0;

    /// The capability for a group.
    pub const fn new(facts: &GroupFacts, refresh: RefreshOnMap) -> Self {
        Self {
            header: CapabilityHeader::new(identifier::GROUP, 1),
            dasm: facts.dasm,
            msi_addr: facts.msi_address,
            flags: if refresh.0 { Self::REFRESH } else { 0 },
            mui: facts.measurement_interval_ms,
            noi: facts.max_interrupts,
            maxstbl: facts.max_store_block,
            version: facts.version,
            gid: facts.id.0,
            reserved: 0,
        }
    }

    /// The group as a VMM tells its guest, for [`clp::responder::Groups`]; `format` is what tables the guest may build,
    /// usually [`TableFormatCapability::format`](super::TableFormatCapability::format).
    ///
    /// What is not told is 0: directed interrupts, `frame`, `maxfaal`.
    pub const fn group(&self, format: &TableFormat) -> FunctionGroup {
        FunctionGroup {
            max_interrupts: self.noi,
            max_directed_interrupts: 0,
            max_cpu: 0,
            version: self.version,
            relaxed_translation: format.relaxed_translation,
            frame: false,
            refresh: self.flags & Self::REFRESH != 0,
            designation_types: format.designation_types,
            max_store_block: self.maxstbl,
            measurement_interval_ms: self.mui,
            maxfaal: 0,
            dasm: self.dasm,
            msi_address: self.msi_addr,
        }
    }
}
