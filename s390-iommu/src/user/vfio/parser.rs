// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A chain of capabilities as it is read.

use core::fmt;

use zerocopy::FromBytes;

use super::byte_order::ByteOrder;
use super::chain::ALIGNMENT;
use super::{CapabilityHeader, Information};

/// A capability of which nothing but the header is understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RawCapability<'a> {
    /// Its header, in the order of this machine.
    pub header: CapabilityHeader,
    /// Its bytes with the header, up to the next capability or the end of the answer.
    pub bytes: &'a [u8],
    /// The order of its bytes.
    pub order: ByteOrder,
}

/// The capabilities of an answer, in the order of the chain.
///
/// Offsets have to grow, so the chain ends. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct Capabilities<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
    /// The end of what was read: a capability must not start before.
    read: usize,
    /// Where the next capability is; 0 at the end.
    next: u32,
}

impl<'a> Capabilities<'a> {
    /// Reads the structure at the front of `bytes`, which are the answer and nothing else.
    ///
    /// # Errors
    ///
    /// [`ChainError::Truncated`] if `bytes` end before the structure does.
    pub fn new<I: Information>(bytes: &'a [u8], order: ByteOrder) -> Result<(I, Self), ChainError> {
        let (information, _) = I::read_from_prefix(bytes).map_err(|_| ChainError::Truncated { offset: 0 })?;
        let information = order.convert(information);
        let next = information.cap_offset();
        Ok((information, Self { bytes, order, read: size_of::<I>(), next }))
    }

    /// The capability at `offset`.
    fn read(&mut self, offset: u32) -> Result<RawCapability<'a>, ChainError> {
        let start = usize::try_from(offset).map_err(|_| ChainError::Outside { offset })?;
        if start < self.read {
            return Err(ChainError::Backwards { offset });
        }
        if !start.is_multiple_of(ALIGNMENT) {
            return Err(ChainError::Unaligned { offset });
        }
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty()).ok_or(ChainError::Outside { offset })?;
        let (header, _) = CapabilityHeader::read_from_prefix(rest).map_err(|_| ChainError::Truncated { offset })?;
        let header = self.order.convert(header);
        self.read = start.saturating_add(size_of::<CapabilityHeader>());
        self.next = header.next;
        // An offset that ends nothing is an error when it is read.
        let end = usize::try_from(header.next).ok().filter(|&end| end >= self.read);
        let bytes = end.and_then(|end| self.bytes.get(start..end)).unwrap_or(rest);
        Ok(RawCapability { header, bytes, order: self.order })
    }
}

impl<'a> Iterator for Capabilities<'a> {
    type Item = Result<RawCapability<'a>, ChainError>;

    fn next(&mut self) -> Option<Self::Item> {
        match core::mem::take(&mut self.next) {
            0 => None,
            offset => Some(self.read(offset)),
        }
    }
}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChainError {
    /// A capability that starts before the end of what comes before it.
    Backwards {
        /// Its offset.
        offset: u32,
    },
    /// A capability that does not start at a multiple of 8.
    Unaligned {
        /// Its offset.
        offset: u32,
    },
    /// A capability behind the end of the answer.
    Outside {
        /// Its offset.
        offset: u32,
    },
    /// The answer ends within a structure or the header of a capability.
    Truncated {
        /// Its offset; 0 for the structure at the front.
        offset: u32,
    },
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backwards { offset } => write!(f, "capability at {offset}, before the end of what precedes it"),
            Self::Unaligned { offset } => write!(f, "capability at {offset}, which is not a multiple of {ALIGNMENT}"),
            Self::Outside { offset } => write!(f, "capability at {offset}, behind the end"),
            Self::Truncated { offset } => write!(f, "what starts at {offset} is cut off"),
        }
    }
}

impl core::error::Error for ChainError {}
