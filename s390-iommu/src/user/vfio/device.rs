// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities of VFIO_DEVICE_GET_INFO that describe a zPCI function.
//!
//! Linux: `include/uapi/linux/vfio_zdev.h`; how each field is filled: `drivers/vfio/pci/vfio_pci_zdev.c`.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use clp::{Function, FunctionGroup, FunctionHandle};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;
use super::header::CAPABILITY_HEADER;
use super::{identifier, CapabilityHeader};
use crate::format::range::IovaRange;

/// VFIO_DEVICE_INFO_CAP_ZPCI_BASE, version 3: the function.
#[doc(alias = "vfio_device_info_cap_zpci_base")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
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

layout! {
    /// The fields of [`ZpciBase`].
    pub static ZPCI_BASE: ZpciBase = "zPCI function", "struct vfio_device_info_cap_zpci_base", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    start_dma: Kind::Address, "start_dma", "First usable DMA address";
    end_dma: Kind::Address, "end_dma", "Last usable DMA address, inclusive", rule Rule::NotBelow("start_dma");
    pchid: Kind::Number, "pchid", "Physical channel identifier";
    vfn: Kind::Count, "vfn", "Virtual function number";
    fmb_length: Kind::Size, "fmb_length", "Length of the measurement block";
    pft: Kind::FunctionType, "pft", "Function type";
    gid: Kind::Number, "gid", "Function group";
    fh: Kind::Handle, "fh", "Function handle, since version 2";
    ccdf_err_length: Kind::Size, "ccdf_err_length", "Bytes of an error event, since version 3";
}

debug_by_layout!(ZpciBase, ZPCI_BASE);

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
#[doc(alias = "vfio_device_info_cap_zpci_group")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
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

/// The bits of the flags of [`ZpciGroup`].
pub static ZPCI_GROUP_FLAGS: Word = Word {
    title: "flags",
    width: 64,
    parts: &[Part::new(64, (0, 1), "refresh", "VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH", "refresh on map")],
};

layout! {
    /// The fields of [`ZpciGroup`].
    pub static ZPCI_GROUP: ZpciGroup = "zPCI group", "struct vfio_device_info_cap_zpci_group", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    dasm: Kind::Number, "dasm", "DMA address space mask";
    msi_addr: Kind::Address, "msi_addr", "Address that MSIs are written to";
    flags: Kind::Bits, "flags", "Flags", word &ZPCI_GROUP_FLAGS;
    mui: Kind::Milliseconds, "mui", "Interval in which the measurement block is updated";
    noi: Kind::Count, "noi", "Most interrupts";
    maxstbl: Kind::Size, "maxstbl", "Longest block that the host's own instruction takes";
    version: Kind::Number, "version", "Version of PCI";
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
    imaxstbl: Kind::Size, "imaxstbl", "Longest block that the machine takes, since version 2";
    padding: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(ZpciGroup, ZPCI_GROUP);

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
#[doc(alias = "vfio_device_info_cap_zpci_util")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
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

layout! {
    /// The fields of [`ZpciUtilityString`].
    pub static ZPCI_UTILITY_STRING: ZpciUtilityString = "zPCI utility string", "struct vfio_device_info_cap_zpci_util", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    size: Kind::Size, "size", "Number of bytes that follow", rule Rule::Is(64);
    util_str: Kind::Text, "util_str", "The string, in EBCDIC";
}

debug_by_layout!(ZpciUtilityString, ZPCI_UTILITY_STRING);

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
#[doc(alias = "vfio_device_info_cap_zpci_pfip")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
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

layout! {
    /// The fields of [`ZpciPath`].
    pub static ZPCI_PATH: ZpciPath = "zPCI function internal path", "struct vfio_device_info_cap_zpci_pfip", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    size: Kind::Size, "size", "Number of bytes that follow", rule Rule::Is(4);
    pfip: Kind::Bytes, "pfip", "Segments 0 to 3";
}

debug_by_layout!(ZpciPath, ZPCI_PATH);

swap_bytes!(ZpciPath: header, size);

impl ZpciPath {
    /// Encodes the path of `function`.
    pub const fn new(function: &Function) -> Self {
        let pfip = function.internal_path;
        Self { header: CapabilityHeader::new(identifier::DEVICE_PATH, 1), size: pfip.len() as u32, pfip }
    }
}
