// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The structures at the front of an answer, and the capabilities that type1 itself has.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::{swap_bytes, SwapBytes};
use super::header::CAPABILITY_HEADER;
use super::{identifier, CapabilityHeader};

/// A structure that capabilities follow.
pub trait Information: SwapBytes + FromBytes + Immutable + IntoBytes + KnownLayout {
    /// Size in bytes of the smallest buffer that Linux accepts, and of the structure before it had capabilities.
    const LEAST: usize;

    /// Size in bytes of the smallest structure with capabilities, which ends with the offset of the first one.
    const FRONT: usize;

    /// Returns the structure with the fields that depend on the buffer: `argsz` in bytes, and where the capabilities start.
    ///
    /// `cap_offset` is `None` if there are no capabilities, and 0 if the buffer is too small for them.
    #[must_use]
    fn with_buffer(self, argsz: u32, cap_offset: Option<u32>) -> Self;

    /// Returns whether the flag is set that makes [`Self::cap_offset`] valid.
    fn has_capabilities(&self) -> bool;

    /// Returns the offset of the first capability; 0 if there is none or the buffer was too small.
    fn cap_offset(&self) -> u32;

    /// Returns the structure with 0 in each field that no flag makes valid.
    #[must_use]
    fn without_unwritten(self) -> Self;
}

/// What VFIO_IOMMU_GET_INFO returns.
///
/// Linux: `struct vfio_iommu_type1_info`, `include/uapi/linux/vfio.h`.
#[derive(Clone, Copy, Default, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct IommuInformation {
    /// Size of the buffer in bytes; in an answer, the size that is needed if the buffer was too small.
    pub argsz: u32,
    /// [`Self::PAGE_SIZES`], [`Self::CAPABILITIES`].
    pub flags: u32,
    /// Sizes of pages: bit n, counted from the least significant, for pages of 2^n bytes.
    pub iova_pgsizes: u64,
    /// Offset in bytes of the first capability from the start of this structure; 0 if the buffer was too small for them.
    pub cap_offset: u32,
    /// Zero.
    pub pad: u32,
}

const_assert_eq!(size_of::<IommuInformation>(), 24);
const_assert_eq!(core::mem::offset_of!(IommuInformation, cap_offset), 16);

/// The bits of the flags of [`IommuInformation`].
pub static IOMMU_FLAGS: Word = Word {
    title: "flags",
    width: 32,
    parts: &[
        Part::new(32, (1, 1), "capabilities", "VFIO_IOMMU_INFO_CAPS", "capabilities"),
        Part::new(32, (0, 1), "page_sizes", "VFIO_IOMMU_INFO_PGSIZES", "page sizes"),
    ],
};

