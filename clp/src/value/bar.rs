// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A base address register.

/// A base address register (BAR) as QUERY PCI FN reports it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::serialized::Bar", into = "super::serialized::Bar"))]
pub struct Bar {
    register: [u8; 4],
    size_log2: u8,
}

impl Bar {
    /// No BAR.
    pub const ABSENT: Self = Self { register: [0; 4], size_log2: 0 };

    /// The BAR with this register and this size as a power of two, in bytes; a size of 0 says that there is none.
    ///
    /// `None` if the size does not fit into 64 bits, that is, above 63.
    pub const fn new(register: [u8; 4], size_log2: u8) -> Option<Self> {
        match size_log2 {
            0..=63 => Some(Self { register, size_log2 }),
            _ => None,
        }
    }

    /// Whether there is such a BAR.
    ///
    /// The register of an absent one may still mean something: it is the upper half of the 64-bit BAR before it.
    pub const fn is_present(self) -> bool {
        self.size_log2 != 0
    }

    /// Size as a power of two, in bytes, at most 63; 0 if there is no such BAR.
    pub const fn size_log2(self) -> u8 {
        self.size_log2
    }

    /// Size in bytes, if there is such a BAR.
    pub const fn size(self) -> Option<u64> {
        match self.size_log2 {
            0 => None,
            log2 => Some(1 << (log2 & 63)),
        }
    }

    /// The register as hardware stores it and Linux reads it, in little-endian.
    pub const fn register(self) -> u32 {
        u32::from_le_bytes(self.register)
    }

    /// The four bytes of the register as they were; QEMU 10.0 stores them big-endian (measured).
    pub const fn register_bytes(self) -> [u8; 4] {
        self.register
    }
}
