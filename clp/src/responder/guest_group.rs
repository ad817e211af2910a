// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A group of functions, as the guest sees it.

use crate::id::FunctionGroupId;
use crate::value::{FunctionGroup, FunctionGroupError};
use crate::wire::query_pci_fngrp::Response;

/// A group of functions of the guest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GuestGroup {
    id: FunctionGroupId,
    /// What QUERY PCI FNGRP answers.
    response: Response,
}

impl GuestGroup {
    /// The group that the guest knows as `id`, with the values of `group`.
    ///
    /// Store-block length, DMA address space mask, interrupts and MSI address, designation types and the need to
    /// refresh are those of the host; the VMM reduces what it does not pass on, such as directed interrupts.
    ///
    /// # Errors
    ///
    /// [`FunctionGroupError`]: a value that no group can have.
    pub fn new(id: FunctionGroupId, group: &FunctionGroup) -> Result<Self, FunctionGroupError> {
        Ok(Self { id, response: group.encode()? })
    }

    /// The same group, known as `id`.
    pub(super) const fn renamed(self, id: FunctionGroupId) -> Self {
        Self { id, ..self }
    }

    /// Identifier of the group (PFGID) for the guest.
    pub const fn id(&self) -> FunctionGroupId {
        self.id
    }

    pub(super) const fn response(&self) -> &Response {
        &self.response
    }
}
