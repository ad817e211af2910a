// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Answers zPCI instructions from a script before the machine gets to see them.

use core::cell::Cell;

use clp::FunctionHandle;
use s390_iommu::{Fib, FunctionControl, Outcome, Zpci};

/// A machine that gives the answers of a script, one an instruction, and executes instructions when it has ended.
#[derive(Debug)]
pub struct Scripted<'z, Z> {
    machine: &'z Z,
    /// What is left of the script; nothing in it: the machine executes this one.
    script: Cell<&'z [Option<Outcome>]>,
}

impl<'z, Z> Scripted<'z, Z> {
    /// `machine`, which gives the answers of `script` first; `None` in it lets the machine answer.
    pub const fn new(machine: &'z Z, script: &'z [Option<Outcome>]) -> Self {
        Self { machine, script: Cell::new(script) }
    }

    /// Number of answers that nobody asked for.
    pub fn left(&self) -> usize {
        self.script.get().len()
    }

    fn next(&self) -> Option<Outcome> {
        let (first, rest) = self.script.get().split_first()?;
        self.script.set(rest);
        *first
    }
}

impl<Z: Zpci> Zpci for Scripted<'_, Z> {
    fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        self.next().unwrap_or_else(|| self.machine.mpcifc(function, control, fib))
    }

    fn rpcit(&self, function: FunctionHandle, start: u64, length: u64) -> Outcome {
        self.next().unwrap_or_else(|| self.machine.rpcit(function, start, length))
    }
}
