// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities of VFIO_DEVICE_GET_INFO that describe a zPCI function.
//!
//! Linux: `include/uapi/linux/vfio_zdev.h`; how each field is filled: `drivers/vfio/pci/vfio_pci_zdev.c`.

use clp::{Function, FunctionGroup, FunctionHandle};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;
use super::{identifier, CapabilityHeader};
use crate::format::range::IovaRange;

/// VFIO_DEVICE_INFO_CAP_ZPCI_BASE, version 3: the function.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct ZpciBase {
    /// Identifier 1; version 3 from a kernel that hands out error events, otherwise 2.
    pub header: CapabilityHeader,
    /// First usable DMA address.
    pub start_dma: u64,
    /// Last usable DMA address, inclusive.
    pub end_dma: u64,
    /// Physical channel identifier.
    pub pchid: u16,
    /// Virtual function number.
    pub vfn: u16,
    /// Length of the function measurement block in bytes.
    pub fmb_length: u16,
    /// Function type.
    pub pft: u8,
    /// Function group.
    pub gid: u8,
    /// Function handle (since version 2).
    pub fh: u32,
    /// Number of bytes of an error event that `VFIO_DEVICE_FEATURE_ZPCI_ERROR` hands out (since version 3); zero before.
    ///
    /// [`ErrorEvent`](crate::ErrorEvent) is what is in them.
    pub ccdf_err_length: u32,
}

const_assert_eq!(size_of::<ZpciBase>(), 40);
const_assert_eq!(core::mem::offset_of!(ZpciBase, fh), 32);
const_assert_eq!(core::mem::offset_of!(ZpciBase, ccdf_err_length), 36);

swap_bytes!(ZpciBase: header, start_dma, end_dma, pchid, vfn, fmb_length, fh, ccdf_err_length);

impl ZpciBase {
    /// Encodes version 2 of `function` with the handle it has now; `aperture` is the part of its window that may be used.
    pub fn new(function: &Function, handle: FunctionHandle, aperture: IovaRange) -> Self {
        Self {
            header: CapabilityHeader::new(identifier::DEVICE_BASE, 2),
            start_dma: aperture.start().get(),
            end_dma: aperture.last().get(),
            pchid: function.pchid,
            vfn: function.vfn,
            fmb_length: function.fmb_length,
            pft: function.function_type.0,
            gid: function.group.0,
            fh: handle.0,
            ccdf_err_length: 0,
        }
    }

    /// Makes it version 3, for a kernel that hands out error events of `length` bytes.
    pub const fn with_error_events(self, length: u32) -> Self {
        let header = CapabilityHeader { version: 3, ..self.header };
        Self { header, ccdf_err_length: length, ..self }
    }
}

/// VFIO_DEVICE_INFO_CAP_ZPCI_GROUP, version 2: the group of the function.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct ZpciGroup {
    /// Identifier 2, version 2.
    pub header: CapabilityHeader,
    /// DMA address space mask.
    pub dasm: u64,
    /// Address that MSIs are written to.
    pub msi_addr: u64,
    /// [`ZpciGroup::REFRESH`].
    pub flags: u64,
    /// Interval in which the measurement block is updated, in milliseconds.
    pub mui: u16,
    /// Most interrupts.
    pub noi: u16,
    /// Longest block in bytes that the host's own instruction takes.
    pub maxstbl: u16,
    /// Version of PCI.
    pub version: u8,
    /// Zero.
    pub reserved: u8,
    /// Longest block in bytes that the machine takes (since version 2).
    pub imaxstbl: u16,
    /// Zero.
    pub padding: [u8; 6],
}

const_assert_eq!(size_of::<ZpciGroup>(), 48);
const_assert_eq!(core::mem::offset_of!(ZpciGroup, imaxstbl), 40);

swap_bytes!(ZpciGroup: header, dasm, msi_addr, flags, mui, noi, maxstbl, imaxstbl);

impl ZpciGroup {
    /// A guest has to refresh when a translation becomes valid: the host shadows its tables, whatever the group says.
    pub const REFRESH: u64 = 1;

    /// Longest block that Linux stores with one instruction (`ZPCI_MAX_WRITE_SIZE`).
    pub const MAX_WRITE_SIZE: u16 = 128;

    /// Encodes `group`.
    pub const fn new(group: &FunctionGroup) -> Self {
        Self {
            header: CapabilityHeader::new(identifier::DEVICE_GROUP, 2),
            dasm: group.dasm,
            msi_addr: group.msi_address,
            flags: Self::REFRESH,
            mui: group.measurement_interval_ms,
            noi: group.max_interrupts,
            maxstbl: Self::MAX_WRITE_SIZE,
            version: group.version,
            reserved: 0,
            imaxstbl: group.max_store_block,
            padding: [0; 6],
        }
    }
}

/// VFIO_DEVICE_INFO_CAP_ZPCI_UTIL, version 1: the utility string, in EBCDIC.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct ZpciUtilityString {
    /// Identifier 3, version 1.
    pub header: CapabilityHeader,
    /// Number of bytes that follow.
    pub size: u32,
    /// The string as the machine gave it.
    pub util_str: [u8; 64],
}

const_assert_eq!(size_of::<ZpciUtilityString>(), 76);

swap_bytes!(ZpciUtilityString: header, size);

impl ZpciUtilityString {
    /// Encodes the utility string of `function`, `None` if it has none.
    pub fn new(function: &Function) -> Option<Self> {
        let util_str = function.utility_string?.0;
        Some(Self {
            header: CapabilityHeader::new(identifier::DEVICE_UTILITY_STRING, 1),
            size: util_str.len() as u32,
            util_str,
        })
    }
}

/// VFIO_DEVICE_INFO_CAP_ZPCI_PFIP, version 1: the function internal path.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct ZpciPath {
    /// Identifier 4, version 1.
    pub header: CapabilityHeader,
    /// Number of bytes that follow.
    pub size: u32,
    /// Segments 0 to 3.
    pub pfip: [u8; 4],
}

const_assert_eq!(size_of::<ZpciPath>(), 16);

swap_bytes!(ZpciPath: header, size);

impl ZpciPath {
    /// Encodes the path of `function`.
    pub const fn new(function: &Function) -> Self {
        let pfip = function.internal_path;
        Self { header: CapabilityHeader::new(identifier::DEVICE_PATH, 1), size: pfip.len() as u32, pfip }
    }
}
