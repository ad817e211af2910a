// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What kind of function it is.

use core::fmt;

/// Function type (PFT); every value is representable.
///
/// Names: `Documentation/arch/s390/pci.rst` (Linux). QEMU stores 0 for every function.
#[doc(alias = "pft")]
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct FunctionType(pub u8);

impl FunctionType {
    /// Unclassified (`0x00`).
    pub const UNCLASSIFIED: Self = Self(0x00);
    /// RoCE Express (`0x02`).
    pub const ROCE: Self = Self(0x02);
    /// Internal shared memory (`0x05`).
    pub const ISM: Self = Self(0x05);
    /// RoCE Express 2 (`0x0a`).
    pub const ROC2: Self = Self(0x0a);
    /// NVMe (`0x0b`).
    pub const NVME: Self = Self(0x0b);
    /// Network Express hybrid (`0x0c`).
    pub const NETH: Self = Self(0x0c);
    /// Cloud Network adapter (`0x0d`).
    pub const CNW: Self = Self(0x0d);
    /// Network Express direct (`0x0f`).
    pub const NETD: Self = Self(0x0f);

    /// The name that the machine's own panels use, if the type is a known one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::UNCLASSIFIED => "UNC",
            Self::ROCE => "ROCE",
            Self::ISM => "ISM",
            Self::ROC2 => "ROC2",
            Self::NVME => "NVMe",
            Self::NETH => "NETH",
            Self::CNW => "CNW",
            Self::NETD => "NETD",
            _ => return None,
        })
    }
}

impl fmt::Debug for FunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FunctionType({:#04x})", self.0)
    }
}

impl fmt::Display for FunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{:#04x} ({name})", self.0),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}
