// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! STPCIFC, which tells the state of a function and what is registered for it.

use core::arch::asm;

use clp::{ConditionCode, FunctionHandle};
use s390_iommu::{Fib, Outcome};

use crate::operand::RequestRegister;

/// STORE PCI FUNCTION CONTROLS: opcode 0xe3..d4, RXY; R1: [request](RequestRegister); second operand: where the [`Fib`] is
/// stored.
///
/// Linux does not use it; QEMU: `hw/s390x/s390-pci-inst.c`.
///
/// # Errors
///
/// The answer, if the condition code is not 0.
#[doc(alias = "STPCIFC")]
pub fn controls(function: FunctionHandle) -> Result<Fib, Outcome> {
    let mut request = RequestRegister::new(function, 0, 0).0;
    let mut fib = Fib::ZERO;
    let inserted: u64;
    // SAFETY: The machine writes the 80 bytes of the FIB, which is ours and aligned to eight.
    unsafe {
        asm!(
            ".insn rxy, 0xe300000000d4, {request}, 0({fib})",
            "ipm {inserted}",
            request = inout(reg) request,
            fib = in(reg_addr) &raw mut fib,
            inserted = out(reg) inserted,
            options(nostack)
        );
    }
    let outcome = RequestRegister(request).outcome(inserted);
    match outcome.cc {
        ConditionCode::Zero => Ok(fib),
        _ => Err(outcome),
    }
}
