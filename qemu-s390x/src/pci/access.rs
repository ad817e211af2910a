// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How a program reads and writes what one function offers it.

use core::fmt;

use s390_iommu::{FunctionState, Outcome};

/// Where an offset counts from: the address space of PCI LOAD and PCI STORE.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Space {
    /// A base address register's memory, 0 to 5. The function must have it: QEMU 10.0.2 crashes on an absent one.
    Bar(u8),
    /// Configuration space.
    Configuration,
}

impl Space {
    /// The number that the instructions take.
    pub const fn identifier(self) -> u8 {
        match self {
            Self::Bar(index) => index,
            Self::Configuration => 15,
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bar(index) => write!(f, "BAR {index}"),
            Self::Configuration => f.write_str("configuration space"),
        }
    }
}

/// How much is read or written at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Width {
    /// One byte.
    Byte = 1,
    /// Two bytes.
    Halfword = 2,
    /// Four bytes.
    Word = 4,
    /// Eight bytes; not in configuration space.
    Doubleword = 8,
}

impl Width {
    /// Bytes.
    pub const fn bytes(self) -> u8 {
        self as u8
    }

    /// Turns a register's value into the operand of PCI STORE, and the operand of PCI LOAD into the value.
    ///
    /// PCI registers are little-endian; the operand holds their bytes in order, right aligned in a big-endian register.
    /// Vendor 0x1af4, device 0x1003 are read as 0xf41a0310 (measured with QEMU 10.0.2).
    pub const fn operand(self, value: u64) -> u64 {
        value.swap_bytes() >> (64 - 8 * self.bytes() as u32)
    }
}

/// Why a function could not be read or written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccessError {
    /// The instruction did not succeed.
    Refused {
        /// What was attempted.
        access: Access,
        /// What the machine answered.
        outcome: Outcome,
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
            Self::Load { space, offset } => write!(f, "PCI LOAD from {space} offset {offset:#x}"),
            Self::Store { space, offset } => write!(f, "PCI STORE to {space} offset {offset:#x}"),
            Self::Controls => f.write_str("STORE PCI FUNCTION CONTROLS"),
        }
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { access, outcome } => {
                write!(f, "{access}: condition code {}, status {}", outcome.cc as u8, outcome.status.0)
            }
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
    /// * [`AccessError::Refused`] with the answer of PCI LOAD.
    /// * [`AccessError::Absent`] if the register lies outside the memory that the machine says the function has.
    fn load(&self, space: Space, offset: u64, width: Width) -> Result<u64, AccessError>;

    /// Writes the low bytes of `value`, given in the program's byte order, to a register.
    ///
    /// # Errors
    ///
    /// * [`AccessError::Refused`] with the answer of PCI STORE.
    /// * [`AccessError::Absent`] if the register lies outside the memory that the machine says the function has.
    fn store(&self, space: Space, offset: u64, width: Width, value: u64) -> Result<(), AccessError>;

    /// The state of the function.
    ///
    /// # Errors
    ///
    /// [`AccessError::Refused`] with the answer of STORE PCI FUNCTION CONTROLS.
    fn state(&self) -> Result<FunctionState, AccessError>;

    /// A clock in microseconds.
    fn microseconds(&self) -> u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_hold_the_bytes_in_the_order_of_pci() {
        // The value and the operand of a read at configuration offset 0 (measured).
        assert_eq!(Width::Word.operand(0xf41a_0310), 0x1003_1af4);
        assert_eq!(Width::Word.operand(0x1003_1af4), 0xf41a_0310);
        assert_eq!(Width::Byte.operand(0xa5), 0xa5);
        assert_eq!(Width::Halfword.operand(0x1234), 0x3412);
        assert_eq!(Width::Doubleword.operand(0x0102_0304_0506_0708), 0x0807_0605_0403_0201);
    }

    #[test]
    fn operands_leave_out_what_does_not_fit() {
        assert_eq!(Width::Halfword.operand(0xffff_ffff_ffff_1234), 0x3412);
        assert_eq!(Width::Byte.operand(0xffff_ffff_ffff_ff00), 0);
    }
}
