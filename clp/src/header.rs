// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The headers that start every request and every response.
//!
//! Linux: `struct clp_req_hdr` and `struct clp_rsp_hdr`, `arch/s390/include/asm/clp.h`.

use crate::code::{CommandCode, ResponseCode};
use crate::field::{Kind, Order, Part, Rule, Word};
use crate::message::RequestError;
use crate::{debug_by_layout, layout};
use bitfield_struct::bitfield;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The format of a request or response; only format 0 is in use.
#[bitfield(u32, order = Msb, repr = U32, from = U32::new, into = U32::get)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct FormatWord {
    /// Format.
    #[bits(4)]
    pub format: u8,
    /// Reserved, zero.
    #[bits(28, access = RO)]
    pub reserved: u32,
}

/// Header of a request.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct RequestHeader {
    /// Length of the request in bytes, header included; the response follows at that offset.
    pub length: U16,
    /// Command code.
    pub command: U16,
    /// Format.
    pub format: FormatWord,
    /// Reserved, zero.
    pub reserved: U64,
}

const_assert_eq!(size_of::<RequestHeader>(), 16);
const_assert_eq!(core::mem::offset_of!(RequestHeader, command), 2);
const_assert_eq!(core::mem::offset_of!(RequestHeader, format), 4);
const_assert_eq!(core::mem::offset_of!(RequestHeader, reserved), 8);

/// The bits of a [`FormatWord`].
pub static FORMAT_WORD: Word = Word {
    title: "format",
    width: 32,
    parts: &[Part::new(32, (FormatWord::FORMAT_OFFSET, FormatWord::FORMAT_BITS), "format", "fmt", "Format")
        .must(Rule::Is(0))],
};

layout! {
    /// The fields of [`RequestHeader`].
    pub static REQUEST_HEADER: RequestHeader = "request header", "struct clp_req_hdr", Order::Big;
    length: Kind::Size, "len", "Length of the request, where the response follows", rule Rule::AtLeast(16);
    command: Kind::Command, "cmd", "Command code";
    format: Kind::Format, "fmt", "Format", word &FORMAT_WORD;
    reserved: Kind::Reserved, "", "Reserved", rule Rule::Zero;
}

debug_by_layout!(RequestHeader, REQUEST_HEADER);

impl RequestHeader {
    /// The header of a request of `length` bytes, header included.
    pub const fn new(command: CommandCode, length: u16) -> Self {
        Self { length: U16::new(length), command: U16::new(command.0), format: FormatWord::new(), reserved: U64::ZERO }
    }

    /// The command code.
    pub const fn command(&self) -> CommandCode {
        CommandCode(self.command.get())
    }

    /// Checks what a careful responder checks beyond length and command.
    ///
    /// QEMU does so for LIST PCI alone.
    ///
    /// # Errors
    ///
    /// [`RequestError::Format`] if the format is not 0, [`RequestError::Reserved`] if a reserved bit is set.
    pub fn check(&self) -> Result<(), RequestError> {
        match (self.format.format(), self.format.reserved(), self.reserved.get()) {
            (0, 0, 0) => Ok(()),
            (0, _, _) => Err(RequestError::Reserved),
            (format, _, _) => Err(RequestError::Format(format)),
        }
    }
}

/// Header of a response.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct ResponseHeader {
    /// Length in bytes, header included. Before the command: the capacity; after it: the bytes stored.
    ///
    /// QEMU stores it for LIST PCI alone and leaves it as offered for the other commands (measured).
    pub length: U16,
    /// Response code.
    pub code: U16,
    /// Format.
    pub format: FormatWord,
    /// Reserved.
    pub reserved: U64,
}

const_assert_eq!(size_of::<ResponseHeader>(), 16);
const_assert_eq!(core::mem::offset_of!(ResponseHeader, code), 2);
const_assert_eq!(core::mem::offset_of!(ResponseHeader, format), 4);
const_assert_eq!(core::mem::offset_of!(ResponseHeader, reserved), 8);

layout! {
    /// The fields of [`ResponseHeader`].
    pub static RESPONSE_HEADER: ResponseHeader = "response header", "struct clp_rsp_hdr", Order::Big;
    length: Kind::Size, "len", "Length of the response: the capacity before the command, what was stored after it";
    code: Kind::Response, "rsp", "Response code";
    format: Kind::Format, "fmt", "Format", word &FORMAT_WORD;
    reserved: Kind::Reserved, "", "Reserved", rule Rule::Zero;
}

debug_by_layout!(ResponseHeader, RESPONSE_HEADER);

impl ResponseHeader {
    /// Size in bytes.
    pub const SIZE: usize = size_of::<Self>();

    /// The header of a response of `length` bytes, header included.
    pub const fn new(code: ResponseCode, length: u16) -> Self {
        Self { length: U16::new(length), code: U16::new(code.0), format: FormatWord::new(), reserved: U64::ZERO }
    }

    /// The response code.
    pub const fn code(&self) -> ResponseCode {
        ResponseCode(self.code.get())
    }

    /// Writes the header into the bytes that were offered, as far as it fits, and nothing else: the answer to a
    /// refused command.
    pub fn emit(&self, buffer: &mut [u8]) {
        for (stored, byte) in buffer.iter_mut().zip(self.as_bytes()) {
            *stored = *byte;
        }
    }
}
