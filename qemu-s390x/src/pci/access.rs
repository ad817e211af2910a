// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How a program reads and writes what one function offers it.

use core::fmt;

use s390_iommu::FunctionState;
use zpci_machine::{Space, Width};

/// Why a function could not be read or written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccessError {
    /// The instruction did not succeed.
    Refused {
        /// What was attempted.
        access: Access,
        /// Why.
        error: zpci_machine::LoadStoreError,
    },
    /// The function has no such memory, so that nothing was attempted.
    Absent(Access),
}

/// What a program wanted of a function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// To read a register.
    Load {
        /// Where.
        space: Space,
        /// In bytes.
        offset: u64,
    },
    /// To write a register.
    Store {
        /// Where.
        space: Space,
        /// In bytes.
        offset: u64,
    },
    /// To read the function controls.
    Controls,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { space, offset } => write!(f, "PCILG from {space} offset {offset:#x}"),
            Self::Store { space, offset } => write!(f, "PCISTG to {space} offset {offset:#x}"),
            Self::Controls => f.write_str("STPCIFC"),
        }
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { access, error } => write!(f, "{access}: {error}"),
            Self::Absent(access) => write!(f, "{access}: the function has nothing there"),
        }
    }
}

impl core::error::Error for AccessError {}

/// One enabled function, as a driver sees it.
pub trait PciFunction {
    /// Reads a register; the value is in the program's byte order.
    ///
    /// # Errors
    ///
    /// * [`AccessError::Refused`] with the answer of PCILG.
    /// * [`AccessError::Absent`] if the register lies outside the memory that the machine says the function has.
    fn load(&self, space: Space, offset: u64, width: Width) -> Result<u64, AccessError>;

    /// Writes the low bytes of `value`, given in the program's byte order, to a register.
    ///
    /// # Errors
    ///
    /// * [`AccessError::Refused`] with the answer of PCISTG.
    /// * [`AccessError::Absent`] if the register lies outside the memory that the machine says the function has.
    fn store(&self, space: Space, offset: u64, width: Width, value: u64) -> Result<(), AccessError>;

    /// The state of the function.
    ///
    /// # Errors
    ///
    /// [`AccessError::Refused`] with the answer of STPCIFC.
    fn state(&self) -> Result<FunctionState, AccessError>;

    /// A clock in microseconds.
    fn microseconds(&self) -> u64;
}
