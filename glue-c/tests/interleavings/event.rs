// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What happened in a run, for who looks for the reason of a complaint.

use std::fmt;

use crate::scenario::Deed;

/// One thing that happened; text is made of it after a complaint alone, as most of the time of a run would go there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// This actor began.
    Began(usize, Deed),
    /// This actor ended, with what the shim returned.
    Returned(usize, Deed, i32),
    /// The same, with a condition code and a status.
    Answered(usize, Deed, u8, u8),
    /// This actor ended, and nothing is returned.
    Done(usize, Deed),
    Mpcifc {
        handle: u32,
        control: u8,
        cc: u8,
        status: u8,
    },
    Rpcit {
        handle: u32,
        start: u64,
        length: u64,
        cc: u8,
        status: u8,
    },
    /// LIST PCI.
    Listed,
    /// SET PCI FN.
    Set {
        handle: u32,
        operation: u8,
        code: u16,
        now: u32,
    },
    /// A table was freed.
    Freed(u64),
    AllocationFailed,
    /// A callback of RCU ran.
    Callback,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Began(actor, deed) => write!(f, "{actor}: {deed:?}"),
            Self::Returned(actor, deed, rc) => write!(f, "{actor}: {deed:?} -> {rc}"),
            Self::Answered(actor, deed, cc, status) => write!(f, "{actor}: {deed:?} -> {cc}/{status}"),
            Self::Done(actor, deed) => write!(f, "{actor}: {deed:?} done"),
            Self::Mpcifc { handle, control, cc, status } => {
                write!(f, "  mpcifc {handle:#x} {control} -> {cc}/{status}")
            }
            Self::Rpcit { handle, start, length, cc, status } => {
                write!(f, "  rpcit {handle:#x} {start:#x}+{length:#x} -> {cc}/{status}")
            }
            Self::Listed => f.write_str("  list"),
            Self::Set { handle, operation, code, now } => {
                write!(f, "  set {handle:#x} {operation} -> {code:#x}, {now:#x}")
            }
            Self::Freed(origin) => write!(f, "  free {origin:#x}"),
            Self::AllocationFailed => f.write_str("  allocation fails"),
            Self::Callback => f.write_str("callback"),
        }
    }
}
