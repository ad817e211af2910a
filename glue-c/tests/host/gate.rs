// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The gate of an attachment: how long a processor waits for it, and whether interrupts come in meanwhile.

use core::ffi::c_void;
use core::ptr::from_mut;

use crate::binding::{
    kernel_hold, kernel_interrupts, kernel_interrupts_are_on, kernel_waited, zpci_rust_gate_exclusive,
    zpci_rust_gate_exclusive_end, zpci_rust_gate_shared, zpci_rust_gate_shared_end, KernelLock, KernelWaited,
};
use crate::stand_in::StandIn;

/// Ticks of a second, `HZ` in C.
const SECOND: u32 = 100;

/// Closes the gate while somebody else is behind it for so many `ticks`, and opens it again. Returns how long that took.
fn close(ticks: u32) -> KernelWaited {
    let mut lock = KernelLock { taken: 0, readers: 0 };
    let gate: *mut c_void = from_mut(&mut lock).cast();
    // SAFETY: `lock` is a lock of `rwlock.h` that nobody has, and outlives the calls.
    unsafe {
        if ticks != 0 {
            kernel_hold(gate.cast(), ticks);
        }
        let flags = zpci_rust_gate_exclusive(gate);
        assert!(!kernel_interrupts_are_on());
        assert_eq!((*gate.cast::<KernelLock>()).taken, 1);
        zpci_rust_gate_exclusive_end(gate, flags);
        kernel_waited()
    }
}

#[test]
fn who_closes_it_has_interrupts_off_until_it_is_open() {
    let _kernel = StandIn::new();
    assert_eq!(close(0), KernelWaited { interruptible: 0, in_line: 0 });
    // SAFETY: this only reads, and changes, what belongs to this thread.
    unsafe {
        assert!(kernel_interrupts_are_on());
        kernel_interrupts(false);
        close(0);
        assert!(!kernel_interrupts_are_on());
        kernel_interrupts(true);
    }
}

#[test]
fn interrupts_come_in_while_somebody_is_behind_it() {
    let _kernel = StandIn::new();
    for ticks in [1, 40, SECOND] {
        assert_eq!(close(ticks), KernelWaited { interruptible: ticks, in_line: 0 });
        // SAFETY: this only reads what belongs to this thread.
        assert!(unsafe { kernel_interrupts_are_on() });
    }
}

/// A lock does not let in those that come after who is in line.
#[test]
fn who_waits_for_a_second_gets_into_line() {
    let _kernel = StandIn::new();
    assert_eq!(close(3 * SECOND), KernelWaited { interruptible: SECOND + 1, in_line: 2 * SECOND - 1 });
    // SAFETY: this only reads what belongs to this thread.
    assert!(unsafe { kernel_interrupts_are_on() });
}

#[test]
fn several_pass_it() {
    let kernel = StandIn::new();
    let mut lock = KernelLock { taken: 0, readers: 0 };
    let gate: *mut c_void = from_mut(&mut lock).cast();
    // SAFETY: `lock` is a lock of `rwlock.h` that nobody has, and outlives the calls.
    unsafe {
        let first = zpci_rust_gate_shared(gate);
        assert!(!kernel_interrupts_are_on());
        let second = zpci_rust_gate_shared(gate);
        zpci_rust_gate_shared_end(gate, second);
        assert!(!kernel_interrupts_are_on());
        zpci_rust_gate_shared_end(gate, first);
        assert!(kernel_interrupts_are_on());
        let flags = zpci_rust_gate_exclusive(gate);
        zpci_rust_gate_exclusive_end(gate, flags);
    }
    drop(kernel);
    assert_eq!(lock, KernelLock { taken: 0, readers: 0 });
}
