// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What keeps the refreshes of a function and a change of its registration apart.

/// Keeps the refreshes of one function and a change of its registration apart.
///
/// A machine that gets RPCIT for a function without registered tables takes it for an error of the function (QEMU,
/// measured), and a table may be freed while a function uses it if a refresh misses one that is just being registered.
/// So a function is refreshed behind an open gate, which many may pass at a time, and MPCIFC is issued behind a closed
/// one. Nobody waits for the machine behind a gate: each holds it for one instruction.
///
/// # Safety
///
/// As long as an argument of [`exclusive`](Self::exclusive) runs, no other argument of either method of the same gate
/// runs. What an argument of `exclusive` stored is seen by whatever runs behind the gate afterwards.
pub unsafe trait Gate {
    /// Runs `issue` behind the open gate.
    fn shared<R>(&self, issue: impl FnOnce() -> R) -> R;

    /// Runs `change` behind the closed gate.
    fn exclusive<R>(&self, change: impl FnOnce() -> R) -> R;
}

/// The gate of a function that one thread alone uses.
///
/// It is neither `Send` nor `Sync`, so that no other thread can come by.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneThread(core::marker::PhantomData<*const ()>);

impl OneThread {
    /// The gate.
    pub const fn new() -> Self {
        Self(core::marker::PhantomData)
    }
}

// SAFETY: the gate stays in one thread, and the crate calls neither method from an argument of the other.
unsafe impl Gate for OneThread {
    #[inline]
    fn shared<R>(&self, issue: impl FnOnce() -> R) -> R {
        issue()
    }

    #[inline]
    fn exclusive<R>(&self, change: impl FnOnce() -> R) -> R {
        change()
    }
}

/// No gate, for instructions whose caller keeps the state of the function itself.
pub(crate) struct NoGate;

// SAFETY: the type is private, and used only where no state of an attachment is behind the gate.
unsafe impl Gate for NoGate {
    fn shared<R>(&self, issue: impl FnOnce() -> R) -> R {
        issue()
    }

    fn exclusive<R>(&self, change: impl FnOnce() -> R) -> R {
        change()
    }
}
