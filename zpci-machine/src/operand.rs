// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Operands of the instructions that reach a device, checked, and the register that carries a request.

use core::fmt;

use clp::{ConditionCode, FunctionHandle};
use s390_iommu::{Outcome, Status};

/// Where an offset counts from: the address space of PCILG, PCISTG and PCISTB.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Space {
    /// A base address register's memory, 0 to 5. The function must have it: QEMU 10.0.2 crashes on an absent one.
    Bar(u8),
    /// Configuration space; not of PCISTB.
    Configuration,
}

impl Space {
    /// The number that the instructions take: that of the base address register, or 15.
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

    /// Turns a register's value into the operand of PCISTG, and the operand of PCILG into the value.
    ///
    /// PCI registers are little-endian; the operand holds their bytes in order, right aligned in a big-endian register.
    /// Vendor 0x1af4, device 0x1003 are read as 0xf41a0310 (measured with QEMU 10.0.2).
    pub const fn operand(self, value: u64) -> u64 {
        value.swap_bytes() >> (64 - 8 * self.bytes() as u32)
    }
}

/// Sees that PCILG and PCISTG take these operands.
///
/// The bytes must lie in one word of configuration space, or in one doubleword of a base address register's memory; this
/// asks that they are aligned. QEMU answers others with an operand exception.
///
/// # Errors
///
/// * [`OperandError::Space`] if there is no such base address register.
/// * [`OperandError::Width`] for a doubleword of configuration space.
/// * [`OperandError::Alignment`] if `offset` is no multiple of `width`.
pub const fn check_access(space: Space, offset: u64, width: Width) -> Result<(), OperandError> {
    match (space, width) {
        (Space::Bar(6..), _) => Err(OperandError::Space),
        (Space::Configuration, Width::Doubleword) => Err(OperandError::Width),
        _ if !offset.is_multiple_of(width.bytes() as u64) => Err(OperandError::Alignment),
        _ => Ok(()),
    }
}

/// Sees that PCISTB takes `bytes` bytes for `offset` of base address register `bar`, whose function's group takes
/// `longest` at most ([`max_store_block`](clp::FunctionGroup::max_store_block)).
///
/// The rules are those of QEMU (`hw/s390x/s390-pci-inst.c`), which answers others with a specification exception.
///
/// # Errors
///
/// * [`OperandError::Space`] if there is no such base address register.
/// * [`OperandError::Width`] if `bytes` is not above 8, no multiple of 8, or above `longest`.
/// * [`OperandError::Alignment`] if `offset` is no multiple of 8, or the bytes do not lie in one page of 4 KiB.
pub const fn check_block(bar: u8, offset: u64, bytes: usize, longest: u16) -> Result<(), OperandError> {
    if bar > 5 {
        return Err(OperandError::Space);
    }
    if bytes <= 8 || !bytes.is_multiple_of(8) || bytes > longest as usize {
        return Err(OperandError::Width);
    }
    if !offset.is_multiple_of(8) || offset as usize % 4096 + bytes > 4096 {
        return Err(OperandError::Alignment);
    }
    Ok(())
}

/// Operands with which an instruction would end in a program interruption; it was not issued.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OperandError {
    /// No such address space.
    Space,
    /// A number of bytes that the address space does not take.
    Width,
    /// Bytes that are not aligned.
    Alignment,
}

impl fmt::Display for OperandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Space => "no such address space",
            Self::Width => "a number of bytes that the address space does not take",
            Self::Alignment => "bytes that are not aligned",
        })
    }
}

impl core::error::Error for OperandError {}

/// Why nothing was loaded or stored.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum LoadStoreError {
    /// The operands are not such as the instruction takes; it was not issued.
    Operands(OperandError),
    /// The machine answered with another condition code than 0.
    Refused(Outcome),
    /// The instruction ended in a program interruption, which the [fixup](crate::exception) made an end of.
    Suppressed,
}

impl From<OperandError> for LoadStoreError {
    fn from(error: OperandError) -> Self {
        Self::Operands(error)
    }
}

impl fmt::Display for LoadStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operands(error) => error.fmt(f),
            Self::Refused(outcome) => outcome.fmt(f),
            Self::Suppressed => f.write_str("program interruption"),
        }
    }
}

impl core::error::Error for LoadStoreError {}