layout! {
    /// The fields of [`IommuInformation`].
    pub static IOMMU_INFORMATION: IommuInformation = "VFIO_IOMMU_GET_INFO", "struct vfio_iommu_type1_info", Order::Native;
    argsz: Kind::Size, "argsz", "Size of the buffer, or the size that is needed";
    flags: Kind::Bits, "flags", "Which fields are valid", word &IOMMU_FLAGS;
    iova_pgsizes: Kind::Number, "iova_pgsizes", "Sizes of pages, bit n from the least significant for 2^n bytes";
    cap_offset: Kind::Number, "cap_offset", "Offset of the first capability";
    pad: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(IommuInformation, IOMMU_INFORMATION);

swap_bytes!(IommuInformation: argsz, flags, iova_pgsizes, cap_offset, pad);

impl IommuInformation {
    /// `iova_pgsizes` is valid.
    pub const PAGE_SIZES: u32 = 1 << 0;
    /// There are capabilities, and `cap_offset` is valid.
    pub const CAPABILITIES: u32 = 1 << 1;

    /// The structure for pages of the sizes in `iova_pgsizes`.
    pub const fn new(iova_pgsizes: u64) -> Self {
        Self { argsz: 0, flags: Self::PAGE_SIZES, iova_pgsizes, cap_offset: 0, pad: 0 }
    }
}

impl Information for IommuInformation {
    const LEAST: usize = core::mem::offset_of!(Self, cap_offset);
    const FRONT: usize = core::mem::offset_of!(Self, pad);

    fn with_buffer(self, argsz: u32, cap_offset: Option<u32>) -> Self {
        let capabilities = if cap_offset.is_some() { Self::CAPABILITIES } else { 0 };
        Self { argsz, flags: self.flags | capabilities, cap_offset: cap_offset.unwrap_or(0), ..self }
    }

    fn has_capabilities(&self) -> bool {
        self.flags & Self::CAPABILITIES != 0
    }

    fn cap_offset(&self) -> u32 {
        self.cap_offset
    }

    fn without_unwritten(self) -> Self {
        let iova_pgsizes = if self.flags & Self::PAGE_SIZES != 0 { self.iova_pgsizes } else { 0 };
        let cap_offset = if self.has_capabilities() { self.cap_offset } else { 0 };
        Self { iova_pgsizes, cap_offset, pad: 0, ..self }
    }
}

/// What VFIO_DEVICE_GET_INFO returns.
///
/// Linux: `struct vfio_device_info`, `include/uapi/linux/vfio.h`.
#[derive(Clone, Copy, Default, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct DeviceInformation {
    /// Size of the buffer in bytes; in an answer, the size that is needed if the buffer was too small.
    pub argsz: u32,
    /// [`Self::PCI`], [`Self::CAPABILITIES`], and what else Linux defines.
    pub flags: u32,
    /// Number of regions.
    pub num_regions: u32,
    /// Number of interrupt indices.
    pub num_irqs: u32,
    /// Offset in bytes of the first capability from the start of this structure; 0 if the buffer was too small for them.
    pub cap_offset: u32,
    /// Zero. Not there before Linux 6.6.
    pub pad: u32,
}

const_assert_eq!(size_of::<DeviceInformation>(), 24);
const_assert_eq!(core::mem::offset_of!(DeviceInformation, cap_offset), 16);

/// The bits of the flags of [`DeviceInformation`].
pub static DEVICE_FLAGS: Word = Word {
    title: "flags",
    width: 32,
    parts: &[
        Part::new(32, (8, 1), "cdx", "VFIO_DEVICE_FLAGS_CDX", "CDX"),
        Part::new(32, (7, 1), "capabilities", "VFIO_DEVICE_FLAGS_CAPS", "capabilities"),
        Part::new(32, (6, 1), "fsl_mc", "VFIO_DEVICE_FLAGS_FSL_MC", "FSL MC"),
        Part::new(32, (5, 1), "ap", "VFIO_DEVICE_FLAGS_AP", "AP"),
        Part::new(32, (4, 1), "ccw", "VFIO_DEVICE_FLAGS_CCW", "CCW"),
        Part::new(32, (3, 1), "amba", "VFIO_DEVICE_FLAGS_AMBA", "AMBA"),
        Part::new(32, (2, 1), "platform", "VFIO_DEVICE_FLAGS_PLATFORM", "platform"),
        Part::new(32, (1, 1), "pci", "VFIO_DEVICE_FLAGS_PCI", "PCI"),
        Part::new(32, (0, 1), "reset", "VFIO_DEVICE_FLAGS_RESET", "reset"),
    ],
};

