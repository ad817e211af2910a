// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! SET PCI FN, as far as it goes without the VMM.

use super::buffer::Buffer;
use super::set_request::Change;
use super::{Refusal, Responder, SetAction};
use crate::code::ResponseCode;
use crate::id::FunctionHandle;
use crate::value::FunctionState;
use crate::wire::set_pci_fn::{Operation, Request, Response};

impl Responder<'_> {
    /// Checks everything that can be checked before the function is touched.
    ///
    /// The order is that of QEMU (`clp_service_call`, `hw/s390x/s390-pci-inst.c`): the handle, the number of DMA
    /// address spaces, the state.
    pub(super) fn set(&self, request: &[u8], buffer: &Buffer<'_>) -> Result<Change, Refusal> {
        let request: Request = self.rules.parse(request)?;
        if !buffer.suits::<Response>() {
            return Err(ResponseCode::LENGTH.into());
        }
        let handle = FunctionHandle(request.handle.get());
        let (slot, function) = self.find(handle).ok_or(ResponseCode::FUNCTION_HANDLE)?;
        let has_mio = self.rules.has_mio && function.has_mio();
        let operation = Operation(request.operation);
        if operation == Operation::ENABLE {
            match request.dma_address_spaces {
                0 => return Err(ResponseCode::DMA_ADDRESS_SPACE.into()),
                1 => {}
                _ => return Err(ResponseCode::RESOURCES.into()),
            }
        }
        let action = match (operation, function.state(), has_mio) {
            (Operation::ENABLE, FunctionState::Configured, _) => SetAction::Enable,
            (Operation::DISABLE, FunctionState::Enabled, _) => SetAction::Disable,
            (Operation::ENABLE, FunctionState::Enabled, _) | (Operation::DISABLE, FunctionState::Configured, _) => {
                return Err(self.rules.already_in_state.into())
            }
            (Operation::ENABLE_MIO, FunctionState::Enabled, true) => SetAction::EnableMio,
            (Operation::DISABLE_MIO, FunctionState::Enabled, true) => SetAction::DisableMio,
            _ => return Err(ResponseCode::HANDLE_STATE.into()),
        };
        Ok(Change { slot, action, mio: function.response().mio })
    }
}
