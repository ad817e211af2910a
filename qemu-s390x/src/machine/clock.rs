// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The time-of-day clock.

use core::arch::asm;

/// Microseconds since some time long ago, as STORE CLOCK FAST tells: bit 51 is a microsecond.
pub(crate) fn microseconds() -> u64 {
    let mut clock: u64 = 0;
    // SAFETY: The machine stores eight bytes.
    unsafe {
        asm!("stckf 0({clock})", clock = in(reg_addr) &raw mut clock, options(nostack));
    }
    clock >> 12
}
