// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capability of VFIO_IOMMU_GET_INFO about interrupts.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;
use super::header::CAPABILITY_HEADER;
use super::{identifier, CapabilityHeader};
use crate::format::address::Iova;
use crate::user::attribute::MsiWindow;

/// Whether the writes that are interrupts need a mapping, version 1; entries that say where they go follow.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct MsiCapability {
    /// Identifier 0xf394, version 1.
    pub header: CapabilityHeader,
    /// [`Self::NEEDS_MAPPING`]. Function.
    pub flags: u32,
    /// Number of pages of [`Self::page_size`] that have to be mapped; 0 if none has. IOMMU.
    pub nr_pages: u32,
    /// Size in bytes of the smallest page that every domain can map; 0 if there is none. IOMMU.
    pub page_size: u64,
    /// Number of [`MsiWindowEntry`] that follow. Function.
    pub nr_windows: u32,
    /// Size of each in bytes, 24 or more: the distance from one to the next.
    pub entry_size: u32,
}

const_assert_eq!(size_of::<MsiCapability>(), 32);
const_assert_eq!(core::mem::offset_of!(MsiCapability, nr_windows), 24);

/// The bits of the flags of [`MsiCapability`] and [`MsiWindowEntry`].
pub static MSI_FLAGS: Word =
    Word { title: "flags", width: 32, parts: &[Part::new(32, (0, 1), "needs_mapping", "", "needs a mapping")] };

layout! {
    /// The fields of [`MsiCapability`].
    pub static MSI_CAPABILITY: MsiCapability = "interrupt windows", "", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    flags: Kind::Bits, "", "Flags", word &MSI_FLAGS;
    nr_pages: Kind::Count, "", "Number of pages that have to be mapped";
    page_size: Kind::Size, "", "Size of the smallest page that every domain can map";
    nr_windows: Kind::Count, "", "Number of windows that follow";
    entry_size: Kind::Size, "", "Size of each", rule Rule::AtLeast(24);
}

debug_by_layout!(MsiCapability, MSI_CAPABILITY);

swap_bytes!(MsiCapability: header, flags, nr_pages, page_size, nr_windows, entry_size);

/// Where interrupts are written to.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct MsiWindowEntry {
    /// First byte. Function.
    pub start: u64,
    /// Last byte, inclusive. Function.
    pub end: u64,
    /// [`MsiCapability::NEEDS_MAPPING`]. Function.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

const_assert_eq!(size_of::<MsiWindowEntry>(), 24);

layout! {
    /// The fields of [`MsiWindowEntry`].
    pub static MSI_WINDOW_ENTRY: MsiWindowEntry = "interrupt window", "", Order::Native;
    start: Kind::Address, "", "First byte";
    end: Kind::Address, "", "Last byte, inclusive", rule Rule::NotBelow("start");
    flags: Kind::Bits, "", "Flags", word &MSI_FLAGS;
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(MsiWindowEntry, MSI_WINDOW_ENTRY);

swap_bytes!(MsiWindowEntry: start, end, flags, reserved);

impl From<MsiWindow> for MsiWindowEntry {
    fn from(window: MsiWindow) -> Self {
        let flags = if window.needs_mapping { MsiCapability::NEEDS_MAPPING } else { 0 };
        Self { start: window.range.start().get(), end: window.range.last().get(), flags, reserved: 0 }
    }
}

impl MsiCapability {
    /// The writes are translated, so that their addresses have to be mapped; never on s390.
    pub const NEEDS_MAPPING: u32 = 1 << 0;

    /// Returns the front of the capability for `windows`; `page_sizes` has the sizes of pages of each domain, bit n for 2^n
    /// bytes.
    ///
    /// The smallest size that all domains have counts: a mapping can be made of it in each of them.
    pub fn new(windows: impl Iterator<Item = MsiWindow>, page_sizes: impl Iterator<Item = u64>) -> Self {
        let common = page_sizes.fold(u64::MAX, |common, sizes| common & sizes);
        let page_size = common & common.wrapping_neg();
        let (mut nr_windows, mut nr_pages, mut flags) = (0u32, 0u64, 0);
        for window in windows {
            nr_windows = nr_windows.saturating_add(1);
            if window.needs_mapping {
                flags |= Self::NEEDS_MAPPING;
                nr_pages = nr_pages.saturating_add(pages(window, page_size));
            }
        }
        Self {
            header: CapabilityHeader::new(identifier::MSI, 1),
            flags,
            nr_pages: u32::try_from(nr_pages).unwrap_or(u32::MAX),
            page_size,
            nr_windows,
            entry_size: size_of::<MsiWindowEntry>() as u32,
        }
    }
}

/// Returns how many pages of `page_size` bytes, a power of two, `window` has a part of; 0 if that is 0.
fn pages(window: MsiWindow, page_size: u64) -> u64 {
    let index = |iova: Iova| iova.get().checked_shr(page_size.trailing_zeros());
    match (index(window.range.start()), index(window.range.last())) {
        (Some(first), Some(last)) => last.saturating_sub(first).saturating_add(1),
        _ => 0,
    }
}
