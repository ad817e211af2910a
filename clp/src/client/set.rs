// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Why the state of a function was not changed.

use super::call::CallError;
use crate::code::ResponseCode;
use crate::id::FunctionHandle;
use crate::wire::set_pci_fn::Operation;
use core::fmt;

/// Why the state of a function was not changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SetError {
    /// The command failed.
    Call(CallError),
    /// The function was busy until [`Clp::pause`](crate::Clp::pause) gave up.
    Busy {
        /// Number of busy answers.
        answers: u32,
    },
    /// The machine answered OK, and the handle is 0 or contradicts the operation.
    Handle {
        /// What was done.
        operation: Operation,
        /// The handle that was returned.
        handle: FunctionHandle,
    },
}

impl SetError {
    /// The response code, if the command was executed and refused; never 0 and never [`ResponseCode::OK`].
    pub const fn response_code(self) -> Option<ResponseCode> {
        match self {
            Self::Call(error) => error.response_code(),
            Self::Busy { .. } => Some(ResponseCode::BUSY),
            Self::Handle { .. } => None,
        }
    }

    /// The handle that the machine returned all the same; never 0.
    pub(super) fn returned_handle(self) -> Option<FunctionHandle> {
        match self {
            Self::Handle { handle, .. } if handle.0 != 0 => Some(handle),
            _ => None,
        }
    }

    /// Whether the machine may have changed the state all the same: it neither refused the command nor left it
    /// unexecuted.
    pub(super) const fn is_ambiguous(self) -> bool {
        match self {
            Self::Call(CallError::Response(_)) => self.response_code().is_none(),
            Self::Call(_) | Self::Busy { .. } => false,
            Self::Handle { .. } => true,
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
