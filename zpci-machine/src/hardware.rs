// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The instructions behind the seams of `clp` and `s390-iommu`.
//!
//! Opcodes and operands: Linux `arch/s390/pci/pci_insn.c` and `pci_clp.c`.

use core::arch::asm;

use clp::immediate::INSTALLED_PROCESSORS;
use clp::{Clp, Command, ConditionCode, FunctionHandle, LogicalProcessor};
use s390_iommu::{Fib, FunctionControl, Instruction, IovaRange, Outcome, Zpci};

use crate::clock;
use crate::exception::exception_table;
use crate::operand::{condition_code, RequestRegister};

/// The processor this code runs on, in supervisor state; it has the facilities of zPCI.
///
/// | instruction | opcode | format | operands |
/// |---|---|---|---|
/// | CLP | 0xb9a0 | RRF | R2: address of the block, or the command of the immediate form; R1: result of that form |
/// | MPCIFC | 0xe3..d0 | RXY | R1: [request](RequestRegister); second operand: the [`Fib`] |
/// | RPCIT | 0xb9d3 | RRE | R1: request; R2, even: first address; R2 + 1: bytes |
///
/// In CLP bit 16 is the immediate form, and bits 20 to 23 select the logical processor: 2 for PCI.
#[derive(Clone, Copy, Debug)]
pub struct Hardware;

/// Pause after a busy answer in microseconds, and how many there are.
const BUSY_MICROSECONDS: u64 = 1000;
const MOST_BUSY: u32 = 1000;

impl Clp for Hardware {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        let block = command.as_mut_ptr();
        // A program check leaves the condition code that stands here before: the instruction is suppressed and the
        // exception table leads to the end.
        let mut inserted: u64 = 3 << 28;
        macro_rules! call {
            ($processor:literal) => {
                // SAFETY: The address is that of a block that is borrowed, exclusively, and the lengths in it, which say
                // how much the machine reads and writes, end within it. R1 is an output that means nothing.
                unsafe {
                    asm!(
                        concat!("0: .insn rrf, 0xb9a00000, {ignored}, {block}, 0, ", $processor),
                        "1: ipm {inserted}",
                        "2:",
                        exception_table!(),
                        block = in(reg_addr) block,
                        ignored = out(reg) _,
                        inserted = inout(reg) inserted,
                        options(nostack)
                    );
                }
            };
        }
        // The selector is part of the instruction.
        match processor {
            LogicalProcessor::BASE => call!("0"),
            LogicalProcessor::PCI => call!("2"),
            _ => return ConditionCode::Three,
        }
        condition_code(inserted)
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        // For a machine that does not know the form the command is the address of a block.
        if command != INSTALLED_PROCESSORS {
            return Err(ConditionCode::Three);
        }
        let mut inserted: u64 = 3 << 28;
        let mut result: u64 = 0;
        // SAFETY: The immediate form reads and writes registers. A machine that does not know it finds no lengths of a
        // command at absolute address 1, and suppresses the instruction (QEMU 10.0.2: operand exception, measured).
        unsafe {
            asm!(
                "0: .insn rrf, 0xb9a00000, {result}, {command}, 8, 0",
                "1: ipm {inserted}",
                "2:",
                exception_table!(),
                command = in(reg) command,
                result = inout(reg) result,
                inserted = inout(reg) inserted,
                options(nostack)
            );
        }
        match condition_code(inserted) {
            ConditionCode::Zero => Ok(result),
            other => Err(other),
        }
    }

    fn pause(&self, busy: u32) -> bool {
        clock::wait(BUSY_MICROSECONDS);
        busy < MOST_BUSY
    }
}

impl Zpci for Hardware {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        let mut request = RequestRegister::new(function, 0, u16::from(control.0)).0;
        let inserted: u64;
        // SAFETY: The machine reads the 80 bytes of the FIB, which is aligned to eight, and writes nothing now. The
        // caller answers for what the operation lets the device do, and that it does not end in a program check.
        unsafe {
            asm!(
                ".insn rxy, 0xe300000000d0, {request}, 0({fib})",
                "ipm {inserted}",
                request = inout(reg) request,
                fib = in(reg_addr) core::ptr::from_ref(fib),
                inserted = out(reg) inserted,
                options(nostack)
            );
        }
        RequestRegister(request).outcome(inserted)
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        let mut request = RequestRegister::new(function, 0, 0).0;
        let inserted: u64;
        // SAFETY: The machine reads translation tables and writes no storage; register 2 is even, as it must be.
        unsafe {
            asm!(
                ".insn rre, 0xb9d30000, {request}, %r2",
                "ipm {inserted}",
                request = inout(reg) request,
                inserted = out(reg) inserted,
                in("r2") range.start().get(),
                in("r3") range.size_less_one().wrapping_add(1),
                options(nostack)
            );
        }
        RequestRegister(request).outcome(inserted)
    }

    fn pause(&self, _: Instruction, busy: u32) -> bool {
        clock::wait(BUSY_MICROSECONDS);
        busy < MOST_BUSY
    }
}