/// The register with which a program asks something of a function, and into which the machine puts its status.
///
/// | bits | MPCIFC, STPCIFC | PCILG, PCISTG, PCISTB | RPCIT |
/// |---|---|---|---|
/// | 0-31 | handle | handle | handle |
/// | 32-39 | status, stored with condition code 1 | the same | the same |
/// | 40-47 | DMA address space, 0 | address space | |
/// | 48-63 | operation control of MPCIFC | number of bytes | |
///
/// Linux: `arch/s390/include/asm/pci_insn.h`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestRegister(pub u64);

impl RequestRegister {
    /// That with `function`, an address space, and what is asked for in the low halfword.
    pub const fn new(function: FunctionHandle, space: u8, rest: u16) -> Self {
        Self((function.0 as u64) << 32 | (space as u64) << 16 | rest as u64)
    }

    /// The status.
    pub const fn status(self) -> Status {
        Status((self.0 >> 24) as u8)
    }

    /// What an instruction answered that left this register and the condition code that INSERT PROGRAM MASK put into bits
    /// 34 and 35 of `inserted`.
    pub const fn outcome(self, inserted: u64) -> Outcome {
        Outcome { cc: condition_code(inserted), status: self.status() }
    }
}

/// The condition code that INSERT PROGRAM MASK left in bits 34 and 35.
pub const fn condition_code(inserted: u64) -> ConditionCode {
    ConditionCode::from_bits((inserted >> 28) as u8)
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

    #[test]
    fn accesses() {
        use OperandError as E;
        let bar = |offset, width| check_access(Space::Bar(5), offset, width);
        assert_eq!(bar(0x18, Width::Doubleword), Ok(()));
        assert_eq!(bar(0x1c, Width::Doubleword), Err(E::Alignment));
        assert_eq!(bar(0x1c, Width::Word), Ok(()));
        assert_eq!(bar(0x1d, Width::Byte), Ok(()));
        assert_eq!(bar(0x1d, Width::Halfword), Err(E::Alignment));
        assert_eq!(check_access(Space::Bar(6), 0, Width::Byte), Err(E::Space));
        // 15 is the number of configuration space, not a base address register's.
        assert_eq!(check_access(Space::Bar(15), 0, Width::Byte), Err(E::Space));
        assert_eq!(check_access(Space::Configuration, 0, Width::Doubleword), Err(E::Width));
        assert_eq!(check_access(Space::Configuration, 0xffc, Width::Word), Ok(()));
        assert_eq!(check_access(Space::Configuration, 0xffe, Width::Word), Err(E::Alignment));
    }

    #[test]
    fn blocks() {
        use OperandError as E;
        let rows = [
            (0, 0, 16, 128, Ok(())),
            (5, 0xff0, 16, 128, Ok(())),
            (0, 0xff8, 16, 128, Err(E::Alignment)),
            (0, 0x1ff8, 16, 128, Err(E::Alignment)),
            (0, 0x1000, 128, 128, Ok(())),
            (0, 0x1000, 136, 128, Err(E::Width)),
            (0, 0x1004, 16, 128, Err(E::Alignment)),
            (0, 0, 8, 128, Err(E::Width)),
            (0, 0, 0, 128, Err(E::Width)),
            (0, 0, 20, 128, Err(E::Width)),
            (0, 0, 16, 0, Err(E::Width)),
            (0, 0, 4096, 8191, Ok(())),
            (0, 0, 4104, 8191, Err(E::Alignment)),
            (6, 0, 16, 128, Err(E::Space)),
        ];
        for (bar, offset, bytes, longest, expected) in rows {
            assert_eq!(check_block(bar, offset, bytes, longest), expected, "{bar} {offset:#x} {bytes} {longest}");
        }
    }

    #[test]
    fn registers() {
        // The requests that were recorded: PCILG of four bytes of configuration space, and its answer in the error state.
        let request = RequestRegister::new(FunctionHandle(0x8002_0000), Space::Configuration.identifier(), 4);
        assert_eq!(request.0, 0x8002_0000_000f_0004);
        let answer = RequestRegister(0x8002_0000_0c0f_0004).outcome(0x1000_0000);
        assert_eq!(answer, Outcome { cc: ConditionCode::One, status: Status(12) });
        // What INSERT PROGRAM MASK leaves around the condition code is none of it.
        let cc = [0, 1, 2, 3].map(|cc| condition_code(0xffff_ffff_0fff_ffff | cc << 28));
        assert_eq!(cc.map(|cc| cc as u8), [0, 1, 2, 3]);
    }
}
