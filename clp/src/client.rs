// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Who issues commands to the machine.

use crate::call::call_fixed;
use crate::{
    immediate, query_pci_fn, query_pci_fngrp, slpc, Block, CallError, Characteristics, Clp, ConditionCode, Function,
    FunctionError, FunctionGroup, FunctionGroupId, FunctionHandle, InstalledProcessors, List, ListRoom,
};
use core::fmt;

/// Issues commands to one machine, with one block.
///
/// Every method executes the commands it needs before it returns; nothing is kept in between but the block.
///
/// A method that changes a function takes `again`, which is called each time the function is busy, with the number of
/// busy answers to that command so far. It pauses and returns whether to try again: there is no other bound. Linux
/// pauses for 20 ms, up to 100 times (`clp_set_pci_fn`, `arch/s390/pci/pci_clp.c`).
#[derive(Debug)]
pub struct Client<'a, C> {
    pub(crate) machine: &'a C,
    pub(crate) block: &'a mut Block,
}

impl<'a, C: Clp> Client<'a, C> {
    /// A client of `machine` that uses `block`; what is in the block does not matter.
    pub const fn new(machine: &'a C, block: &'a mut Block) -> Self {
        Self { machine, block }
    }

    /// Lists the functions, with as much room for each response as the block has.
    pub fn list(&mut self) -> List<'_, C> {
        self.list_with_room(ListRoom::MAX)
    }

    /// Lists the functions, with `room` for each response; a small one makes the machine answer in several responses.
    pub fn list_with_room(&mut self, room: ListRoom) -> List<'_, C> {
        List::new(self.machine, self.block, room)
    }

    /// Queries the function with `handle`.
    ///
    /// # Errors
    ///
    /// [`QueryError::Call`], for a handle that is not valid any more with response code 0x0101;
    /// [`QueryError::Function`].
    pub fn query_function(&mut self, handle: FunctionHandle) -> Result<Function, QueryError> {
        let received = call_fixed(self.machine, self.block, &query_pci_fn::Request::new(handle))?;
        Ok(Function::decode(&received)?)
    }

    /// Queries the group `id`.
    ///
    /// # Errors
    ///
    /// [`CallError`], for an unknown group with response code 0x010b.
    pub fn query_function_group(&mut self, id: FunctionGroupId) -> Result<FunctionGroup, CallError> {
        let received = call_fixed(self.machine, self.block, &query_pci_fngrp::Request::new(id))?;
        Ok(FunctionGroup::decode(&received))
    }

    /// Queries the characteristics of the PCI processor (SLPC).
    ///
    /// # Errors
    ///
    /// [`CallError`], in QEMU always, with response code 0x0050.
    pub fn characteristics(&mut self) -> Result<Characteristics, CallError> {
        let received = call_fixed(self.machine, self.block, &slpc::Request::new())?;
        Ok(Characteristics::decode(&received))
    }

    /// Asks which logical processors are installed, by the immediate form.
    ///
    /// # Errors
    ///
    /// The condition code; QEMU raises an operand exception, that is [`ConditionCode::Three`].
    pub fn installed_processors(&self) -> Result<InstalledProcessors, ConditionCode> {
        self.machine.immediate(immediate::INSTALLED_PROCESSORS).map(InstalledProcessors)
    }
}

/// Why a function cannot be queried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum QueryError {
    /// The command failed.
    Call(CallError),
    /// The machine tells of a function that cannot be.
    Function(FunctionError),
}

impl From<CallError> for QueryError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<FunctionError> for QueryError {
    fn from(error: FunctionError) -> Self {
        Self::Function(error)
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Function(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for QueryError {}
