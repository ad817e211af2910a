// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A chain of capabilities as it is read, from every kernel that has one.
//!
//! The kernel chooses where a capability starts. Before Linux 6.6 `struct vfio_device_info` had 20 bytes and capabilities
//! were not padded, so they start at any byte (`drivers/vfio/vfio_main.c`, "vfio: align capability structures"). Offsets
//! may go down as well as up.

use core::fmt;
use core::iter;

use zerocopy::FromBytes;

use super::byte_order::ByteOrder;
use super::{CapabilityHeader, Information};

/// Size in bytes of the header of a capability.
const HEADER: usize = size_of::<CapabilityHeader>();

/// Most capabilities of a chain that are read. Kernels have some ten.
const MOST: usize = 1024;

/// A capability of which only the header is decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RawCapability<'a> {
    /// Its header, in the byte order of this machine.
    pub header: CapabilityHeader,
    /// Its bytes with the header, up to the capability that starts next in the buffer, or the end of the answer.
    pub bytes: &'a [u8],
    /// The order of its bytes.
    pub order: ByteOrder,
}

/// The capabilities of an answer, in the order of the chain.
///
/// A chain that cannot be read yields an error, and nothing after it; it never looks like a shorter chain or an empty one.
/// Each capability is compared with all others, which takes quadratic time in their number; 1,024 are read at most.
#[derive(Clone, Debug)]
pub struct Capabilities<'a> {
    /// The answer: neither what lies behind `argsz` nor what the buffer has no bytes for.
    bytes: &'a [u8],
    order: ByteOrder,
    /// Where the part of the structure ends that no capability may lie in.
    front: usize,
    /// Where the first capability is; 0 if there is none.
    first: u32,
    /// How many were read.
    read: usize,
    /// What comes next.
    next: Next,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    End,
    At(u32),
    Missing(u32),
}

impl<'a> Capabilities<'a> {
    /// Reads the structure at the front of `bytes`, the buffer that the ioctl was called with.
    ///
    /// Nothing behind the first `argsz` bytes is read. A field of the structure that the kernel did not write, because of
    /// `argsz`, a flag or its age, is 0.
    ///
    /// # Errors
    ///
    /// [`ChainError::Truncated`] if `argsz` or `bytes` end before the structure that the oldest kernel writes.
    pub fn new<I: Information>(bytes: &'a [u8], order: ByteOrder) -> Result<(I, Self), ChainError> {
        const TRUNCATED: ChainError = ChainError::Truncated { offset: 0 };
        let (argsz, _) = u32::read_from_prefix(bytes).map_err(|_| TRUNCATED)?;
        let argsz = order.convert(argsz);
        let answered = usize::try_from(argsz).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(..answered).filter(|answer| answer.len() >= I::LEAST).ok_or(TRUNCATED)?;
        // A field that the answer has a part of is not there.
        let whole = bytes.get(..if answered < I::FRONT { I::LEAST } else { answered }).unwrap_or_default();
        let mut information = I::new_zeroed();
        information.as_mut_bytes().iter_mut().zip(whole).for_each(|(to, from)| *to = *from);
        let information = order.convert(information).without_unwritten();
        let first = information.cap_offset();
        let next = match (information.has_capabilities(), first) {
            (false, _) => Next::End,
            (true, 0) => Next::Missing(argsz),
            (true, offset) => Next::At(offset),
        };
        Ok((information, Self { bytes, order, front: I::FRONT, first, read: 0, next }))
    }

    /// The header at `offset`.
    fn header(&self, offset: u32) -> Result<(usize, CapabilityHeader), ChainError> {
        let start = usize::try_from(offset).map_err(|_| ChainError::Outside { offset })?;
        if start < self.front {
            return Err(ChainError::Overlap { offset });
        }
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty()).ok_or(ChainError::Outside { offset })?;
        let (header, _) = CapabilityHeader::read_from_prefix(rest).map_err(|_| ChainError::Truncated { offset })?;
        Ok((start, self.order.convert(header)))
    }

    /// Where the capabilities start, in the order of the chain, up to the first that cannot be read.
    ///
    /// Headers that do not overlap are at most so many; what comes after them is a repetition.
    fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        let mut offset = self.first;
        let all = iter::from_fn(move || {
            let (start, header) = self.header(offset).ok()?;
            offset = header.next;
            Some(start)
        });
        all.take(MOST.min(self.bytes.len() / HEADER))
    }

    /// The capability at `offset`.
    fn read(&mut self, offset: u32) -> Result<RawCapability<'a>, ChainError> {
        let (start, header) = self.header(offset)?;
        if self.read == MOST {
            return Err(ChainError::TooMany { offset });
        }
        for before in self.starts().take(self.read) {
            if before == start {
                return Err(ChainError::Cycle { offset });
            }
            if before.abs_diff(start) < HEADER {
                return Err(ChainError::Overlap { offset });
            }
        }
        let behind = start.saturating_add(HEADER);
        let end = self.starts().filter(|&other| other >= behind).min().unwrap_or(self.bytes.len());
        let bytes = self.bytes.get(start..end).ok_or(ChainError::Truncated { offset })?;
        self.read = self.read.saturating_add(1);
        self.next = if header.next == 0 { Next::End } else { Next::At(header.next) };
        Ok(RawCapability { header, bytes, order: self.order })
    }
}

impl<'a> Iterator for Capabilities<'a> {
    type Item = Result<RawCapability<'a>, ChainError>;

    fn next(&mut self) -> Option<Self::Item> {
        match core::mem::replace(&mut self.next, Next::End) {
            Next::End => None,
            Next::At(offset) => Some(self.read(offset)),
            Next::Missing(argsz) => Some(Err(ChainError::Missing { argsz })),
        }
    }
}

impl iter::FusedIterator for Capabilities<'_> {}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChainError {
    /// There are capabilities, but the answer has none of them: the buffer was too small.
    Missing {
        /// Size in bytes of the buffer that the kernel asks for.
        argsz: u32,
    },
    /// A capability that the chain led to before.
    Cycle {
        /// Its offset.
        offset: u32,
    },
    /// A capability that starts within the structure at the front or within the header of another capability.
    Overlap {
        /// Its offset.
        offset: u32,
    },
    /// A capability that starts at or behind the end of the answer.
    Outside {
        /// Its offset.
        offset: u32,
    },
    /// A capability after 1,024 others.
    TooMany {
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
            Self::Missing { argsz } => write!(f, "no capability is in the answer, which takes {argsz} bytes"),
            Self::Cycle { offset } => write!(f, "the chain leads back to the capability at {offset}"),
            Self::Overlap { offset } => write!(f, "capability at {offset}, within another structure"),
            Self::Outside { offset } => write!(f, "capability at {offset}, behind the end"),
            Self::TooMany { offset } => write!(f, "capability at {offset}, after {MOST} others"),
            Self::Truncated { offset } => write!(f, "the structure at {offset} is cut off"),
        }
    }
}

impl core::error::Error for ChainError {}
