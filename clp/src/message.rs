// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What all requests and all responses have in common.

use crate::code::{CommandCode, ResponseCode};
use crate::header::{RequestHeader, ResponseHeader};
use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A request, byte for byte: one structure for each command.
///
/// The constructors of the structures encode strictly, with every reserved field zero; [`Self::parse`] is tolerant, and
/// [`Self::check`] is there for a responder that wants to be strict.
pub trait WireRequest: Copy + FromBytes + Immutable + IntoBytes + KnownLayout + Unaligned {
    /// Code of the command.
    const COMMAND: CommandCode;

    /// What answers the request.
    type Response: WireResponse;

    /// The header.
    fn header(&self) -> &RequestHeader;

    /// Whether all reserved fields behind the header are zero.
    fn reserved_is_zero(&self) -> bool;

    /// Reads a request: `bytes` is the request part of a block, exactly.
    ///
    /// # Errors
    ///
    /// [`RequestError::Length`] if the length of `bytes` or the length in the header is not that of the request;
    /// [`RequestError::Command`] if it is another command.
    fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let required = size_of::<Self>();
        let (header, _) = RequestHeader::read_from_prefix(bytes)
            .map_err(|_| RequestError::Length { required, actual: bytes.len() })?;
        if header.command() != Self::COMMAND {
            return Err(RequestError::Command(header.command()));
        }
        let length = usize::from(header.length.get());
        if length != required {
            return Err(RequestError::Length { required, actual: length });
        }
        Self::read_from_bytes(bytes).map_err(|_| RequestError::Length { required, actual: bytes.len() })
    }

    /// Checks the format and that every reserved bit is zero.
    ///
    /// # Errors
    ///
    /// [`RequestError::Format`], [`RequestError::Reserved`].
    fn check(&self) -> Result<(), RequestError> {
        self.header().check()?;
        if self.reserved_is_zero() {
            Ok(())
        } else {
            Err(RequestError::Reserved)
        }
    }
}

/// Why a request cannot be answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// The request does not have the length of its command.
    Length {
        /// Bytes a request of this command has.
        required: usize,
        /// Bytes it has, or says it has.
        actual: usize,
    },
    /// It is another command.
    Command(CommandCode),
    /// The format is not 0.
    Format(u8),
    /// A reserved bit is set.
    Reserved,
}

impl RequestError {
    /// The code to answer with.
    pub const fn response_code(self) -> ResponseCode {
        match self {
            Self::Length { .. } => ResponseCode::LENGTH,
            Self::Command(_) => ResponseCode::COMMAND,
            Self::Format(_) => ResponseCode::FORMAT,
            Self::Reserved => ResponseCode::RESERVED_NOT_ZERO,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { required, actual } => write!(f, "request of {actual} bytes where {required} are required"),
            Self::Command(command) => write!(f, "request of another command: {command}"),
            Self::Format(format) => write!(f, "request of unknown format {format}"),
            Self::Reserved => f.write_str("reserved field of the request not zero"),
        }
    }
}

impl core::error::Error for RequestError {}

/// The fixed part of a response, byte for byte: one structure for each command.
///
/// [`Received::parse`] reads one, shorter or longer than the structure; [`Self::emit`] writes one.
pub trait WireResponse: Copy + FromBytes + Immutable + IntoBytes + KnownLayout + Unaligned {
    /// Bytes of the fixed part, without which none is written; the optional parts of the structure follow.
    const MINIMUM: usize;

    /// Bytes without which a response that was received means nothing; at most [`Self::MINIMUM`].
    ///
    /// Linux does not look at the length of a response but for LIST PCI (`arch/s390/pci/pci_clp.c`), so it is no reason
    /// to refuse one that has what is needed.
    const NEEDED: usize = Self::MINIMUM;

    /// The header.
    fn header_mut(&mut self) -> &mut ResponseHeader;

    /// Takes back what no longer is whole when only `length` bytes of the structure are stored.
    fn truncate(&mut self, length: usize) {
        let _ = length;
    }

    /// Writes the response into `buffer`, the bytes that were offered for it, as far as it fits, and returns its length in
    /// bytes; the header says the same.
    ///
    /// An optional part that does not fit as a whole is marked as absent. Bytes behind the response stay as they are.
    ///
    /// # Errors
    ///
    /// [`CapacityError`] if `buffer` has less than [`Self::MINIMUM`] bytes; nothing was written.
    fn emit(&self, buffer: &mut [u8]) -> Result<u16, CapacityError> {
        let offered = buffer.len();
        let length = offered.min(size_of::<Self>()).min(usize::from(u16::MAX));
        if length < Self::MINIMUM {
            return Err(CapacityError { required: Self::MINIMUM, offered });
        }
        let mut response = *self;
        response.truncate(length);
        response.header_mut().length.set(length as u16);
        for (stored, byte) in buffer.iter_mut().zip(response.as_bytes()) {
            *stored = *byte;
        }
        Ok(length as u16)
    }
}

/// A response as it was received: the structure, and how much of it there was.
///
/// Bytes of the structure behind [`Self::length`] are zero and mean nothing; see [`Self::covers`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Received<R> {
    response: R,
    length: u16,
    stored_length: u16,
}

