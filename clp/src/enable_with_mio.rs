// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function, enabled together with mapped I/O: both or nothing.

use crate::{Client, Clp, FunctionHandle, MioEnabled, SetError};
use core::fmt;

impl<C: Clp> Client<'_, C> {
    /// Enables the function with `handle`, then its mapped I/O; when the latter fails the function is disabled again.
    ///
    /// Each command carries the handle that the one before returned, so that the function is not left enabled.
    ///
    /// # Errors
    ///
    /// [`EnableWithMioError::Enable`], [`EnableWithMioError::Mio`], [`EnableWithMioError::Disable`].
    pub fn enable_with_mio(
        &mut self,
        handle: FunctionHandle,
        mut again: impl FnMut(u32) -> bool,
    ) -> Result<MioEnabled, EnableWithMioError> {
        let enabled = self.enable(handle, &mut again).map_err(EnableWithMioError::Enable)?;
        self.enable_mio(enabled, &mut again).map_err(|error| match self.disable(enabled, &mut again) {
            Ok(handle) => EnableWithMioError::Mio { error, handle },
            Err(disable) => EnableWithMioError::Disable { error, disable, handle: enabled },
        })
    }
}

/// Why a function was not enabled together with mapped I/O.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EnableWithMioError {
    /// The function was not enabled, as far as [`SetError`] tells.
    Enable(SetError),
    /// Mapped I/O was not enabled, and the function is disabled again.
    Mio {
        /// Why.
        error: SetError,
        /// The handle that the function has now.
        handle: FunctionHandle,
    },
    /// Mapped I/O was not enabled, and the function could not be disabled again.
    Disable {
        /// Why mapped I/O was not enabled.
        error: SetError,
        /// Why the function could not be disabled.
        disable: SetError,
        /// The handle that the function had when it was enabled.
        handle: FunctionHandle,
    },
}

impl fmt::Display for EnableWithMioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enable(error) => error.fmt(f),
            Self::Mio { error, .. } => write!(f, "MIO not enabled: {error}"),
            Self::Disable { error, disable, handle } => {
                write!(f, "MIO not enabled: {error}; function {handle} left enabled: {disable}")
            }
        }
    }
}

impl core::error::Error for EnableWithMioError {}