layout! {
    /// The fields of [`DeviceInformation`].
    pub static DEVICE_INFORMATION: DeviceInformation = "VFIO_DEVICE_GET_INFO", "struct vfio_device_info", Order::Native;
    argsz: Kind::Size, "argsz", "Size of the buffer, or the size that is needed";
    flags: Kind::Bits, "flags", "What the device is", word &DEVICE_FLAGS;
    num_regions: Kind::Count, "num_regions", "Number of regions";
    num_irqs: Kind::Count, "num_irqs", "Number of interrupt indices";
    cap_offset: Kind::Number, "cap_offset", "Offset of the first capability";
    pad: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(DeviceInformation, DEVICE_INFORMATION);

swap_bytes!(DeviceInformation: argsz, flags, num_regions, num_irqs, cap_offset, pad);

impl DeviceInformation {
    /// The device is a PCI function.
    pub const PCI: u32 = 1 << 1;
    /// There are capabilities, and `cap_offset` is valid.
    pub const CAPABILITIES: u32 = 1 << 7;
}

impl Information for DeviceInformation {
    const LEAST: usize = core::mem::offset_of!(Self, cap_offset);
    const FRONT: usize = core::mem::offset_of!(Self, pad);

    fn with_buffer(self, argsz: u32, cap_offset: Option<u32>) -> Self {
        let capabilities = if cap_offset.is_some() { Self::CAPABILITIES } else { 0 };
        Self { argsz, flags: self.flags | capabilities, cap_offset: cap_offset.unwrap_or(0), ..self }
    }

    fn has_capabilities(&self) -> bool {
        self.flags & Self::CAPABILITIES != 0
    }

    fn cap_offset(&self) -> u32 {
        self.cap_offset
    }

    fn without_unwritten(self) -> Self {
        // Before Linux 6.6 a capability starts where the padding is.
        let cap_offset = if self.has_capabilities() { self.cap_offset } else { 0 };
        Self { cap_offset, pad: 0, ..self }
    }
}

/// VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, version 1, which type1 fills in.
///
/// Linux: `struct vfio_iommu_type1_info_cap_migration`, `include/uapi/linux/vfio.h`.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Migration {
    /// Identifier 2, version 1.
    pub header: CapabilityHeader,
    /// Zero.
    pub flags: u32,
    /// Zero.
    pub pad: u32,
    /// Sizes of the pages that are tracked, encoded like [`IommuInformation::iova_pgsizes`].
    pub pgsize_bitmap: u64,
    /// Size of the largest bitmap of dirty pages in bytes.
    pub max_dirty_bitmap_size: u64,
}

const_assert_eq!(size_of::<Migration>(), 32);
const_assert_eq!(core::mem::offset_of!(Migration, pgsize_bitmap), 16);

layout! {
    /// The fields of [`Migration`].
    pub static MIGRATION: Migration = "migration", "struct vfio_iommu_type1_info_cap_migration", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    flags: Kind::Reserved, "", "Zero", rule Rule::Zero;
    pad: Kind::Reserved, "", "Zero", rule Rule::Zero;
    pgsize_bitmap: Kind::Number, "pgsize_bitmap", "Sizes of the pages that are tracked";
    max_dirty_bitmap_size: Kind::Size, "max_dirty_bitmap_size", "Size of the largest bitmap of dirty pages";
}

debug_by_layout!(Migration, MIGRATION);

swap_bytes!(Migration: header, flags, pad, pgsize_bitmap, max_dirty_bitmap_size);

impl Migration {
    /// The capability for pages of `pgsize_bitmap` and bitmaps of up to `max_dirty_bitmap_size` bytes.
    pub const fn new(pgsize_bitmap: u64, max_dirty_bitmap_size: u64) -> Self {
        let header = CapabilityHeader::new(identifier::MIGRATION, 1);
        Self { header, flags: 0, pad: 0, pgsize_bitmap, max_dirty_bitmap_size }
    }
}

/// VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, version 1, which type1 fills in.
///
/// Linux: `struct vfio_iommu_type1_info_dma_avail`, `include/uapi/linux/vfio.h`.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct DmaAvailable {
    /// Identifier 3, version 1.
    pub header: CapabilityHeader,
    /// Number of mappings that may still be made.
    pub avail: u32,
}

const_assert_eq!(size_of::<DmaAvailable>(), 12);

layout! {
    /// The fields of [`DmaAvailable`].
    pub static DMA_AVAILABLE: DmaAvailable = "mappings available", "struct vfio_iommu_type1_info_dma_avail", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    avail: Kind::Count, "avail", "Number of mappings that may still be made";
}

debug_by_layout!(DmaAvailable, DMA_AVAILABLE);

swap_bytes!(DmaAvailable: header, avail);

impl DmaAvailable {
    /// The capability for `avail` mappings.
    pub const fn new(avail: u32) -> Self {
        Self { header: CapabilityHeader::new(identifier::DMA_AVAILABLE, 1), avail }
    }
}