impl<R: WireResponse> Received<R> {
    /// Reads the response in `buffer`, the bytes that were offered to the machine for it.
    ///
    /// Checked in this order, before any field is looked at: the response code, that at least [`WireResponse::NEEDED`]
    /// bytes were received. A response that says that it is longer than `buffer` counts as long as `buffer`: a machine that
    /// knows more than this crate may store the length that it would have liked.
    ///
    /// # Errors
    ///
    /// [`ResponseError::NoCode`], [`ResponseError::Refused`], [`ResponseError::TooShort`].
    pub fn parse(buffer: &[u8]) -> Result<Self, ResponseError> {
        let required = R::NEEDED.max(ResponseHeader::SIZE) as u16;
        let Ok((header, _)) = ResponseHeader::read_from_prefix(buffer) else {
            return Err(ResponseError::TooShort { required, actual: buffer.len() as u16 });
        };
        match header.code() {
            ResponseCode::OK => {}
            ResponseCode(0) => return Err(ResponseError::NoCode),
            code => return Err(ResponseError::Refused(code)),
        }
        let stored_length = header.length.get();
        let bytes = buffer.get(..usize::from(stored_length)).unwrap_or(buffer);
        let length = bytes.len() as u16;
        if length < required {
            return Err(ResponseError::TooShort { required, actual: length });
        }
        let mut response = R::new_zeroed();
        for (byte, stored) in response.as_mut_bytes().iter_mut().zip(bytes) {
            *byte = *stored;
        }
        Ok(Self { response, length, stored_length })
    }

    /// The structure.
    pub const fn response(&self) -> &R {
        &self.response
    }

    /// Number of bytes that were received, header included; it may be more than the structure has.
    pub const fn length(&self) -> u16 {
        self.length
    }

    /// Length of the response in bytes as the machine stored it, which may be more than it was offered.
    pub const fn stored_length(&self) -> u16 {
        self.stored_length
    }

    /// Whether the first `end` bytes of the structure were received.
    pub const fn covers(&self, end: usize) -> bool {
        end <= self.length as usize
    }
}

/// Why a response says nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The response code is 0, which no command answers: whether the command was carried out is not known.
    NoCode,
    /// The command was refused; the code is neither 0 nor [`ResponseCode::OK`].
    Refused(ResponseCode),
    /// The response is shorter than what is needed of it.
    TooShort {
        /// Bytes the response must have.
        required: u16,
        /// Bytes it says it has.
        actual: u16,
    },
    /// The response says that it is longer than the capacity for it, where its length alone says what is in it.
    TooLong {
        /// Bytes of capacity.
        offered: u16,
        /// Bytes it says it has.
        actual: u16,
    },
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCode => f.write_str("response without a code"),
            Self::Refused(code) => write!(f, "command refused: {code}"),
            Self::TooShort { required, actual } => {
                write!(f, "response of {actual} bytes where at least {required} are required")
            }
            Self::TooLong { offered, actual } => write!(f, "response of {actual} bytes with a capacity of {offered}"),
        }
    }
}

impl core::error::Error for ResponseError {}

/// The bytes offered do not suffice for a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CapacityError {
    /// Bytes that the response needs at least.
    pub required: usize,
    /// Bytes that were offered.
    pub offered: usize,
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "capacity of {} bytes for a response of at least {}", self.offered, self.required)
    }
}

impl core::error::Error for CapacityError {}

/// The request in a command block, and the bytes for the response that follow it.
///
/// The lengths come from the two headers and are whatever the requester wrote there.
#[derive(Debug, Eq, PartialEq)]
pub struct Parts<'a> {
    /// The request, as long as it says.
    pub request: &'a [u8],
    /// The bytes for the response, as many as its header says; what the requester left there is still in them.
    pub response: &'a mut [u8],
}

impl<'a> Parts<'a> {
    /// Largest request and capacity together, in bytes.
    pub const MAX: usize = 8192;

    /// Finds the two parts of `block`.
    ///
    /// The rules are those of QEMU (`clp_service_call`, `hw/s390x/s390-pci-inst.c`), which raises an operand exception
    /// where this returns an error: lengths are multiples of 8, at least 16 for the request and 8 for the capacity, and
    /// both together at most 8192 and within `block`.
    ///
    /// # Errors
    ///
    /// [`PartsError::Request`], [`PartsError::Capacity`], [`PartsError::Block`].
    pub fn split(block: &'a mut [u8]) -> Result<Self, PartsError> {
        let available = block.len();
        let (header, _) = RequestHeader::read_from_prefix(block).map_err(|_| PartsError::Block { available })?;
        let length = header.length.get();
        if length < size_of::<RequestHeader>() as u16 || !length.is_multiple_of(8) {
            return Err(PartsError::Request(length));
        }
        let (request, rest) = block.split_at_mut_checked(usize::from(length)).ok_or(PartsError::Block { available })?;
        let [high, low, ..] = *rest else {
            return Err(PartsError::Block { available });
        };
        let capacity = u16::from_be_bytes([high, low]);
        if capacity < 8 || !capacity.is_multiple_of(8) {
            return Err(PartsError::Capacity(capacity));
        }
        match rest.get_mut(..usize::from(capacity)) {
            Some(response) if request.len() + response.len() <= Self::MAX => Ok(Self { request, response }),
            _ => Err(PartsError::Block { available }),
        }
    }
}

/// Why a command block has no request and no capacity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PartsError {
    /// The length of the request, in bytes, is less than 16 or not a multiple of 8.
    Request(u16),
    /// The capacity, in bytes, is less than 8 or not a multiple of 8.
    Capacity(u16),
    /// Both together are more than 8192 bytes or than the block has.
    Block {
        /// Bytes that the block has.
        available: usize,
    },
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(length) => write!(f, "request of {length} bytes"),
            Self::Capacity(length) => write!(f, "capacity of {length} bytes for a response"),
            Self::Block { available } => write!(f, "request and capacity do not fit into a block of {available} bytes"),
        }
    }
}

impl core::error::Error for PartsError {}
