// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Records the instructions that reach a machine.

use core::cell::RefCell;

use clp::FunctionHandle;
use heapless::Vec;
use s390_iommu::{Fib, FunctionControl, IovaRange, Outcome, Zpci};

/// One executed instruction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Instruction {
    /// MPCIFC.
    Modify {
        /// Handle of the function.
        function: FunctionHandle,
        /// Operation control.
        control: FunctionControl,
        /// Operand.
        fib: Fib,
    },
    /// RPCIT.
    Refresh {
        /// Handle of the function.
        function: FunctionHandle,
        /// First byte.
        start: u64,
        /// Number of bytes.
        length: u64,
    },
}

/// A machine whose zPCI instructions are recorded, the first [`Trace::CAPACITY`] of them.
#[derive(Debug)]
pub struct Trace<'z, Z> {
    machine: &'z Z,
    instructions: RefCell<Vec<Instruction, { TRACE_CAPACITY }>>,
}

const TRACE_CAPACITY: usize = 32;

impl<'z, Z> Trace<'z, Z> {
    /// Number of instructions that are recorded.
    pub const CAPACITY: usize = TRACE_CAPACITY;

    /// Nothing recorded so far.
    pub const fn new(machine: &'z Z) -> Self {
        Self { machine, instructions: RefCell::new(Vec::new()) }
    }

    /// Takes what was recorded, in the order of execution.
    pub fn take(&self) -> Vec<Instruction, { TRACE_CAPACITY }> {
        self.instructions.take()
    }

    fn record(&self, instruction: Instruction) {
        // Nothing here holds a borrow while it calls out, so this one succeeds; more than the capacity is not kept.
        if let Ok(mut instructions) = self.instructions.try_borrow_mut() {
            let _ = instructions.push(instruction);
        }
    }
}

impl<Z: Zpci> Zpci for Trace<'_, Z> {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        self.record(Instruction::Modify { function, control, fib: *fib });
        // SAFETY: the contract is the same.
        unsafe { self.machine.mpcifc(function, control, fib) }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        self.record(Instruction::Refresh {
            function,
            start: range.start().get(),
            length: range.size_less_one().wrapping_add(1),
        });
        self.machine.rpcit(function, range)
    }

    fn pause(&self, instruction: s390_iommu::Instruction, busy: u32) -> bool {
        self.machine.pause(instruction, busy)
    }
}
