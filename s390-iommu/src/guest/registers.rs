// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the guest's instructions ask for, from the registers that they name.
//!
//! Opcodes and operands (Linux: `arch/s390/pci/pci_insn.c`), bits counted from the most significant:
//!
//! | instruction | opcode | R1 | other operand |
//! |---|---|---|---|
//! | MPCIFC | E3..D0, RXY | 0-31 handle, 32-39 status, 40-47 DMA address space, 48-63 operation control | address of a FIB |
//! | STPCIFC | E3..D4, RXY | 0-31 handle, 32-39 status, 40-47 DMA address space | address of a FIB, stored |
//! | RPCIT | B9D3, RRE | 0-31 handle, 32-39 status | R2, even: first address; R2 + 1: number of bytes |
//! | SIC | EB..D1, RSY | 48-63 operation | R3: 34-36 interruption subclass; address of a block |
//!
//! Each is a privileged operation: a VMM answers one in the problem state with
//! [`ProgramInterruption::PrivilegedOperation`] before it decodes anything.

use clp::FunctionHandle;

use crate::guest::answer::{Answer, ProgramInterruption};
use crate::machine::zpci::Status;

/// Alignment of a FIB in bytes.
const FIB_ALIGNMENT: u64 = 8;

const fn handle(register: u64) -> FunctionHandle {
    FunctionHandle((register >> 32) as u32)
}

const fn address_space(register: u64) -> u8 {
    (register >> 16) as u8
}

/// MODIFY PCI FUNCTION CONTROLS.
#[doc(alias = "zpci_mod_fc")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mpcifc {
    /// R1 as it was.
    pub register: u64,
    /// The function.
    pub handle: FunctionHandle,
    /// DMA address space.
    pub address_space: u8,
    /// Operation control, all of its halfword.
    pub control: u16,
    /// Address of the FIB in the guest, a multiple of eight: 80 bytes, read after the function was found.
    pub fib: u64,
}

impl Mpcifc {
    /// Decodes R1 and the address of the second operand.
    ///
    /// # Errors
    ///
    /// A specification exception if the address is not a multiple of eight.
    pub const fn decode(register: u64, fib: u64) -> Result<Self, Answer> {
        if !fib.is_multiple_of(FIB_ALIGNMENT) {
            return Err(Answer::program_check(register, ProgramInterruption::Specification));
        }
        let (handle, address_space) = (handle(register), address_space(register));
        Ok(Self { register, handle, address_space, control: register as u16, fib })
    }
}

/// STORE PCI FUNCTION CONTROLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stpcifc {
    /// R1 as it was.
    pub register: u64,
    /// The function.
    pub handle: FunctionHandle,
    /// Address of the FIB in the guest, a multiple of eight: 80 bytes, stored where the answer has a FIB.
    pub fib: u64,
}

impl Stpcifc {
    /// Decodes R1 and the address of the second operand.
    ///
    /// # Errors
    ///
    /// Condition code 1 with [`Status::ADDRESS_SPACE`] for a DMA address space other than 0; otherwise a specification
    /// exception if the address is not a multiple of eight.
    pub const fn decode(register: u64, fib: u64) -> Result<Self, Answer> {
        if address_space(register) != 0 {
            return Err(Answer::status(register, Status::ADDRESS_SPACE));
        }
        if !fib.is_multiple_of(FIB_ALIGNMENT) {
            return Err(Answer::program_check(register, ProgramInterruption::Specification));
        }
        Ok(Self { register, handle: handle(register), fib })
    }
}

/// REFRESH PCI TRANSLATIONS.
#[doc(alias = "zpci_refresh_trans")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rpcit {
    /// R1 as it was.
    pub register: u64,
    /// The function.
    pub handle: FunctionHandle,
    /// First byte of the range; any number.
    pub start: u64,
    /// Number of bytes; any number, also 0.
    pub length: u64,
}

impl Rpcit {
    /// Decodes R1, and of the pair of registers that `r2`, the number of the first of them, names, the values.
    ///
    /// # Errors
    ///
    /// A specification exception if `r2` is odd.
    pub const fn decode(register: u64, r2: u8, pair: [u64; 2]) -> Result<Self, Answer> {
        if !r2.is_multiple_of(2) {
            return Err(Answer::program_check(register, ProgramInterruption::Specification));
        }
        let [start, length] = pair;
        Ok(Self { register, handle: handle(register), start, length })
    }
}

/// SET INTERRUPTION CONTROLS, of an interruption subclass.
#[doc(alias = "zpci_set_irq_ctrl")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Sic {
    /// Which interruptions of the subclass are presented.
    pub mode: InterruptionMode,
    /// The subclass, 0 to 7.
    pub subclass: u8,
}

/// How many adapter interruptions of a subclass are presented.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InterruptionMode {
    /// All of them.
    All,
    /// One; those after it are suppressed until the mode is set again.
    Single,
}

impl Sic {
    /// Decodes R1 and R3.
    ///
    /// The operations for directed interruptions and for the adapter's own event notification are those of a host; a guest
    /// to which no group reports directed interrupts does not issue them, and QEMU does not know them.
    ///
    /// # Errors
    ///
    /// [`ProgramInterruption::Operand`] for every operation but 0 and 1.
    pub const fn decode(r1: u64, r3: u64) -> Result<Self, ProgramInterruption> {
        let mode = match r1 as u16 {
            0 => InterruptionMode::All,
            1 => InterruptionMode::Single,
            _ => return Err(ProgramInterruption::Operand),
        };
        Ok(Self { mode, subclass: (r3 >> 27) as u8 & 7 })
    }
}
