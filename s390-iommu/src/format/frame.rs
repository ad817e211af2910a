// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Frames: what a leaf entry maps, and what a device may do with it.

use core::fmt;

/// Size of the storage that one leaf entry maps.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum FrameSize {
    /// 4 KiB: a page-table entry.
    Size4K,
    /// 1 MiB: a segment-table entry with the FC bit.
    Size1M,
}

impl FrameSize {
    /// log2 of the size in bytes.
    pub const fn log2(self) -> u32 {
        match self {
            Self::Size4K => 12,
            Self::Size1M => 20,
        }
    }

    /// Size in bytes.
    pub const fn bytes(self) -> u64 {
        1 << self.log2()
    }
}

/// The frame sizes that a table may use.
///
/// CLP has no field that is documented to announce frames of 1 MiB; QEMU's walker takes them (measured). So it is the
/// caller who says that the functions of the table understand them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct FrameSizes {
    large: bool,
}

impl FrameSizes {
    /// 4 KiB only.
    pub const SMALL: Self = Self { large: false };
    /// 4 KiB, and 1 MiB where address, origin and length allow it.
    pub const WITH_LARGE: Self = Self { large: true };

    /// Whether frames of `size` may be used.
    pub const fn contains(self, size: FrameSize) -> bool {
        match size {
            FrameSize::Size4K => true,
            FrameSize::Size1M => self.large,
        }
    }

    /// The sizes as a set of powers of two, bit n for frames of 2^n bytes.
    pub const fn bitmap(self) -> u64 {
        FrameSize::Size4K.bytes() | if self.large { FrameSize::Size1M.bytes() } else { 0 }
    }
}

/// What a device may do with mapped storage.
///
/// An entry can forbid writing; it cannot forbid reading.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum Protection {
    /// Read only.
    ReadOnly,
    /// Read and write.
    ReadWrite,
}

impl Protection {
    /// The stricter of two, since a table entry above protects all that lies below.
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::ReadWrite, Self::ReadWrite) => Self::ReadWrite,
            _ => Self::ReadOnly,
        }
    }

    pub(crate) const fn is_protected(self) -> bool {
        matches!(self, Self::ReadOnly)
    }

    pub(crate) const fn from_protected(protected: bool) -> Self {
        if protected {
            Self::ReadOnly
        } else {
            Self::ReadWrite
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
        })
    }
}
