// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The two parts of a command block, as a responder finds them.

use crate::RequestHeader;
use core::fmt;
use zerocopy::FromBytes;

/// The request in a command block, and the room for the response that follows it.
///
/// The lengths come from the two headers and are whatever the requester wrote there.
#[derive(Debug, Eq, PartialEq)]
pub struct Parts<'a> {
    /// The request, as long as it says.
    pub request: &'a [u8],
    /// The room for the response, as long as its header says; what the requester left there is still in it.
    pub room: &'a mut [u8],
}

impl<'a> Parts<'a> {
    /// Largest request and room together, in bytes.
    pub const MAX: usize = 8192;

    /// Finds the two parts of `block`.
    ///
    /// The rules are those of QEMU (`clp_service_call`, `hw/s390x/s390-pci-inst.c`), which raises an operand exception
    /// where this returns an error: lengths are multiples of 8, at least 16 for the request and 8 for the room, and
    /// both together at most 8192 and within `block`.
    ///
    /// # Errors
    ///
    /// [`PartsError::Request`], [`PartsError::Room`], [`PartsError::Block`].
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
        let room_length = u16::from_be_bytes([high, low]);
        if room_length < 8 || !room_length.is_multiple_of(8) {
            return Err(PartsError::Room(room_length));
        }
        match rest.get_mut(..usize::from(room_length)) {
            Some(room) if request.len() + room.len() <= Self::MAX => Ok(Self { request, room }),
            _ => Err(PartsError::Block { available }),
        }
    }
}

/// Why a command block has no request and no room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PartsError {
    /// The length of the request, in bytes, is less than 16 or not a multiple of 8.
    Request(u16),
    /// The length of the room, in bytes, is less than 8 or not a multiple of 8.
    Room(u16),
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
            Self::Room(length) => write!(f, "room of {length} bytes for a response"),
            Self::Block { available } => write!(f, "request and room do not fit into a block of {available} bytes"),
        }
    }
}

impl core::error::Error for PartsError {}
