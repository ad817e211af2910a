// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What all responses have in common.

use crate::{ResponseCode, ResponseHeader};
use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The fixed part of a response, byte for byte: one structure for each command.
///
/// [`Received::parse`] reads one, shorter or longer than the structure; [`Self::emit`] writes one.
pub trait Response: Copy + FromBytes + Immutable + IntoBytes + KnownLayout + Unaligned {
    /// Bytes without which a response means nothing; the optional parts of the structure follow.
    const MINIMUM: usize;

    /// The header.
    fn header_mut(&mut self) -> &mut ResponseHeader;

    /// Takes back what no longer is whole when only `length` bytes of the structure are stored.
    fn truncate(&mut self, length: usize) {
        let _ = length;
    }

    /// Writes the response into the room that was offered, as far as there is room, and returns the length of the
    /// response in bytes; the header says the same.
    ///
    /// An optional part that does not fit as a whole is marked as absent. Bytes behind the response stay as they are.
    ///
    /// # Errors
    ///
    /// [`RoomError`] if there is not even room for [`Self::MINIMUM`] bytes; nothing was written.
    fn emit(&self, room: &mut [u8]) -> Result<u16, RoomError> {
        let offered = room.len();
        let length = offered.min(size_of::<Self>()).min(usize::from(u16::MAX));
        if length < Self::MINIMUM {
            return Err(RoomError { required: Self::MINIMUM, offered });
        }
        let mut response = *self;
        response.truncate(length);
        response.header_mut().length.set(length as u16);
        for (stored, byte) in room.iter_mut().zip(response.as_bytes()) {
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
}

impl<R: Response> Received<R> {
    /// Reads the response in `room`, the bytes that were offered to the machine for it.
    ///
    /// Checked in this order, before any field is looked at: the response code, that the response is not longer than
    /// `room`, that it is not shorter than [`Response::MINIMUM`].
    ///
    /// # Errors
    ///
    /// [`ResponseError::Refused`], [`ResponseError::TooLong`], [`ResponseError::TooShort`].
    pub fn parse(room: &[u8]) -> Result<Self, ResponseError> {
        let required = R::MINIMUM.max(ResponseHeader::SIZE) as u16;
        let Ok((header, _)) = ResponseHeader::read_from_prefix(room) else {
            return Err(ResponseError::TooShort { required, actual: room.len() as u16 });
        };
        if !header.code().is_ok() {
            return Err(ResponseError::Refused(header.code()));
        }
        let length = header.length.get();
        let Some(bytes) = room.get(..usize::from(length)) else {
            return Err(ResponseError::TooLong { offered: room.len() as u16, actual: length });
        };
        if length < required {
            return Err(ResponseError::TooShort { required, actual: length });
        }
        let mut response = R::new_zeroed();
        for (byte, stored) in response.as_mut_bytes().iter_mut().zip(bytes) {
            *byte = *stored;
        }
        Ok(Self { response, length })
    }

    /// The structure.
    pub const fn response(&self) -> &R {
        &self.response
    }

    /// Length of the response in bytes, header included; it may be more than the structure has.
    pub const fn length(&self) -> u16 {
        self.length
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
    /// The command was refused.
    Refused(ResponseCode),
    /// The response is shorter than its fixed part.
    TooShort {
        /// Bytes the response must have.
        required: u16,
        /// Bytes it says it has.
        actual: u16,
    },
    /// The response says that it is longer than the room for it.
    TooLong {
        /// Bytes of room.
        offered: u16,
        /// Bytes it says it has.
        actual: u16,
    },
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "command refused: {code}"),
            Self::TooShort { required, actual } => {
                write!(f, "response of {actual} bytes where at least {required} are required")
            }
            Self::TooLong { offered, actual } => write!(f, "response of {actual} bytes in room for {offered}"),
        }
    }
}

impl core::error::Error for ResponseError {}

/// There is not enough room for a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RoomError {
    /// Bytes of room that the response needs at least.
    pub required: usize,
    /// Bytes of room that were offered.
    pub offered: usize,
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "room of {} bytes for a response of at least {}", self.offered, self.required)
    }
}

impl core::error::Error for RoomError {}
