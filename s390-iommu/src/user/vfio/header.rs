// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The header of a capability.

use clp::field::{Kind, Order};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;

/// Header of a capability in a VFIO information chain.
///
/// Linux: `struct vfio_info_cap_header`, `include/uapi/linux/vfio.h`.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct CapabilityHeader {
    /// Identifier; each ioctl has identifiers of its own.
    pub id: u16,
    /// Version of the capability.
    pub version: u16,
    /// Offset of the next capability from the start of the information structure; 0 at the end.
    pub next: u32,
}

const_assert_eq!(size_of::<CapabilityHeader>(), 8);

layout! {
    /// The fields of [`CapabilityHeader`].
    pub static CAPABILITY_HEADER: CapabilityHeader = "capability header", "struct vfio_info_cap_header", Order::Native;
    id: Kind::Number, "id", "Identifier";
    version: Kind::Count, "version", "Version";
    next: Kind::Number, "next", "Offset of the next capability; 0 at the end";
}

debug_by_layout!(CapabilityHeader, CAPABILITY_HEADER);

swap_bytes!(CapabilityHeader: id, version, next);

impl CapabilityHeader {
    /// The header of a capability that is not in a chain yet.
    pub const fn new(id: u16, version: u16) -> Self {
        Self { id, version, next: 0 }
    }
}
