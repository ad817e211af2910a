// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capacity for a response, and how much of it is written.

use super::{Done, Refusal, Rules};
use crate::code::{ConditionCode, ResponseCode};
use crate::header::ResponseHeader;
use crate::message::WireResponse;
use crate::wire::{query_pci_fn, query_pci_fngrp, set_pci_fn};
use core::ops::Range;

/// The bytes that the guest offers for a response; nothing else of the block is written.
#[derive(Debug)]
pub(super) struct Buffer<'b> {
    bytes: &'b mut [u8],
    rules: Rules,
    /// Where the bytes start in the block.
    offset: usize,
    /// Which of them were written, one range over all.
    written: Range<usize>,
}

impl<'b> Buffer<'b> {
    /// The capacity that starts at byte `offset` of the block.
    pub(super) const fn new(bytes: &'b mut [u8], offset: usize, rules: Rules) -> Self {
        Self { bytes, rules, offset, written: 0..0 }
    }

    /// Ends the instruction.
    pub(super) fn done(&self, condition: ConditionCode) -> Done {
        Done { condition, offset: self.offset.saturating_add(self.written.start), length: self.written.len() }
    }

    /// Takes note that bytes `from` to `to` were written, the latter exclusive.
    pub(super) fn note(&mut self, from: usize, to: usize) {
        let to = to.min(self.bytes.len());
        if from >= to {
            return;
        }
        if self.written.is_empty() {
            self.written = from..to;
        } else {
            self.written = self.written.start.min(from)..self.written.end.max(to);
        }
    }

    pub(super) const fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) const fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// Whether a response of type `R` can be stored.
    pub(super) const fn suits<R: WireResponse>(&self) -> bool {
        !self.rules.stores_length || self.bytes.len() >= R::MINIMUM
    }

    /// Stores a header with a refusal; in QEMU its code alone.
    pub(super) fn refuse(&mut self, code: ResponseCode) {
        if self.rules.stores_length {
            let length = self.bytes.len().min(ResponseHeader::SIZE);
            ResponseHeader::new(code, length as u16).emit(self.bytes);
            self.note(0, length);
        } else {
            self.store_code(code);
        }
    }

    /// Stores a response, in QEMU its code and as much of the body as fits.
    pub(super) fn store<R: QemuResponse>(&mut self, mut response: R) -> Result<(), Refusal> {
        if self.rules.stores_length {
            return self.emit(&response);
        }
        response.truncate(R::QEMU_LENGTH);
        self.store_code(ResponseCode::OK);
        let body = response.as_bytes().iter().take(R::QEMU_LENGTH).skip(ResponseHeader::SIZE);
        for (stored, byte) in self.bytes.iter_mut().skip(ResponseHeader::SIZE).zip(body) {
            *stored = *byte;
        }
        self.note(ResponseHeader::SIZE, R::QEMU_LENGTH);
        Ok(())
    }

    /// Stores a response, if its fixed part fits.
    pub(super) fn emit(&mut self, response: &impl WireResponse) -> Result<(), Refusal> {
        match response.emit(self.bytes) {
            Ok(length) => {
                self.note(0, usize::from(length));
                Ok(())
            }
            Err(_) => Err(ResponseCode::LENGTH.into()),
        }
    }

    fn store_code(&mut self, code: ResponseCode) {
        for (stored, byte) in self.bytes.iter_mut().skip(size_of::<u16>()).zip(code.0.to_be_bytes()) {
            *stored = byte;
        }
        self.note(size_of::<u16>(), 2 * size_of::<u16>());
    }
}

/// A response as QEMU knows it.
pub(super) trait QemuResponse: WireResponse {
    /// Bytes of the structure in QEMU, `include/hw/s390x/s390-pci-clp.h`.
    const QEMU_LENGTH: usize;
}

impl QemuResponse for query_pci_fn::Response {
    const QEMU_LENGTH: usize = Self::UTILITY_STRING_END;
}

impl QemuResponse for query_pci_fngrp::Response {
    const QEMU_LENGTH: usize = size_of::<Self>();
}

impl QemuResponse for set_pci_fn::Response {
    const QEMU_LENGTH: usize = Self::MINIMUM;
}
