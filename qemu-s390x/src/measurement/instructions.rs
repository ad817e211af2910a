// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Counting instructions by the clock of a machine that takes a nanosecond for each: QEMU with one processor and
//! `-icount shift=0`.

use core::arch::asm;

use zpci_machine::clock::time_of_day;

/// The instructions of `operation`, without those of looking at the clock, and what it returned.
pub(super) fn instructions<R>(operation: impl FnOnce() -> R) -> (u64, R) {
    let (nothing, ()) = between_looks(|| ());
    let (count, result) = between_looks(operation);
    (count.saturating_sub(nothing), result)
}

/// Instructions between two looks at the clock.
///
/// It is a function of its own, so that nothing of its caller comes between the looks.
#[inline(never)]
fn between_looks<R>(operation: impl FnOnce() -> R) -> (u64, R) {
    let start = look();
    let result = operation();
    let units = look().wrapping_sub(start);
    // A nanosecond is 512/125 units; each look is rounded down to a unit, so the nearest nanosecond is the right one.
    ((units * 125 + 256) / 512, result)
}

/// Takes the same instructions wherever it is called.
#[inline(never)]
fn look() -> u64 {
    time_of_day()
}

/// Whether the clock tells instructions: it must find as many in a loop as there are.
pub(super) fn is_exact() -> bool {
    const TURNS: u64 = 1000;
    let branches = |turns: u64| {
        let (count, ()) = instructions(|| {
            // SAFETY: The loop changes its own register only.
            unsafe { asm!("0: brctg {turns}, 0b", turns = inout(reg) turns => _, options(nostack)) }
        });
        count
    };
    branches(1 + TURNS) == branches(1) + TURNS
}
