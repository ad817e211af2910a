// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! MPCIFC, STPCIFC and RPCIT with any operands: each ends in an answer, whatever the machine makes of it.
//!
//! They are not those of `zpci-machine`, which never issues what could trap.

use core::arch::asm;

use clp::ConditionCode;
use s390_iommu::guest::End;
use s390_iommu::Fib;

/// How an instruction ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// With a condition code.
    Condition(ConditionCode),
    /// With a program interruption of this code.
    ProgramCheck(u16),
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        match end {
            End::Condition(cc) => Self::Condition(cc),
            End::ProgramCheck(code) => Self::ProgramCheck(code as u16),
        }
    }
}

/// Where the machine stores the code of a program interruption (Principles of Operation, "Assigned Storage Locations").
const PROGRAM_INTERRUPTION_CODE: usize = 0x8e;

/// An instruction at label 0 whose condition code is inserted at label 1 and that goes on at label 2 when it is suppressed.
///
/// `trapped` is 1 before, and 0 if the instruction ended with a condition code.
macro_rules! fallible {
    ($($instruction:literal),+) => {
        concat!(
            "0: ",
            $($instruction,)+
            "
            1: ipm {inserted}
            lghi {trapped}, 0
            2:
            .pushsection __ex_table, \"a\"
            .balign 4
            .long 0b - ., 2b - .
            .short 1, 0
            .long 1b - ., 2b - .
            .short 1, 0
            .popsection"
        )
    };
}

fn ended(inserted: u64, trapped: u64) -> Ended {
    if trapped == 0 {
        return Ended::Condition(zpci_machine::condition_code(inserted));
    }
    let code = core::ptr::without_provenance::<u16>(PROGRAM_INTERRUPTION_CODE);
    // SAFETY: The machine has stored it there, and nothing writes there meanwhile.
    Ended::ProgramCheck(unsafe { code.read_volatile() })
}

/// MPCIFC, with the block at `displacement` bytes from `fib`; returns how it ended, and the request register.
///
/// # Safety
///
/// What the function may do afterwards is known to the caller, and right.
pub(super) unsafe fn mpcifc(mut request: u64, fib: &[Fib; 2], displacement: usize) -> (Ended, u64) {
    debug_assert!(displacement < size_of::<Fib>());
    let (mut trapped, mut inserted): (u64, u64) = (1, 0);
    // SAFETY: The machine reads 80 bytes, which lie in the two blocks. What comes of it is the caller's.
    unsafe {
        asm!(
            fallible!(".insn rxy, 0xe300000000d0, {request}, 0({fib})"),
            request = inout(reg) request,
            fib = in(reg_addr) fib.as_ptr().wrapping_byte_add(displacement),
            inserted = inout(reg) inserted,
            trapped = inout(reg) trapped,
            options(nostack)
        );
    }
    (ended(inserted, trapped), request)
}

/// STPCIFC to `displacement` bytes from `fib`; returns how it ended, and the request register.
pub(super) fn stpcifc(mut request: u64, fib: &mut [Fib; 2], displacement: usize) -> (Ended, u64) {
    debug_assert!(displacement < size_of::<Fib>());
    let (mut trapped, mut inserted): (u64, u64) = (1, 0);
    // SAFETY: The machine writes 80 bytes, which lie in the two blocks and are ours.
    unsafe {
        asm!(
            fallible!(".insn rxy, 0xe300000000d4, {request}, 0({fib})"),
            request = inout(reg) request,
            fib = in(reg_addr) fib.as_mut_ptr().wrapping_byte_add(displacement),
            inserted = inout(reg) inserted,
            trapped = inout(reg) trapped,
            options(nostack)
        );
    }
    (ended(inserted, trapped), request)
}

/// RPCIT of `length` bytes from `start` on, with an odd second register if `is_odd`; returns how it ended, and the request
/// register.
pub(super) fn rpcit(mut request: u64, is_odd: bool, start: u64, length: u64) -> (Ended, u64) {
    let (mut trapped, mut inserted): (u64, u64) = (1, 0);
    macro_rules! issue {
        ($second:literal) => {
            // SAFETY: The machine reads translation tables and writes no storage.
            unsafe {
                asm!(
                    fallible!(".insn rre, 0xb9d30000, {request}, %r", $second),
                    request = inout(reg) request,
                    in("r4") start,
                    in("r5") length,
                    inserted = inout(reg) inserted,
                    trapped = inout(reg) trapped,
                    options(nostack)
                );
            }
        };
    }
    if is_odd {
        issue!("5");
    } else {
        issue!("4");
    }
    (ended(inserted, trapped), request)
}
