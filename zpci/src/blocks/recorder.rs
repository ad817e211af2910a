// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A machine between the client and the real one, which keeps each block.

use std::cell::RefCell;

use clp::{Clp, Command, ConditionCode, LogicalProcessor};

use super::Exchange;

/// A machine that hands on what it is asked, and keeps each block with what came back.
#[derive(Debug)]
pub(super) struct Recorder<'a, C> {
    machine: &'a C,
    exchanges: RefCell<Vec<Exchange>>,
}

impl<'a, C: Clp> Recorder<'a, C> {
    /// In front of `machine`.
    pub(super) fn new(machine: &'a C) -> Self {
        Self { machine, exchanges: RefCell::default() }
    }

    /// What was kept since the last call of this, in the order in which it was issued.
    pub(super) fn take(&self) -> Vec<Exchange> {
        self.exchanges.take()
    }
}

impl<C: Clp> Clp for Recorder<'_, C> {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        let capacity = u16::try_from(command.capacity()).ok();
        let condition = self.machine.call(processor, command);
        self.exchanges.borrow_mut().push(Exchange {
            bytes: command.bytes().to_vec(),
            capacity,
            condition: Some(condition as u8),
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
