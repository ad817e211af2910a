// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A group of functions, as the guest sees it.

use super::Virtualization;
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
    /// The group that the guest knows as `id`, with the values of `group` but for what the VMM does itself.
    ///
    /// # Errors
    ///
    /// [`FunctionGroupError`]: a value that no group can have.
    pub fn new(
        id: FunctionGroupId,
        group: &FunctionGroup,
        virtualization: &Virtualization,
    ) -> Result<Self, FunctionGroupError> {
        // What the host says has to be possible, even where the guest is told something else.
        group.encode()?;
        Ok(Self { id, response: virtualization.group(group).encode()? })
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
