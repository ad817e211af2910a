// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function, enabled and disabled by its handle.

use crate::call::call_fixed;
use crate::function::mio_bars;
use crate::set_pci_fn::{Operation, Request, Response};
use crate::{CallError, Client, Clp, FunctionHandle, MioBar, Received, ResponseCode};
use core::fmt;

impl<C: Clp> Client<'_, C> {
    /// Enables the function with `handle` and returns its new handle; the old one is dead.
    ///
    /// # Errors
    ///
    /// Those of [`Self::set`]. A function that already is enabled is refused, with response code 0x0105 on hardware and
    /// 0x0102 in QEMU; a handle that is not valid any more with 0x0101. [`Client::ensure_enabled`] takes care of all
    /// these.
    pub fn enable(
        &mut self,
        handle: FunctionHandle,
        again: impl FnMut(u32) -> bool,
    ) -> Result<FunctionHandle, SetError> {
        self.set(&Request::new(handle, Operation::ENABLE), again).map(|received| new_handle(&received))
    }

    /// Disables the function with `handle`, which also resets it, and returns its new handle; the old one is dead.
    ///
    /// # Errors
    ///
    /// Those of [`Self::set`]. A function that already is disabled is refused, with response code 0x0105 on hardware
    /// and 0x0102 in QEMU; a handle that is not valid any more with 0x0101. [`Client::ensure_disabled`] takes care of
    /// all these.
    pub fn disable(
        &mut self,
        handle: FunctionHandle,
        again: impl FnMut(u32) -> bool,
    ) -> Result<FunctionHandle, SetError> {
        self.set(&Request::new(handle, Operation::DISABLE), again).map(|received| new_handle(&received))
    }

    /// Enables mapped I/O of the function with `handle`, which must be enabled; returns its handle and the addresses.
    ///
    /// # Errors
    ///
    /// Those of [`Self::set`]; QEMU always refuses, with response code 0x0102.
    pub fn enable_mio(
        &mut self,
        handle: FunctionHandle,
        again: impl FnMut(u32) -> bool,
    ) -> Result<MioEnabled, SetError> {
        self.set(&Request::new(handle, Operation::ENABLE_MIO), again).map(|received| MioEnabled {
            handle: new_handle(&received),
            bars: if received.covers(Response::MIO_END) { mio_bars(&received.response().mio) } else { [None; 6] },
        })
    }

    /// Disables mapped I/O of the function with `handle` and returns its handle, enabled or not.
    ///
    /// # Errors
    ///
    /// Those of [`Self::set`]; QEMU always refuses, with response code 0x0102.
    pub fn disable_mio(
        &mut self,
        handle: FunctionHandle,
        again: impl FnMut(u32) -> bool,
    ) -> Result<FunctionHandle, SetError> {
        self.set(&Request::new(handle, Operation::DISABLE_MIO), again).map(|received| new_handle(&received))
    }

    /// Executes one SET PCI FN, again while the function is busy and `again` says so.
    ///
    /// # Errors
    ///
    /// [`SetError::Busy`] when `again` said no; [`SetError::Call`] when the command failed; [`SetError::Handle`] when
    /// the machine said that all went well and returned a handle that contradicts it: an operation that enables must
    /// return one with the enable bit, [`Operation::DISABLE`] one without.
    ///
    /// After [`SetError::Handle`], and after a response of an impossible length, the state of the function is unknown;
    /// [`Client::find`] tells it.
    pub fn set(
        &mut self,
        request: &Request,
        mut again: impl FnMut(u32) -> bool,
    ) -> Result<Received<Response>, SetError> {
        let mut busy = 0u32;
        let received = loop {
            match call_fixed(self.machine, self.block, request) {
                Ok(received) => break received,
                Err(error) if error.response_code() == Some(ResponseCode::BUSY) => {
                    busy = busy.saturating_add(1);
                    if !again(busy) {
                        return Err(SetError::Busy { answers: busy });
                    }
                }
                Err(error) => return Err(SetError::Call(error)),
            }
        };
        let operation = Operation(request.operation);
        let handle = new_handle(&received);
        match (operation, handle.is_enabled()) {
            (Operation::ENABLE | Operation::ENABLE_MIO, false) | (Operation::DISABLE, true) => {
                Err(SetError::Handle { operation, handle })
            }
            _ => Ok(received),
        }
    }
}

fn new_handle(received: &Received<Response>) -> FunctionHandle {
    FunctionHandle(received.response().handle.get())
}

/// A function with mapped I/O enabled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MioEnabled {
    /// The handle that the function has now.
    pub handle: FunctionHandle,
    /// Addresses of BAR 0 to 5, where the response has them.
    pub bars: [Option<MioBar>; 6],
}

/// Why the state of a function was not changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SetError {
    /// The command failed.
    Call(CallError),
    /// The function was busy until the caller gave up.
    Busy {
        /// Number of busy answers.
        answers: u32,
    },
    /// The machine said that all went well and returned a handle that contradicts it.
    Handle {
        /// What was done.
        operation: Operation,
        /// The handle that was returned.
        handle: FunctionHandle,
    },
}

impl SetError {
    /// The response code, if the command was executed and refused.
    pub const fn response_code(self) -> Option<ResponseCode> {
        match self {
            Self::Call(error) => error.response_code(),
            Self::Busy { .. } => Some(ResponseCode::BUSY),
            Self::Handle { .. } => None,
        }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Busy { answers } => write!(f, "function busy {answers} times"),
            Self::Handle { operation, handle } => write!(f, "{operation} returned handle {handle}"),
        }
    }
}

impl core::error::Error for SetError {}
