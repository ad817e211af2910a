// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A machine between the client and the real one, which keeps each block.

use std::cell::RefCell;

use clp::{Clp, Command, ConditionCode, LogicalProcessor};

use super::{Exchange, Wrong};

/// A machine that hands on what it is asked, and keeps each block with what came back.
#[derive(Debug)]
pub(super) struct Recorder<'a, C, R> {
    machine: &'a C,
    /// Why the system did not hand the last command to the machine, if so it was.
    refusal: R,
    exchanges: RefCell<Vec<Exchange>>,
}

impl<'a, C: Clp, R: Fn() -> Option<String>> Recorder<'a, C, R> {
    /// In front of `machine`; `refusal` says why the last command did not reach it.
    pub(super) fn new(machine: &'a C, refusal: R) -> Self {
        Self { machine, refusal, exchanges: RefCell::default() }
    }

    /// What was kept since the last call of this, in the order in which it was issued.
    pub(super) fn take(&self) -> Vec<Exchange> {
        self.exchanges.take()
    }
}

impl<C: Clp, R: Fn() -> Option<String>> Clp for Recorder<'_, C, R> {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        let capacity = u16::try_from(command.capacity()).ok();
        let condition = self.machine.call(processor, command);
        let refusal = (self.refusal)();
        self.exchanges.borrow_mut().push(Exchange {
            bytes: command.bytes().to_vec(),
            capacity,
            // A command that was not handed to the machine has none.
            condition: refusal.is_none().then_some(condition as u8),
            wrong: refusal.map(Wrong::System),
            ..Exchange::default()
        });
        condition
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        self.machine.immediate(command)
    }

    fn pause(&self, busy: u32) -> bool {
        self.machine.pause(busy)
    }
}
