// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a program check leaves in low storage, and what becomes of the program then.
//!
//! Assigned storage locations: Principles of Operation, "Assigned Storage Locations".

use core::fmt::Write;

use zpci_machine::exception::{resume_at, ExceptionEntry};

use super::sclp::Console;
use super::stop::{stop, FAILED};

/// Instruction-length code in the second byte of four, program-interruption code in the last two.
const PROGRAM_INTERRUPTION: usize = 0x8c;
/// Program-check old PSW: mask, then instruction address.
const PROGRAM_OLD_PSW: usize = 0x150;
/// Registers 0 to 15, kept there by the entry.
const REGISTERS: usize = 0x400;

extern "C" {
    static exception_table_start: [ExceptionEntry; 0];
    static exception_table_end: [ExceptionEntry; 0];
}

fn exception_table() -> &'static [ExceptionEntry] {
    let start = (&raw const exception_table_start).cast::<ExceptionEntry>();
    let end = (&raw const exception_table_end).cast::<ExceptionEntry>();
    let bytes = end.addr().saturating_sub(start.addr());
    // SAFETY: The linker script puts the symbols at the two ends of the section, which holds whole entries, is part of
    // the image and never written.
    unsafe { core::slice::from_raw_parts(start, bytes / size_of::<ExceptionEntry>()) }
}

/// Called by the entry in `start.S`, and returns to it only if the program is to go on.
#[no_mangle]
extern "C" fn program_check() {
    let old_psw = core::ptr::without_provenance_mut::<[u64; 2]>(PROGRAM_OLD_PSW);
    // SAFETY: The locations are storage that the machine has just written and nothing else uses while the handler runs.
    let ([mask, address], interruption, registers) = unsafe {
        (
            old_psw.read_volatile(),
            core::ptr::without_provenance::<u32>(PROGRAM_INTERRUPTION).read_volatile(),
            core::ptr::without_provenance::<[u64; 16]>(REGISTERS).read_volatile(),
        )
    };
    if let Some(target) = resume_at(exception_table(), address) {
        // SAFETY: As above; the entry loads the PSW from here.
        unsafe { old_psw.write_volatile([mask, target]) };
        return;
    }
    let mut console = Console::open();
    let code = interruption as u16;
    let _ = writeln!(
        console,
        "\nBail out! program check {code:#06x} ({}) at {}, old PSW {mask:#018x} {address:#018x}",
        exception(code),
        instruction(address, (interruption >> 16 & 6) as usize)
    );
    for (number, value) in registers.iter().enumerate() {
        let _ = writeln!(console, "# r{number} {value:#018x}");
    }
    stop(FAILED)
}

/// Name of the instruction of `length` bytes before `next`, if it is one of those this program asks the machine for
/// zPCI with.
fn instruction(next: u64, length: usize) -> &'static str {
    let mut bytes = [0; 6];
    let start = core::ptr::without_provenance::<u8>((next as usize).wrapping_sub(length));
    for (offset, byte) in bytes.iter_mut().enumerate().take(length) {
        // SAFETY: The processor has fetched the instruction from there.
        *byte = unsafe { start.wrapping_add(offset).read_volatile() };
    }
    match (bytes, length) {
        ([0xb9, 0xa0, ..], 4) => "CLP",
        ([0xb9, 0xd0, ..], 4) => "PCISTG",
        ([0xb9, 0xd2, ..], 4) => "PCILG",
        ([0xb9, 0xd3, ..], 4) => "RPCIT",
        ([0xe3, .., 0xd0], 6) => "MPCIFC",
        ([0xe3, .., 0xd4], 6) => "STPCIFC",
        ([0xeb, .., 0xd0], 6) => "PCISTB",
        ([0xeb, .., 0xd1], 6) => "SIC",
        _ => "an instruction of the program",
    }
}

/// Name of a program interruption, as far as this program can meet it.
fn exception(code: u16) -> &'static str {
    match code {
        0x01 => "operation exception",
        0x02 => "privileged-operation exception",
        0x04 => "protection exception",
        0x05 => "addressing exception",
        0x06 => "specification exception",
        0x07 => "data exception",
        0x09 => "fixed-point-divide exception",
        0x15 => "operand exception",
        _ => "not one this program expects",
    }
}
