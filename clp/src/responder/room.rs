// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The room for a response, and how much of it is written.

use super::{Personality, Refusal};
use crate::{Response, ResponseCode, ResponseHeader};

/// The room that the guest offers; nothing else of the block is written.
#[derive(Debug)]
pub(super) struct Room<'b> {
    bytes: &'b mut [u8],
    personality: Personality,
}

impl<'b> Room<'b> {
    pub(super) fn new(bytes: &'b mut [u8], personality: Personality) -> Self {
        Self { bytes, personality }
    }

    pub(super) const fn personality(&self) -> Personality {
        self.personality
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// Whether a response of type `R` can be stored.
    pub(super) const fn suits<R: Response>(&self) -> bool {
        match self.personality {
            Personality::Hardware => self.bytes.len() >= R::MINIMUM,
            Personality::Qemu => true,
        }
    }

    /// Stores a header that says no; in QEMU its code alone.
    pub(super) fn refuse(&mut self, code: ResponseCode) {
        match self.personality {
            Personality::Hardware => {
                let length = self.bytes.len().min(ResponseHeader::SIZE);
                ResponseHeader::new(code, length as u16).emit(self.bytes);
            }
            Personality::Qemu => self.store_code(code),
        }
    }

    /// Stores a response, in QEMU its code and as much of the body as there is room for.
    pub(super) fn store<R: QemuResponse>(&mut self, mut response: R) -> Result<(), Refusal> {
        match self.personality {
            Personality::Hardware => self.emit(&response),
            Personality::Qemu => {
                response.truncate(R::QEMU_LENGTH);
                self.store_code(ResponseCode::OK);
                let body = response.as_bytes().iter().take(R::QEMU_LENGTH).skip(ResponseHeader::SIZE);
                for (stored, byte) in self.bytes.iter_mut().skip(ResponseHeader::SIZE).zip(body) {
                    *stored = *byte;
                }
                Ok(())
            }
        }
    }

    /// Stores a response, if there is room for its fixed part.
    pub(super) fn emit(&mut self, response: &impl Response) -> Result<(), Refusal> {
        match response.emit(self.bytes) {
            Ok(_) => Ok(()),
            Err(_) => Err(ResponseCode::LENGTH.into()),
        }
    }

    fn store_code(&mut self, code: ResponseCode) {
        for (stored, byte) in self.bytes.iter_mut().skip(size_of::<u16>()).zip(code.0.to_be_bytes()) {
            *stored = byte;
        }
    }
}

/// A response as QEMU knows it.
pub(super) trait QemuResponse: Response {
    /// Bytes of the structure in QEMU, `include/hw/s390x/s390-pci-clp.h`.
    const QEMU_LENGTH: usize;
}

impl QemuResponse for crate::query_pci_fn::Response {
    const QEMU_LENGTH: usize = Self::UTILITY_STRING_END;
}

impl QemuResponse for crate::query_pci_fngrp::Response {
    const QEMU_LENGTH: usize = size_of::<Self>();
}

impl QemuResponse for crate::set_pci_fn::Response {
    const QEMU_LENGTH: usize = Self::MINIMUM;
}
