// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Answers zPCI instructions from a script before the machine gets to see them.

use core::cell::Cell;

use clp::FunctionHandle;
use s390_iommu::{Fib, FunctionControl, Instruction, IovaRange, Outcome, Zpci};

/// A machine that gives the answers of a script, one an instruction, and executes instructions when it has ended.
#[derive(Debug)]
pub struct Scripted<'z, Z> {
    machine: &'z Z,
    /// What is left of the script; nothing in it: the machine executes this one.
    script: Cell<&'z [Option<Outcome>]>,
    /// How often it was waited for, and how often at most.
    paused: Cell<u32>,
    patience: u32,
}

impl<'z, Z> Scripted<'z, Z> {
    /// `machine`, which gives the answers of `script` first; `None` in it lets the machine answer.
    pub const fn new(machine: &'z Z, script: &'z [Option<Outcome>]) -> Self {
        Self { machine, script: Cell::new(script), paused: Cell::new(0), patience: u32::MAX }
    }

    /// The same, but nobody waits more than `patience` times.
    #[must_use]
    pub fn with_patience(self, patience: u32) -> Self {
        Self { patience, ..self }
    }

    /// How often it was waited for.
    pub fn paused(&self) -> u32 {
        self.paused.get()
    }

    /// Number of answers that are left.
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
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        // SAFETY: the caller answers for the operands, whoever answers the instruction.
        self.next().unwrap_or_else(|| unsafe { self.machine.mpcifc(function, control, fib) })
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        self.next().unwrap_or_else(|| self.machine.rpcit(function, range))
    }

    fn pause(&self, _: Instruction, _: u32) -> bool {
        self.paused.set(self.paused.get().saturating_add(1));
        self.paused.get() <= self.patience
    }
}
