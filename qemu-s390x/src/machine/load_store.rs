// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The instructions that reach a device's registers, and the one that tells the state of a function.
//!
//! Opcodes and operands: Linux `arch/s390/pci/pci_insn.c`.

use core::arch::asm;

use clp::FunctionHandle;
use s390_iommu::{Fib, Outcome};

use super::hardware::{outcome, request};
use crate::pci::{Space, Width};

/// PCI LOAD.
pub(super) fn load(function: FunctionHandle, space: Space, offset: u64, width: Width) -> Result<u64, Outcome> {
    let mut request = request(function, space.identifier(), u16::from(width.bytes()));
    let data: u64;
    let inserted: u64;
    // SAFETY: The machine reads and writes no storage; register 2 is even, as it must be.
    unsafe {
        asm!(
            ".insn rre, 0xb9d20000, {data}, %r2",
            "ipm {inserted}",
            data = out(reg) data,
            inserted = out(reg) inserted,
            inout("r2") request,
            inout("r3") offset => _,
            options(nostack)
        );
    }
    check(inserted, request)?;
    Ok(width.operand(data))
}

/// PCI STORE.
pub(super) fn store(
    function: FunctionHandle,
    space: Space,
    offset: u64,
    width: Width,
    value: u64,
) -> Result<(), Outcome> {
    let mut request = request(function, space.identifier(), u16::from(width.bytes()));
    let inserted: u64;
    // SAFETY: The machine reads and writes no storage; register 2 is even, as it must be. What the device does on its
    // own because of the store is bounded by the translation table registered for it.
    unsafe {
        asm!(
            ".insn rre, 0xb9d00000, {data}, %r2",
            "ipm {inserted}",
            data = in(reg) width.operand(value),
            inserted = out(reg) inserted,
            inout("r2") request,
            inout("r3") offset => _,
            options(nostack)
        );
    }
    check(inserted, request)
}

/// STORE PCI FUNCTION CONTROLS.
pub(super) fn controls(function: FunctionHandle) -> Result<Fib, Outcome> {
    let mut request = request(function, 0, 0);
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
    check(inserted, request)?;
    Ok(fib)
}

fn check(inserted: u64, request: u64) -> Result<(), Outcome> {
    let outcome = outcome(inserted, request);
    match outcome.cc {
        clp::ConditionCode::Zero => Ok(()),
        _ => Err(outcome),
    }
}
