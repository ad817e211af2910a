// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the VMM is to do with a function.

use super::buffer::Buffer;
use super::{Done, Rules};
use crate::code::{ConditionCode, ResponseCode};
use crate::id::FunctionHandle;
use crate::wire::mio::MioInfo;
use crate::wire::set_pci_fn::Response;
use core::fmt;

/// What the guest wants of a function.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SetAction {
    /// Enable it.
    ///
    /// The designation of a guest interruption state area (GISA) that a guest may give is not told: it would be an address of
    /// the guest where the host expects one of its own. A VMM that lets the machine forward interrupts has its host
    /// designate the area.
    Enable,
    /// Disable it, which resets it: registrations of DMA, interrupts and measurement end.
    Disable,
    /// Enable mapped I/O; of functions alone that have [addresses](crate::Function::mio) for it.
    EnableMio,
    /// Disable mapped I/O.
    DisableMio,
}

impl SetAction {
    /// Whether the function can have `handle` after it.
    const fn leads_to(self, handle: FunctionHandle) -> bool {
        match self {
            Self::Enable | Self::EnableMio => handle.is_enabled(),
            Self::Disable => !handle.is_enabled(),
            Self::DisableMio => true,
        }
    }
}

/// Why the VMM does not do it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SetRefusal {
    /// The function went away meanwhile.
    Gone,
    /// Resources are insufficient.
    Resources,
    /// The function came into that state meanwhile.
    AlreadyInState,
    /// The function has a permanent error.
    PermanentError,
    /// Recovery of the function from an error is pending.
    RecoveryPending,
    /// The function is busy; the guest may try again later. Linux does, 100 times with pauses of 20 ms.
    Busy,
}

impl SetRefusal {
    const fn response_code(self, rules: &Rules) -> ResponseCode {
        match self {
            Self::Gone => ResponseCode::FUNCTION_HANDLE,
            Self::Resources => ResponseCode::RESOURCES,
            Self::AlreadyInState => rules.already_in_state,
            Self::PermanentError => ResponseCode::PERMANENT_ERROR,
            Self::RecoveryPending => ResponseCode::RECOVERY_PENDING,
            Self::Busy => ResponseCode::BUSY,
        }
    }
}

/// A checked SET PCI FN that waits for the VMM.
///
/// It borrows the block alone, so that the VMM can change its functions. The response in the block is that the function
/// is busy, and stays so if the request is dropped.
#[derive(Debug)]
#[must_use = "the guest sees a busy function"]
pub struct SetRequest<'b> {
    change: Change,
    buffer: Buffer<'b>,
}

/// A change of one function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) slot: usize,
    pub(super) action: SetAction,
    pub(super) mio: MioInfo,
}

impl<'b> SetRequest<'b> {
    pub(super) fn new(change: Change, mut buffer: Buffer<'b>) -> Self {
        buffer.refuse(ResponseCode::BUSY);
        Self { change, buffer }
    }

    /// The slot of the function.
    pub const fn slot(&self) -> usize {
        self.change.slot
    }

    /// What to do with it.
    pub const fn action(&self) -> SetAction {
        self.change.action
    }

    /// The end of the instruction if the request is dropped: the function is busy.
    pub fn busy(&self) -> Done {
        self.buffer.done(ConditionCode::Zero)
    }

    /// Answers that it is done and that the function has `handle` now; returns the end of the instruction.
    ///
    /// The VMM stores the handle in the slot too. An old handle is dead, and no other function may have it.
    ///
    /// # Errors
    ///
    /// [`ConfirmError`] if the handle contradicts the action: one that enables must lead to a handle with the enable bit,
    /// [`SetAction::Disable`] to one without. The guest sees a busy function.
    pub fn confirm(mut self, handle: FunctionHandle) -> Result<Done, ConfirmError> {
        let action = self.change.action;
        if !action.leads_to(handle) {
            let done = self.buffer.done(ConditionCode::Zero);
            return Err(ConfirmError { action, handle, done });
        }
        let mut response = Response::new(handle);
        if action == SetAction::EnableMio {
            response.mio = self.change.mio;
        }
        match self.buffer.store(response) {
            Ok(()) => Ok(self.buffer.done(ConditionCode::Zero)),
            Err(refusal) => Ok(self.end(refusal.code)),
        }
    }

    /// Answers that nothing was done, and why; returns the end of the instruction.
    pub fn refuse(self, refusal: SetRefusal) -> Done {
        let code = refusal.response_code(self.buffer.rules());
        self.end(code)
    }

    fn end(mut self, code: ResponseCode) -> Done {
        self.buffer.refuse(code);
        self.buffer.done(ConditionCode::Zero)
    }
}

/// A handle that contradicts what was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConfirmError {
    /// What was done.
    pub action: SetAction,
    /// The handle that the function is said to have.
    pub handle: FunctionHandle,
    /// The end of the instruction in spite of it: the function is busy.
    pub done: Done,
}

impl fmt::Display for ConfirmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            SetAction::Enable => "enabled",
            SetAction::Disable => "disabled",
            SetAction::EnableMio => "MIO enabled",
            SetAction::DisableMio => "MIO disabled",
        };
        write!(f, "{action}, with handle {}", self.handle)
    }
}

impl core::error::Error for ConfirmError {}
