// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Codes of the instruction and of its commands.

/// Condition code of an instruction.
///
/// For CLP zero means that the command was executed and the response code tells how it went. For the zPCI
/// instructions: zero is success, one an error with a status, two busy, three a function that is not there.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum ConditionCode {
    /// Executed.
    Zero = 0,
    /// Error; a status tells more.
    One = 1,
    /// Busy; try again.
    Two = 2,
    /// Not operational: the handle is not valid or the function is gone.
    Three = 3,
}

/// Selects a logical processor (LPS), 0 to 15.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct LogicalProcessor(pub u8);

impl LogicalProcessor {
    /// The base processor.
    pub const BASE: Self = Self(0);
    /// The PCI processor.
    pub const PCI: Self = Self(2);
}

/// Response code of a command; every value is representable.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct ResponseCode(pub u16);
