// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What kind of function it is.

use core::fmt;

/// Function type (PFT); every value is representable.
///
/// Names: `Documentation/arch/s390/pci.rst` (Linux). QEMU stores 0 for every function.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct FunctionType(pub u8);

impl FunctionType {
    /// Unclassified.
    pub const UNCLASSIFIED: Self = Self(0x00);
    /// RoCE Express.
    pub const ROCE: Self = Self(0x02);
    /// Internal shared memory.
    pub const ISM: Self = Self(0x05);
    /// RoCE Express 2.
    pub const ROC2: Self = Self(0x0a);
    /// NVMe.
    pub const NVME: Self = Self(0x0b);
    /// Network Express hybrid.
    pub const NETH: Self = Self(0x0c);
    /// Cloud Network adapter.
    pub const CNW: Self = Self(0x0d);
    /// Network Express direct.
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
