// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How a function is enabled, and what becomes of it when that fails.

use super::set::SetError;
use crate::code::ResponseCode;
use crate::id::FunctionHandle;
use crate::value::MioBar;
use crate::wire::set_pci_fn::{Operation, Request};
use core::fmt;

/// How a function is to be enabled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Enable {
    /// Number of DMA address spaces; Linux and QEMU know 1 alone.
    pub spaces: u8,
    /// Designation of the guest interruption state area (GISA); 0 without interpretation by KVM.
    pub gisa: u32,
    /// Whether mapped I/O is enabled too. QEMU always refuses that, with response code 0x0102.
    pub mio: bool,
}

impl Enable {
    /// One DMA address space, no interpretation, no mapped I/O.
    pub const PLAIN: Self = Self { spaces: 1, gisa: 0, mio: false };

    /// The request that does one step of it.
    pub(super) const fn request(self, handle: FunctionHandle, operation: Operation) -> Request {
        let mut request = Request::new(handle, operation);
        request.dma_address_spaces = self.spaces;
        request.gisa = zerocopy::big_endian::U32::new(self.gisa);
        request
    }
}

impl Default for Enable {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// A function that was enabled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Enabled {
    /// The handle that the function has now.
    pub handle: FunctionHandle,
    /// Addresses of BAR 0 to 5 for mapped I/O, if that was enabled; `None` for a BAR that the response has none for.
    pub mio: Option<[Option<MioBar>; 6]>,
}

/// Why a function was not enabled as wanted, and the state it is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EnableError {
    /// The first thing that went wrong.
    pub error: SetError,
    /// What became of the function.
    pub function: Leftover,
}

impl EnableError {
    /// The response code, if it was the machine that refused.
    pub const fn response_code(self) -> Option<ResponseCode> {
        self.error.response_code()
    }
}

/// The state of a function that was not enabled as wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leftover {
    /// The machine changed nothing, and the function has the handle that it had.
    Unchanged,
    /// The function is disabled, and has this handle.
    Disabled(FunctionHandle),
    /// The function may be enabled.
    MaybeEnabled {
        /// The handle that it has then, as far as the machine said.
        handle: FunctionHandle,
        /// Why it could not be disabled.
        error: SetError,
    },
}

impl fmt::Display for EnableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        match self.function {
            Leftover::Unchanged | Leftover::Disabled(_) => Ok(()),
            Leftover::MaybeEnabled { handle, error } => write!(f, "; function {handle} left enabled: {error}"),
        }
    }
}

impl core::error::Error for EnableError {}
