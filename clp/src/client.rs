// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The client: issues commands to the machine.

mod call;
mod enable;
mod error;
mod list;
mod machine;
mod pages;
mod progress;
mod set;

pub use call::{call, CallError};
pub use enable::{Enable, EnableError, Enabled, Leftover};
pub use error::ClientError;
pub use list::{List, ListCapacity, ListError};
pub use machine::Clp;
pub use set::SetError;

use crate::block::Block;
use crate::code::{ConditionCode, ResponseCode};
use crate::id::{FunctionGroupId, FunctionHandle, FunctionId};
use crate::message::Received;
use crate::value::{mio_bars, Characteristics, Function, FunctionGroup, FunctionState, ListEntry, ListSummary};
use crate::wire::immediate::{InstalledProcessors, INSTALLED_PROCESSORS};
use crate::wire::set_pci_fn::{Operation, Request, Response};
use crate::wire::{query_pci_fn, query_pci_fngrp, slpc};
use call::call_fixed;
use pages::{Next, Pages};

/// How often the handle is looked up when it keeps changing.
const MAX_ATTEMPTS: u32 = 4;

/// Issues commands to one machine, with one block.
///
/// Every method executes the commands it needs before it returns; nothing is kept in between but the block. A method
/// that changes a function calls [`Clp::pause`] each time the function is busy.
#[derive(Debug)]
pub struct Client<'a, C> {
    machine: &'a C,
    block: &'a mut Block,
}

impl<'a, C: Clp> Client<'a, C> {
    /// A client of `machine` that uses `block`; what is in the block does not matter.
    pub const fn new(machine: &'a C, block: &'a mut Block) -> Self {
        Self { machine, block }
    }

