// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Codes of the instruction and of its commands.
//!
//! Sources: `arch/s390/include/asm/clp.h` and `arch/s390/include/asm/pci_clp.h` (Linux);
//! `hw/s390x/s390-pci-inst.c` (QEMU).

use core::fmt;

/// Condition code of an instruction.
///
/// For CLP zero means that the command was executed and the response code says how it went. For the zPCI
/// instructions: zero is success, one an error with a status, two busy, three a function that is not there.
#[doc(alias = "cc")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(u8)]
pub enum ConditionCode {
    /// Executed.
    Zero = 0,
    /// Error; a status says more.
    One = 1,
    /// Busy; try again.
    Two = 2,
    /// Not operational: the handle is not valid or the function is gone.
    Three = 3,
}

impl ConditionCode {
    /// The condition code in the two low bits of `bits`, as INSERT PROGRAM MASK leaves it there after a shift.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Zero,
            1 => Self::One,
            2 => Self::Two,
            _ => Self::Three,
        }
    }
}

impl fmt::Display for ConditionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "condition code {}", *self as u8)
    }
}

/// Selects a logical processor (LPS), 0 to 15.
#[doc(alias = "lps")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct LogicalProcessor(pub u8);

impl LogicalProcessor {
    /// The base processor (`0`).
    pub const BASE: Self = Self(0);
    /// The PCI processor (`2`).
    pub const PCI: Self = Self(2);
}

/// Code of a command; every value is representable.
#[doc(alias("cmd", "CLP_LIST_PCI"))]
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct CommandCode(pub u16);

impl CommandCode {
    /// Store logical-processor characteristics (SLPC); QEMU does not know it (`0x0001`).
    pub const STORE_CHARACTERISTICS: Self = Self(0x0001);
    /// List PCI functions (`0x0002`).
    pub const LIST_PCI: Self = Self(0x0002);
    /// Query a PCI function (`0x0003`).
    pub const QUERY_PCI_FN: Self = Self(0x0003);
    /// Query a group of PCI functions (`0x0004`).
    pub const QUERY_PCI_FNGRP: Self = Self(0x0004);
    /// Set the state of a PCI function (`0x0005`).
    pub const SET_PCI_FN: Self = Self(0x0005);

    /// The name of the command, if it is a known one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::STORE_CHARACTERISTICS => "store logical-processor characteristics",
            Self::LIST_PCI => "list PCI functions",
            Self::QUERY_PCI_FN => "query PCI function",
            Self::QUERY_PCI_FNGRP => "query PCI function group",
            Self::SET_PCI_FN => "set PCI function",
            _ => return None,
        })
    }
}

impl fmt::Debug for CommandCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandCode({:#06x})", self.0)
    }
}

impl fmt::Display for CommandCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        number_and_name(f, self.0, self.name())
    }
}

/// Response code of a command; every value is representable and [`Self::OK`] alone is success.
#[doc(alias("rsp", "CLP_RC"))]
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct ResponseCode(pub u16);

impl ResponseCode {
    /// The command was carried out (`0x0010`).
    pub const OK: Self = Self(0x0010);
    /// The command code is not recognized (`0x0020`).
    pub const COMMAND: Self = Self(0x0020);
    /// The command is not authorized (`0x0030`).
    pub const NOT_AUTHORIZED: Self = Self(0x0030);
    /// The format of the request is not valid (`0x0040`).
    pub const FORMAT: Self = Self(0x0040);
    /// The length of the request is not valid (`0x0050`).
    pub const LENGTH: Self = Self(0x0050);
    /// The command needs a block of 8 KiB; QEMU answers it to a list with capacity for no entry (`0x0060`).
    pub const NEEDS_8K_BLOCK: Self = Self(0x0060);
    /// A reserved field is not zero (`0x0070`).
    pub const RESERVED_NOT_ZERO: Self = Self(0x0070);
    /// There is no data (`0x0080`).
    pub const NO_DATA: Self = Self(0x0080);
    /// The function code is not recognized (`0x0100`).
    pub const FUNCTION_CODE: Self = Self(0x0100);
    /// The function handle is not valid: stale, or never was one (`0x0101`).
    pub const FUNCTION_HANDLE: Self = Self(0x0101);
    /// The handle is valid but not for this operation; QEMU answers it too when the function already is in the
    /// state asked for, where hardware answers [`Self::ALREADY_IN_STATE`] (`0x0102`).
    pub const HANDLE_STATE: Self = Self(0x0102);
    /// The number of DMA address spaces is not valid (`0x0103`).
    pub const DMA_ADDRESS_SPACE: Self = Self(0x0103);
    /// Resources are insufficient (`0x0104`).
    pub const RESOURCES: Self = Self(0x0104);
    /// The function already is in the state asked for (`0x0105`).
    pub const ALREADY_IN_STATE: Self = Self(0x0105);
    /// The function has a permanent error (`0x0106`).
    pub const PERMANENT_ERROR: Self = Self(0x0106);
    /// Recovery of the function from an error is pending (`0x0107`).
    pub const RECOVERY_PENDING: Self = Self(0x0107);
    /// The function is busy; try again later (`0x0108`).
    pub const BUSY: Self = Self(0x0108);
    /// The resume token is not recognized (any more) (`0x010a`).
    pub const RESUME_TOKEN: Self = Self(0x010a);
    /// The function group is not recognized (`0x010b`).
    pub const FUNCTION_GROUP: Self = Self(0x010b);

    /// Whether the command was carried out.
    pub const fn is_ok(self) -> bool {
        self.0 == Self::OK.0
    }

    /// The meaning of the code, if it is a known one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::OK => "OK",
            Self::COMMAND => "command not recognized",
            Self::NOT_AUTHORIZED => "command not authorized",
            Self::FORMAT => "invalid request format",
            Self::LENGTH => "invalid request length",
            Self::NEEDS_8K_BLOCK => "block of 8 KiB needed",
            Self::RESERVED_NOT_ZERO => "reserved field not zero",
            Self::NO_DATA => "no data available",
            Self::FUNCTION_CODE => "function code not recognized",
            Self::FUNCTION_HANDLE => "invalid function handle",
            Self::HANDLE_STATE => "function handle not valid for this operation",
            Self::DMA_ADDRESS_SPACE => "invalid DMA address space",
            Self::RESOURCES => "insufficient resources",
            Self::ALREADY_IN_STATE => "function already in requested state",
            Self::PERMANENT_ERROR => "permanent error",
            Self::RECOVERY_PENDING => "error recovery pending",
            Self::BUSY => "function busy",
            Self::RESUME_TOKEN => "resume token not recognized",
            Self::FUNCTION_GROUP => "function group not recognized",
            _ => return None,
        })
    }
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseCode({:#06x})", self.0)
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        number_and_name(f, self.0, self.name())
    }
}

fn number_and_name(f: &mut fmt::Formatter<'_>, number: u16, name: Option<&str>) -> fmt::Result {
    match name {
        Some(name) => write!(f, "{number:#06x} ({name})"),
        None => write!(f, "{number:#06x}"),
    }
}
