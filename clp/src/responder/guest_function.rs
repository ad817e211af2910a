// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function, as the guest sees it.

use crate::id::{FunctionHandle, FunctionId};
use crate::value::{Function, FunctionError, FunctionState, ListEntry};
use crate::wire::query_pci_fn::Response;

/// A function of the guest: emulated, or passed through with the values of a [`Passthrough`](super::Passthrough).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GuestFunction {
    /// PCI vendor identifier; not 0, which stands for no function.
    pub vendor: u16,
    /// PCI device identifier.
    pub device: u16,
    /// Whether it is configured; a function in standby is listed and cannot be enabled.
    pub configured: bool,
    /// Handle (FH), as of now: with the enable bit while the function is enabled, and another one than all other
    /// functions of the guest have. QEMU's own functions have 0x00020000 and the slot (measured).
    pub handle: FunctionHandle,
    /// What QUERY PCI FN answers.
    response: Response,
}

impl GuestFunction {
    /// A configured function with the values of `function`, all of which are those of the guest.
    ///
    /// The registers of the BARs are little-endian.
    ///
    /// # Errors
    ///
    /// [`FunctionError`]: a value that no function can have.
    pub fn new(vendor: u16, device: u16, handle: FunctionHandle, function: &Function) -> Result<Self, FunctionError> {
        Ok(Self { vendor, device, configured: true, handle, response: function.encode()? })
    }

    /// Identifier of the function (FID).
    pub const fn id(&self) -> FunctionId {
        FunctionId(self.response.function_id.get())
    }

    /// State of the function.
    pub const fn state(&self) -> FunctionState {
        self.list_entry().state()
    }

    pub(super) const fn list_entry(&self) -> ListEntry {
        ListEntry {
            vendor: self.vendor,
            device: self.device,
            configured: self.configured,
            id: self.id(),
            handle: self.handle,
        }
    }

    pub(super) const fn response(&self) -> &Response {
        &self.response
    }

    pub(super) const fn has_mio(&self) -> bool {
        self.response.flags.mio_available()
    }
}