    /// Lists the functions, with as much capacity for each response as the block has.
    #[doc(alias = "clp_list_pci")]
    pub const fn list(&mut self) -> List<'_, C> {
        self.list_with(ListCapacity::MAX)
    }

    /// Lists the functions, with `capacity` for each response; a small one makes the machine answer in several.
    pub const fn list_with(&mut self, capacity: ListCapacity) -> List<'_, C> {
        List::new(self.machine, self.block, capacity)
    }

    /// Finds the function `id` in the list; returns `None` if it is not there.
    ///
    /// As [`Self::find_with_summary`].
    ///
    /// # Errors
    ///
    /// [`ListError`]: the functions cannot be listed.
    #[doc(alias = "clp_find_pci")]
    pub fn find(&mut self, id: FunctionId) -> Result<Option<ListEntry>, ListError> {
        Ok(self.find_with_summary(id)?.0)
    }

    /// Finds the function `id` in the list, and returns what the list says beyond its entries as well.
    ///
    /// Any entry with that identifier is the function, also one with vendor identifier 0, which a [`List`] leaves out
    /// (Linux: `clp_find_pci`, `arch/s390/pci/pci_clp.c`). A list that lost its place is searched again from the start.
    ///
    /// The bound of a [`List`] holds for all searches together, so that a machine that stores an entry at a time has its
    /// functions found: 65,536 commands at most, some 0.7 s where each takes ten microseconds. Linux holds a spinlock over
    /// a search for each function in standby (`zpci_remove_reserved_devices`, `arch/s390/pci/pci.c`). Only a machine that
    /// lies makes it take so long, and one that means harm need not lie for that: it decides how long each instruction
    /// takes.
    ///
    /// # Errors
    ///
    /// [`ListError`]: the functions cannot be listed.
    pub fn find_with_summary(&mut self, id: FunctionId) -> Result<(Option<ListEntry>, Option<ListSummary>), ListError> {
        let mut pages = Pages::new(self.machine, self.block, ListCapacity::MAX);
        while let Some(next) = pages.next() {
            match next? {
                Next::Entry(entry) if entry.id == id => return Ok((Some(entry), pages.summary())),
                Next::Entry(_) | Next::Restart => {}
            }
        }
        Ok((None, pages.summary()))
    }

    /// Finds the handle that the function `id` has now.
    ///
    /// # Errors
    ///
    /// [`ClientError::List`], [`ClientError::Reserved`].
    #[doc(alias = "clp_refresh_fh")]
    pub fn current_handle(&mut self, id: FunctionId) -> Result<FunctionHandle, ClientError> {
        Ok(self.find(id)?.ok_or(ClientError::Reserved(id))?.handle)
    }

    /// Finds the state of the function `id`; one that is not listed is reserved.
    ///
    /// # Errors
    ///
    /// [`ListError`]: the functions cannot be listed.
    #[doc(alias = "clp_get_state")]
    pub fn state(&mut self, id: FunctionId) -> Result<FunctionState, ListError> {
        Ok(self.find(id)?.map_or(FunctionState::Reserved, |entry| entry.state()))
    }

    /// Queries the function with `handle`, whichever that is; [`Self::query_listed`] checks that it is the one meant.
    ///
    /// # Errors
    ///
    /// [`ClientError::Call`], for a handle that is not valid any more with response code 0x0101;
    /// [`ClientError::Function`].
    #[doc(alias = "clp_query_pci_fn")]
    pub fn query_function(&mut self, handle: FunctionHandle) -> Result<Function, ClientError> {
        let received = call_fixed(self.machine, self.block, &query_pci_fn::Request::new(handle))?;
        Ok(Function::decode(&received)?)
    }

    /// Queries the function with `handle`, which was listed as `id`.
    ///
    /// # Errors
    ///
    /// Those of [`Self::query_function`]; [`ClientError::OtherFunction`] if the response has another identifier.
    pub fn query_listed(&mut self, id: FunctionId, handle: FunctionHandle) -> Result<Function, ClientError> {
        let function = self.query_function(handle)?;
        if function.id == id {
            Ok(function)
        } else {
            Err(ClientError::OtherFunction(function.id))
        }
    }

    /// Queries the group `id`.
    ///
    /// # Errors
    ///
    /// [`CallError`], for an unknown group with response code 0x010b.
    #[doc(alias = "clp_query_pci_fngrp")]
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
        self.machine.immediate(INSTALLED_PROCESSORS).map(InstalledProcessors)
    }

    /// Enables the function with `handle` as `how` says, mapped I/O included: all of it or nothing.
    ///
    /// Each command carries the handle that the one before returned. When something fails after the machine enabled the
    /// function, or may have, the function is disabled again, also where the machine answered OK and the response makes
    /// no sense: with a handle without the enable bit, or without a code, or too short for a handle. Where the machine stored
    /// no handle, the one of the request is tried, with the enable bit and without.
    ///
    /// # Errors
    ///
    /// [`EnableError`], with the first [`SetError`] (see [`Self::set`]), and what became of the function. A function
    /// that already is enabled is refused, with response code 0x0105 on hardware and 0x0102 in QEMU, a handle that is
    /// not valid any more with 0x0101, and both with [`Leftover::Unchanged`]; [`Self::ensure_enabled`] takes care of
    /// these.
    #[doc(alias = "clp_enable_fh")]
    pub fn enable(&mut self, handle: FunctionHandle, how: Enable) -> Result<Enabled, EnableError> {
        let enabled = match self.set(&how.request(handle, Operation::ENABLE)) {
            Ok(received) => new_handle(&received),
            Err(error) if error.is_ambiguous() => {
                let returned = error.returned_handle();
                let likely = FunctionHandle(returned.unwrap_or(handle).0 | FunctionHandle::ENABLED);
                return Err(self.roll_back(error, likely, [returned, Some(likely), Some(handle)]));
            }
            Err(error) => return Err(EnableError { error, function: Leftover::Unchanged }),
        };
        if !how.mio {
            return Ok(Enabled { handle: enabled, mio: None });
        }
        match self.set(&how.request(enabled, Operation::ENABLE_MIO)) {
            Ok(received) => {
                let mio =
                    if received.covers(Response::MIO_END) { mio_bars(&received.response().mio) } else { [None; 6] };
                Ok(Enabled { handle: new_handle(&received), mio: Some(mio) })
            }
            Err(error) => Err(self.roll_back(error, enabled, [Some(enabled), error.returned_handle(), None])),
        }
    }

    /// Disables a function after `error`, by the first of `candidates` that is a valid handle; it may be enabled with
    /// the handle `likely`.
    fn roll_back(
        &mut self,
        error: SetError,
        likely: FunctionHandle,
        candidates: [Option<FunctionHandle>; 3],
    ) -> EnableError {
        let mut failure = None;
        for candidate in candidates.into_iter().flatten() {
            let function = match self.disable(candidate) {
                Ok(handle) => Leftover::Disabled(handle),
                Err(error) if is_disabled_already(candidate, error) => Leftover::Disabled(candidate),
                Err(error) => {
                    failure.get_or_insert(error);
                    if error.response_code() == Some(ResponseCode::FUNCTION_HANDLE) {
                        continue;
                    }
                    break;
                }
            };
            return EnableError { error, function };
        }
        EnableError { error, function: Leftover::MaybeEnabled { handle: likely, error: failure.unwrap_or(error) } }
    }

    /// Disables the function with `handle`, which also resets it, and returns its new handle; the old one is dead.
    ///
    /// # Errors
    ///
    /// Those of [`Self::set`]. A function that already is disabled is refused, with response code 0x0105 on hardware
    /// and 0x0102 in QEMU; a handle that is not valid any more with 0x0101. [`Self::ensure_disabled`] takes care of
    /// all these.
    #[doc(alias = "clp_disable_fh")]
    pub fn disable(&mut self, handle: FunctionHandle) -> Result<FunctionHandle, SetError> {
        self.set(&Request::new(handle, Operation::DISABLE)).map(|received| new_handle(&received))
    }

    /// Disables mapped I/O of the function with `handle` and returns its handle, enabled or not.
    ///
    /// # Errors
    ///
    /// Those of [`Self::set`]; QEMU always refuses, with response code 0x0102.
    pub fn disable_mio(&mut self, handle: FunctionHandle) -> Result<FunctionHandle, SetError> {
        self.set(&Request::new(handle, Operation::DISABLE_MIO)).map(|received| new_handle(&received))
    }

    /// Executes one SET PCI FN, again while the function is busy and [`Clp::pause`] returns `true`.
    ///
    /// The response code decides, as in Linux, which never looks at the handle. An operation that disables may return a
    /// handle with the enable bit: z/VM has been seen to list a disabled function so (`zpci_hot_reset_device`,
    /// `arch/s390/pci/pci.c`). One that enables may not return a handle without the bit: Linux and this crate would take
    /// the function for disabled from then on, and nobody would disable it.
    ///
    /// # Errors
    ///
    /// [`SetError::Busy`] when the pause gave up; [`SetError::Call`] when the command failed; [`SetError::Handle`] when
    /// the machine answered OK with the handle 0, which Linux takes for none, or after an operation that enables with a
    /// handle without the enable bit.
    ///
    /// After [`SetError::Handle`], after a response without a code and after one that is too short, the state of the
    /// function is unknown; [`Self::state`] finds it.
    #[doc(alias = "clp_set_pci_fn")]
    pub fn set(&mut self, request: &Request) -> Result<Received<Response>, SetError> {
        let mut busy = 0u32;
        let received = loop {
            match call_fixed(self.machine, self.block, request) {
                Ok(received) => break received,
                Err(error) if error.response_code() == Some(ResponseCode::BUSY) => {
                    busy = busy.saturating_add(1);
                    if !self.machine.pause(busy) {
                        return Err(SetError::Busy { answers: busy });
                    }
                }
                Err(error) => return Err(SetError::Call(error)),
            }
        };
        let operation = Operation(request.operation);
        let handle = new_handle(&received);
        let contradicts = matches!(operation, Operation::ENABLE | Operation::ENABLE_MIO) && !handle.is_enabled();
        if handle.0 == 0 || contradicts {
            return Err(SetError::Handle { operation, handle });
        }
        Ok(received)
    }

    /// Makes sure that the function `id` is enabled and returns the handle it has then.
    ///
    /// The handle comes from the list. A function that already is enabled stays as it is. Where the machine says that
    /// the handle is not valid (0x0101), not valid for the operation (0x0102), or that the function already is in that
    /// state (0x0105), the list decides anew, four times at most: so it does not matter that hardware and QEMU answer
    /// with different codes.
    ///
    /// # Errors
    ///
    /// [`ClientError::Reserved`] and [`ClientError::Standby`] with nothing changed, [`ClientError::List`],
    /// [`ClientError::Enable`].
    pub fn ensure_enabled(&mut self, id: FunctionId) -> Result<FunctionHandle, ClientError> {
        self.ensure(id, FunctionState::Enabled, |client, handle| Ok(client.enable(handle, Enable::PLAIN)?.handle))
    }

    /// Makes sure that the function `id` is disabled and returns the handle it has then.
    ///
    /// As [`Self::ensure_enabled`]. A function that is found disabled has not been reset. One that is listed as enabled
    /// while the machine says to the end that it is disabled already (0x0105) is disabled: z/VM answers so for a
    /// function in error (`zpci_hot_reset_device`, `arch/s390/pci/pci.c`). Its handle has the enable bit then.
    ///
    /// # Errors
    ///
    /// [`ClientError::Reserved`] and [`ClientError::Standby`] with nothing changed, [`ClientError::List`],
    /// [`ClientError::Set`].
    pub fn ensure_disabled(&mut self, id: FunctionId) -> Result<FunctionHandle, ClientError> {
        self.ensure(id, FunctionState::Configured, |client, handle| Ok(client.disable(handle)?))
    }

    fn ensure(
        &mut self,
        id: FunctionId,
        wanted: FunctionState,
        mut set: impl FnMut(&mut Self, FunctionHandle) -> Result<FunctionHandle, ClientError>,
    ) -> Result<FunctionHandle, ClientError> {
        let mut attempts = 0;
        loop {
            let entry = self.find(id)?.ok_or(ClientError::Reserved(id))?;
            match entry.state() {
                state if state == wanted => return Ok(entry.handle),
                FunctionState::Standby => return Err(ClientError::Standby(id)),
                _ => attempts += 1,
            }
            match set(self, entry.handle) {
                Err(error) if attempts < MAX_ATTEMPTS && changed_meanwhile(error) => {}
                Err(ClientError::Set(error)) if error.response_code() == Some(ResponseCode::ALREADY_IN_STATE) => {
                    return Ok(entry.handle)
                }
                result => return result,
            }
        }
    }
}

/// Whether the refusal can come from a handle or a state that changed since the list was read.
fn changed_meanwhile(error: ClientError) -> bool {
    matches!(
        error.response_code(),
        Some(ResponseCode::FUNCTION_HANDLE | ResponseCode::HANDLE_STATE | ResponseCode::ALREADY_IN_STATE)
    )
}

/// Whether the refusal to disable the function with `handle` says that it is disabled.
///
/// QEMU answers as to a handle that is not valid for the operation: one without the enable bit.
fn is_disabled_already(handle: FunctionHandle, error: SetError) -> bool {
    match error.response_code() {
        Some(ResponseCode::ALREADY_IN_STATE) => true,
        Some(ResponseCode::HANDLE_STATE) => !handle.is_enabled(),
        _ => false,
    }
}

fn new_handle(received: &Received<Response>) -> FunctionHandle {
    FunctionHandle(received.response().handle.get())
}
