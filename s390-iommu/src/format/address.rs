// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Addresses: what a device puts on the bus, what a table entry holds, and ranges of the former.

use core::fmt;

/// Size of the smallest frame in bytes; tables, ranges and refreshes come in multiples of it.
pub const PAGE_SIZE: u64 = 1 << PAGE_SIZE_LOG2;

/// log2 of [`PAGE_SIZE`].
pub const PAGE_SIZE_LOG2: u32 = 12;

/// An I/O virtual address: what the device puts on the bus.
#[doc(alias = "dma_addr_t")]
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct Iova(u64);

impl Iova {
    /// Makes an address of a number; every number is one.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The address as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether the address is a multiple of `size`, a power of two.
    pub const fn is_aligned(self, size: u64) -> bool {
        self.0 & (size.wrapping_sub(1)) == 0
    }

    /// The address `bytes` further on, or `None` if that passes 2^64.
    pub const fn checked_add(self, bytes: u64) -> Option<Self> {
        match self.0.checked_add(bytes) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }
}

impl fmt::Debug for Iova {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iova({:#x})", self.0)
    }
}

impl fmt::Display for Iova {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// An absolute address: where the machine's storage is, as a table entry holds it.
#[doc(alias = "phys_addr_t")]
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct AbsoluteAddress(u64);

impl AbsoluteAddress {
    /// Makes an address of a number; every number is one.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The address as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether the address is a multiple of `size`, a power of two.
    pub const fn is_aligned(self, size: u64) -> bool {
        self.0 & (size.wrapping_sub(1)) == 0
    }

    /// The address `bytes` further on, or `None` if that passes 2^64.
    pub const fn checked_add(self, bytes: u64) -> Option<Self> {
        match self.0.checked_add(bytes) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }
}

impl fmt::Debug for AbsoluteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbsoluteAddress({:#x})", self.0)
    }
}

impl fmt::Display for AbsoluteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
