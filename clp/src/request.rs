// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What all requests have in common.

use crate::{CommandCode, RequestHeader, Response, ResponseCode};
use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A request, byte for byte: one structure for each command.
///
/// The constructors of the structures encode strictly, with every reserved field zero; [`Self::parse`] is tolerant, and
/// [`Self::check`] is there for a responder that wants to be strict.
pub trait Request: Copy + FromBytes + Immutable + IntoBytes + KnownLayout + Unaligned {
    /// Code of the command.
    const COMMAND: CommandCode;

    /// What answers the request.
    type Response: Response;

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
