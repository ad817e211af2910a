// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The end: a wait that nothing can interrupt.

use core::arch::asm;

/// QEMU takes a disabled wait with this instruction address for a shutdown (QEMU: `target/s390x/helper.c`).
pub(crate) const PASSED: u64 = 0xfff;

/// Any other address is a guest that crashed; this one says that a case failed.
pub(crate) const FAILED: u64 = 0xbad;

/// Loads a PSW with the wait bit, without any mask that would let an interruption in, and with `address`.
pub(crate) fn stop(address: u64) -> ! {
    let psw: [u64; 2] = [0x0002_0001_8000_0000, address];
    // SAFETY: The operand is sixteen bytes, aligned to eight. Nothing runs after it.
    unsafe {
        asm!("lpswe 0({psw})", psw = in(reg_addr) psw.as_ptr(), options(noreturn));
    }
}
