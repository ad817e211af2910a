// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities of VFIO_IOMMU_GET_INFO about addresses: which may be mapped, and why the others may not.

use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::array::Entry;
use super::byte_order::swap_bytes;
use super::{identifier, CapabilityHeader};
use crate::format::range::IovaRange;
use crate::user::gaps::IovaRun;

/// VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, version 1: the ranges that may be mapped, which follow.
///
/// Linux: `struct vfio_iommu_type1_info_cap_iova_range`, `include/uapi/linux/vfio.h`.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
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
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct IovaRangeEntry {
    /// First byte.
    pub start: u64,
    /// Last byte, inclusive.
    pub end: u64,
}

const_assert_eq!(size_of::<IovaRangeEntry>(), 16);

swap_bytes!(IovaRangeEntry: start, end);

impl From<IovaRange> for IovaRangeEntry {
    fn from(range: IovaRange) -> Self {
        Self { start: range.start().get(), end: range.last().get() }
    }
}

/// A range of I/O virtual addresses that may not be mapped, version 1; what [`IovaRanges`] leaves out is in such entries.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
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

swap_bytes!(GapEntry: start, end, reasons, reserved);

impl Entry for GapEntry {
    const IDENTIFIER: u16 = identifier::GAPS;
}

impl From<IovaRun> for GapEntry {
    fn from(run: IovaRun) -> Self {
        Self { start: run.range.start().get(), end: run.range.last().get(), reasons: run.reasons.0, reserved: 0 }
    }
}
