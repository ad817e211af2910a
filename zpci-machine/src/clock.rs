// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The time-of-day clock.

use core::arch::asm;

/// Time as STORE CLOCK FAST tells it: bit 51 is a microsecond.
pub fn time_of_day() -> u64 {
    let mut clock: u64 = 0;
    // SAFETY: The machine stores eight bytes.
    unsafe {
        asm!("stckf 0({clock})", clock = in(reg_addr) &raw mut clock, options(nostack));
    }
    clock
}

/// Waits so many microseconds.
pub fn wait(time: u64) {
    let start = microseconds();
    while microseconds().wrapping_sub(start) < time {}
}

/// Microseconds since some time long ago.
pub fn microseconds() -> u64 {
    time_of_day() >> 12
}
