// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities that are an array.

use clp::field::{Kind, Order};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;
use super::header::CAPABILITY_HEADER;
use super::sink::Bytes;
use super::CapabilityHeader;

/// The front of a capability that is an array, version 1; the entries follow.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Array {
    /// Which array, version 1.
    pub header: CapabilityHeader,
    /// Number of entries.
    pub nr_entries: u32,
    /// Size of each in bytes, not less than [`Entry`] has: the distance from one to the next.
    pub entry_size: u32,
}

const_assert_eq!(size_of::<Array>(), 16);
const_assert_eq!(core::mem::offset_of!(Array, entry_size), 12);

layout! {
    /// The fields of [`Array`].
    pub static ARRAY: Array = "array", "", Order::Native;
    header: Kind::Structure(&CAPABILITY_HEADER), "header", "Header";
    nr_entries: Kind::Count, "", "Number of entries that follow";
    entry_size: Kind::Size, "", "Size of each";
}

debug_by_layout!(Array, ARRAY);

swap_bytes!(Array: header, nr_entries, entry_size);

/// An entry of an array.
pub trait Entry: Bytes + FromBytes {
    /// Identifier of the capability that is an array of these.
    const IDENTIFIER: u16;
}

impl Array {
    /// Returns the front of the array of `entries`.
    pub fn of<E: Entry>(entries: impl Iterator<Item = E>) -> Self {
        Self {
            header: CapabilityHeader::new(E::IDENTIFIER, 1),
            nr_entries: u32::try_from(entries.count()).unwrap_or(u32::MAX),
            entry_size: size_of::<E>() as u32,
        }
    }
}
