// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The seam to the two instructions that translation needs.

use clp::{ConditionCode, FunctionHandle};

use crate::fib::Fib;

/// MODIFY PCI FUNCTION CONTROLS and REFRESH PCI TRANSLATIONS, each issued once and not retried.
///
/// The callers in this crate check every operand before they call: neither instruction has a fixup in Linux, so an
/// operand that makes it trap stops the kernel.
pub trait Zpci {
    /// Issues MPCIFC with operation `control` for address space 0 of `function`.
    fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome;

    /// Issues RPCIT for the `length` bytes from the I/O virtual address `start`.
    fn rpcit(&self, function: FunctionHandle, start: u64, length: u64) -> Outcome;
}

/// What an instruction answered, in the machine's own terms.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Outcome {
    /// Condition code.
    pub cc: ConditionCode,
    /// Status; it means something only with condition code 1.
    pub status: Status,
}

/// Status of a zPCI instruction that ended with condition code 1; every value is representable.
///
/// Linux: `arch/s390/include/asm/pci_insn.h`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct Status(pub u8);

/// Operation control of MPCIFC, the low halfword of its request register; every value is representable.
///
/// Linux: `arch/s390/include/asm/pci_insn.h`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct FunctionControl(pub u8);
