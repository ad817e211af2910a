// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a verb of several commands can fail with.

use super::call::CallError;
use super::enable::EnableError;
use super::list::ListError;
use super::set::SetError;
use crate::code::ResponseCode;
use crate::id::FunctionId;
use crate::value::FunctionError;
use core::fmt;

/// Why a function was not queried, found, or brought into a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientError {
    /// A command failed.
    Call(CallError),
    /// The machine describes a function that cannot be.
    Function(FunctionError),
    /// The machine describes another function than the one asked for.
    OtherFunction(FunctionId),
    /// The functions cannot be listed.
    List(ListError),
    /// The function is not listed.
    Reserved(FunctionId),
    /// The function is in standby and has to be configured first.
    Standby(FunctionId),
    /// The function was not disabled.
    Set(SetError),
    /// The function was not enabled.
    Enable(EnableError),
}

impl ClientError {
    /// The response code, if a command was executed and refused.
    pub const fn response_code(self) -> Option<ResponseCode> {
        match self {
            Self::Call(error) | Self::List(ListError::Call(error)) => error.response_code(),
            Self::Set(error) => error.response_code(),
            Self::Enable(error) => error.response_code(),
            _ => None,
        }
    }
}

impl From<CallError> for ClientError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<FunctionError> for ClientError {
    fn from(error: FunctionError) -> Self {
        Self::Function(error)
    }
}

impl From<ListError> for ClientError {
    fn from(error: ListError) -> Self {
        Self::List(error)
    }
}

impl From<SetError> for ClientError {
    fn from(error: SetError) -> Self {
        Self::Set(error)
    }
}

impl From<EnableError> for ClientError {
    fn from(error: EnableError) -> Self {
        Self::Enable(error)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Function(error) => error.fmt(f),
            Self::OtherFunction(id) => write!(f, "query answered with function {id}"),
            Self::List(error) => error.fmt(f),
            Self::Reserved(id) => write!(f, "function {id} is not listed"),
            Self::Standby(id) => write!(f, "function {id} is in standby"),
            Self::Set(error) => error.fmt(f),
            Self::Enable(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ClientError {}
