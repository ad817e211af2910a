// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A range of addresses, as it crosses to C.

use s390_iommu::IovaRange;
use static_assertions::const_assert_eq;

/// C: `struct zpci_rust_range`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct ForeignRange {
    /// First byte.
    pub start: u64,
    /// Last byte, inclusive; less than `start` if the range is empty.
    pub last: u64,
}

const_assert_eq!(size_of::<ForeignRange>(), 16);

impl ForeignRange {
    /// No byte.
    pub const EMPTY: Self = Self { start: 1, last: 0 };

    #[inline]
    pub(crate) const fn of(range: IovaRange) -> Self {
        Self { start: range.start().get(), last: range.last().get() }
    }

    /// `range`, or [`EMPTY`](Self::EMPTY).
    #[inline]
    pub(crate) const fn of_any(range: Option<IovaRange>) -> Self {
        match range {
            Some(range) => Self::of(range),
            None => Self::EMPTY,
        }
    }
}
