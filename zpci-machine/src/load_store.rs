// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! PCILG, PCISTG and PCISTB: how a program reaches the registers of a device and its configuration space.
//!
//! | instruction | opcode | format | operands |
//! |---|---|---|---|
//! | PCILG | 0xb9d2 | RRE | R1: data; R2, even: [request](RequestRegister); R2 + 1: offset |
//! | PCISTG | 0xb9d0 | RRE | R1: data; R2, even: request; R2 + 1: offset |
//! | PCISTB | 0xeb..d0 | RSY | R1: request; R3: offset; second operand: the block |
//!
//! Linux: `arch/s390/pci/pci_insn.c`. The forms for mapped I/O (PCILGI, PCISTGI, PCISTBI, PCIWB) are not here: no machine
//! that has them was at hand.

use core::arch::asm;

use clp::{ConditionCode, FunctionHandle};

use crate::exception::exception_table;
use crate::operand::{check_access, check_block, LoadStoreError, RequestRegister, Space, Width};

/// What stands for the condition code until an instruction has set one. INSERT PROGRAM MASK leaves zeros in bits 32 and 33, so
/// it never looks like this.
const SUPPRESSED: u64 = u64::MAX;

/// PCILG; the value is in the program's byte order.
///
/// # Errors
///
/// * [`LoadStoreError::Operands`] for what [`check_access`] refuses.
/// * [`LoadStoreError::Refused`] with the answer, if the condition code is not 0.
/// * [`LoadStoreError::Suppressed`] if it ended in a program interruption, as QEMU does where the function has no such register.
#[doc(alias("PCILG", "zpci_load"))]
pub fn load(function: FunctionHandle, space: Space, offset: u64, width: Width) -> Result<u64, LoadStoreError> {
    check_access(space, offset, width)?;
    let mut request = RequestRegister::new(function, space.identifier(), u16::from(width.bytes())).0;
    let mut data: u64 = 0;
    let mut inserted = SUPPRESSED;
    // SAFETY: The machine reads and writes no storage; register 2 is even, as it must be. A suppressed instruction leads to
    // the end.
    unsafe {
        asm!(
            "0: .insn rre, 0xb9d20000, {data}, %r2",
            "1: ipm {inserted}",
            "2:",
            exception_table!(),
            data = inout(reg) data,
            inserted = inout(reg) inserted,
            inout("r2") request,
            inout("r3") offset => _,
            options(nostack)
        );
    }
    check(inserted, request)?;
    Ok(width.operand(data))
}

/// PCISTG of the low bytes of `value`, given in the program's byte order.
///
/// What was stored to storage before comes before what the device does because of this store.
///
/// # Errors
///
/// As [`load`].
#[doc(alias("PCISTG", "zpci_store"))]
pub fn store(
    function: FunctionHandle,
    space: Space,
    offset: u64,
    width: Width,
    value: u64,
) -> Result<(), LoadStoreError> {
    check_access(space, offset, width)?;
    let mut request = RequestRegister::new(function, space.identifier(), u16::from(width.bytes())).0;
    let mut inserted = SUPPRESSED;
    // SAFETY: The machine reads and writes no storage; register 2 is even, as it must be. What the device does on its
    // own because of the store is bounded by the translation table registered for it. A suppressed instruction leads to the
    // end.
    unsafe {
        asm!(
            "0: .insn rre, 0xb9d00000, {data}, %r2",
            "1: ipm {inserted}",
            "2:",
            exception_table!(),
            data = in(reg) width.operand(value),
            inserted = inout(reg) inserted,
            inout("r2") request,
            inout("r3") offset => _,
            options(nostack)
        );
    }
    check(inserted, request)
}

/// PCISTB of a block, whose bytes go to the device in the order in which they lie in storage, to `offset` of base address
/// register `bar`; `longest` is the [`max_store_block`](clp::FunctionGroup::max_store_block) of the function's group.
///
/// So a little-endian register of eight bytes gets [`u64::to_le`] of its value. QEMU 10.0.2 does otherwise: an emulated device
/// gets the doubleword as the program sees it (measured).
///
/// # Errors
///
/// * [`LoadStoreError::Operands`] for what [`check_block`] refuses.
/// * As [`load`] else.
#[doc(alias("PCISTB", "zpci_store_block"))]
pub fn store_block(
    function: FunctionHandle,
    bar: u8,
    offset: u64,
    block: &[u64],
    longest: u16,
) -> Result<(), LoadStoreError> {
    let bytes = size_of_val(block);
    check_block(bar, offset, bytes, longest)?;
    // A checked block has at most a page.
    let mut request = RequestRegister::new(function, bar, bytes as u16).0;
    let mut inserted = SUPPRESSED;
    // SAFETY: The machine reads the block, whose length is in the request, and writes no storage; the block is aligned to
    // eight. Else as for a store.
    unsafe {
        asm!(
            "0: .insn rsy, 0xeb00000000d0, {request}, {offset}, 0({block})",
            "1: ipm {inserted}",
            "2:",
            exception_table!(),
            request = inout(reg) request,
            offset = in(reg) offset,
            block = in(reg_addr) block.as_ptr(),
            inserted = inout(reg) inserted,
            options(nostack)
        );
    }
    check(inserted, request)
}

fn check(inserted: u64, request: u64) -> Result<(), LoadStoreError> {
    if inserted == SUPPRESSED {
        return Err(LoadStoreError::Suppressed);
    }
    let outcome = RequestRegister(request).outcome(inserted);
    match outcome.cc {
        ConditionCode::Zero => Ok(()),
        _ => Err(LoadStoreError::Refused(outcome)),
    }
}
