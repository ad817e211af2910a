// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which facilities the machine has.

use core::arch::asm;

/// Whether facility `number` is installed, as STORE FACILITY LIST EXTENDED tells; bit 0 is the leftmost.
#[doc(alias("STFLE", "test_facility"))]
pub fn has_facility(number: u16) -> bool {
    let mut list = [0_u64; 4];
    // SAFETY: Register 0 holds the number of doublewords less one; the machine stores no more than that.
    unsafe {
        asm!(
            "stfle 0({list})",
            list = in(reg_addr) list.as_mut_ptr(),
            inout("r0") list.len() as u64 - 1 => _,
            options(nostack)
        );
    }
    list.get(usize::from(number / 64)).is_some_and(|bits| bits & (1 << 63 >> (number % 64)) != 0)
}
