// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a refresh of one function takes, and how it ended.

use clp::FunctionHandle;

/// What a refresh takes at first; made by [`Attachment::first_step`](super::Attachment::first_step).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FirstStep {
    /// Nothing at all: the function is not registered, so that it translates nothing.
    Nothing,
    /// RPCIT for the range and the function with this handle, and nothing else if the answer is condition code 0.
    Issue(FunctionHandle),
    /// More than one instruction, or one for other addresses.
    More,
}

/// How a refresh after mapping ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mapped {
    /// It can use what was mapped, or is gone.
    Done,
    /// The same, after everything was refreshed since the machine was out of resources.
    Everything,
    /// It is in error or being recovered, and stale if it is not registered anew.
    Later,
}
