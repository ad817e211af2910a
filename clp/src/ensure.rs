// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function, brought into a state by its identifier, whatever its handle is now.

use crate::{Client, Clp, FunctionHandle, FunctionId, FunctionState, ListError, ResponseCode, SetError};
use core::fmt;

/// How often the handle is looked up when it keeps changing.
const MAX_ATTEMPTS: u32 = 4;

impl<C: Clp> Client<'_, C> {
    /// Makes sure that the function `id` is enabled and returns the handle it has then.
    ///
    /// The handle comes from the list. A function that already is enabled stays as it is. Where the machine says that
    /// the handle is not valid (0x0101), not valid for the operation (0x0102), or that the function already is in that
    /// state (0x0105), the list decides anew, four times at most: so it does not matter that hardware and QEMU answer
    /// with different codes.
    ///
    /// # Errors
    ///
    /// [`EnsureError::Reserved`] and [`EnsureError::Standby`] with nothing changed, [`EnsureError::List`],
    /// [`EnsureError::Set`].
    pub fn ensure_enabled(
        &mut self,
        id: FunctionId,
        mut again: impl FnMut(u32) -> bool,
    ) -> Result<FunctionHandle, EnsureError> {
        self.ensure(id, FunctionState::Enabled, |client, handle| client.enable(handle, &mut again))
    }

    /// Makes sure that the function `id` is disabled and returns the handle it has then.
    ///
    /// As [`Self::ensure_enabled`]. A function that is found disabled has not been reset.
    ///
    /// # Errors
    ///
    /// [`EnsureError::Reserved`] and [`EnsureError::Standby`] with nothing changed, [`EnsureError::List`],
    /// [`EnsureError::Set`].
    pub fn ensure_disabled(
        &mut self,
        id: FunctionId,
        mut again: impl FnMut(u32) -> bool,
    ) -> Result<FunctionHandle, EnsureError> {
        self.ensure(id, FunctionState::Configured, |client, handle| client.disable(handle, &mut again))
    }

    fn ensure(
        &mut self,
        id: FunctionId,
        wanted: FunctionState,
        mut set: impl FnMut(&mut Self, FunctionHandle) -> Result<FunctionHandle, SetError>,
    ) -> Result<FunctionHandle, EnsureError> {
        let mut attempts = 0;
        loop {
            let entry = self.find(id)?.ok_or(EnsureError::Reserved(id))?;
            match entry.state() {
                state if state == wanted => return Ok(entry.handle),
                FunctionState::Standby => return Err(EnsureError::Standby(id)),
                _ => attempts += 1,
            }
            match set(self, entry.handle) {
                Err(error) if attempts < MAX_ATTEMPTS && changed_meanwhile(error) => {}
                result => return Ok(result?),
            }
        }
    }
}

/// Whether the refusal can come from a handle or a state that changed since the list was read.
fn changed_meanwhile(error: SetError) -> bool {
    matches!(
        error.response_code(),
        Some(ResponseCode::FUNCTION_HANDLE | ResponseCode::HANDLE_STATE | ResponseCode::ALREADY_IN_STATE)
    )
}

/// Why a function was not brought into a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EnsureError {
    /// The functions cannot be listed.
    List(ListError),
    /// The function is not listed.
    Reserved(FunctionId),
    /// The function is in standby and has to be configured first.
    Standby(FunctionId),
    /// The state was not changed.
    Set(SetError),
}

impl From<ListError> for EnsureError {
    fn from(error: ListError) -> Self {
        Self::List(error)
    }
}

impl From<SetError> for EnsureError {
    fn from(error: SetError) -> Self {
        Self::Set(error)
    }
}

impl fmt::Display for EnsureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(error) => error.fmt(f),
            Self::Reserved(id) => write!(f, "function {id} is not listed"),
            Self::Standby(id) => write!(f, "function {id} is in standby"),
            Self::Set(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EnsureError {}
