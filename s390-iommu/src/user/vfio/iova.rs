// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities of VFIO_IOMMU_GET_INFO about addresses: which may be mapped, and why the others may not.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::array::Entry;
use super::byte_order::swap_bytes;
use super::header::CAPABILITY_HEADER;
use super::{identifier, CapabilityHeader};
use crate::format::range::IovaRange;
use crate::user::gaps::IovaRun;

/// VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, version 1: the ranges that may be mapped, which follow.
///
/// Linux: `struct vfio_iommu_type1_info_cap_iova_range`, `include/uapi/linux/vfio.h`.
#[doc(alias = "vfio_iommu_type1_info_cap_iova_range")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct IovaRanges {
    /// Identifier 1, version 1.
    pub header: CapabilityHeader,
    /// Number of [`IovaRangeEntry`] that follow, lowest first.
    pub nr_iovas: u32,
    /// Zero.
    pub reserved: u32,
}

const_assert_eq!(size_of::<IovaRanges>(), 16);
const_assert_eq!(core::mem::offset_of!(IovaRanges, nr_iovas), 8);

layout! {
    /// The fields of [`IovaRanges`].
    pub static IOVA_RANGES: IovaRanges = "IOVA ranges", "struct vfio_iommu_type1_info_cap_iova_range", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    nr_iovas: Kind::Count, "nr_iovas", "Number of ranges that follow";
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(IovaRanges, IOVA_RANGES);

swap_bytes!(IovaRanges: header, nr_iovas, reserved);

impl IovaRanges {
    /// Returns the front of the capability for `ranges`.
    pub fn of(ranges: impl Iterator<Item = IovaRangeEntry>) -> Self {
        let nr_iovas = u32::try_from(ranges.count()).unwrap_or(u32::MAX);
        Self { header: CapabilityHeader::new(identifier::IOVA_RANGES, 1), nr_iovas, reserved: 0 }
    }
}

/// A range of I/O virtual addresses.
///
/// Linux: `struct vfio_iova_range`, `include/uapi/linux/vfio.h`.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct IovaRangeEntry {
    /// First byte.
    pub start: u64,
    /// Last byte, inclusive.
    pub end: u64,
}

const_assert_eq!(size_of::<IovaRangeEntry>(), 16);

layout! {
    /// The fields of [`IovaRangeEntry`].
    pub static IOVA_RANGE_ENTRY: IovaRangeEntry = "IOVA range", "struct vfio_iova_range", Order::Native;
    start: Kind::Address, "start", "First byte";
    end: Kind::Address, "end", "Last byte, inclusive", rule Rule::NotBelow("start");
}

debug_by_layout!(IovaRangeEntry, IOVA_RANGE_ENTRY);

swap_bytes!(IovaRangeEntry: start, end);

impl From<IovaRange> for IovaRangeEntry {
    fn from(range: IovaRange) -> Self {
        Self { start: range.start().get(), end: range.last().get() }
    }
}

/// A range of I/O virtual addresses that may not be mapped, version 1; what [`IovaRanges`] leaves out is in such entries.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct GapEntry {
    /// First byte. IOMMU.
    pub start: u64,
    /// Last byte, inclusive. IOMMU.
    pub end: u64,
    /// Why: the bits of [`Reasons`](crate::Reasons), at least one. IOMMU.
    pub reasons: u32,
    /// Zero.
    pub reserved: u32,
}

const_assert_eq!(size_of::<GapEntry>(), 24);
const_assert_eq!(core::mem::offset_of!(GapEntry, reasons), 16);

/// The bits of the reasons of a [`GapEntry`]: those of [`Reasons`](crate::Reasons).
pub static REASONS: Word = Word {
    title: "flags",
    width: 32,
    parts: &[
        Part::new(32, (5, 1), "software_msi", "IOMMU_RESV_SW_MSI", "software MSI"),
        Part::new(32, (4, 1), "msi", "IOMMU_RESV_MSI", "MSI"),
        Part::new(32, (3, 1), "reserved", "IOMMU_RESV_RESERVED", "reserved"),
        Part::new(32, (2, 1), "direct_relaxable", "IOMMU_RESV_DIRECT_RELAXABLE", "direct, relaxable"),
        Part::new(32, (1, 1), "direct", "IOMMU_RESV_DIRECT", "direct"),
        Part::new(32, (0, 1), "outside", "", "outside an aperture"),
    ],
};

layout! {
    /// The fields of [`GapEntry`].
    pub static GAP_ENTRY: GapEntry = "gap", "", Order::Native;
    start: Kind::Address, "", "First byte";
    end: Kind::Address, "", "Last byte, inclusive", rule Rule::NotBelow("start");
    reasons: Kind::Bits, "", "Why it may not be mapped", rule Rule::AtLeast(1), word &REASONS;
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(GapEntry, GAP_ENTRY);

swap_bytes!(GapEntry: start, end, reasons, reserved);

impl Entry for GapEntry {
    const IDENTIFIER: u16 = identifier::GAPS;
}

impl From<IovaRun> for GapEntry {
    fn from(run: IovaRun) -> Self {
        Self { start: run.range.start().get(), end: run.range.last().get(), reasons: run.reasons.0, reserved: 0 }
    }
}
