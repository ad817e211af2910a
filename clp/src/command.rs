// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A command that fits into its block.

use crate::block::Block;
use crate::header::{RequestHeader, ResponseHeader};
use core::fmt;
use zerocopy::IntoBytes;

/// A command block whose request and response lie within it: the one thing that CLP is executed on.
///
/// The machine reads and stores as many bytes as the two lengths in the block say, up to 8192, which is more than a
/// [`Block`] has. A `Command` remembers lengths that were checked against the block, and [`Self::as_mut_ptr`] writes
/// them back before it hands out the address. No safe code can make the machine leave the block: not the caller of
/// [`Clp::call`](crate::Clp::call), not an implementation that changes bytes and passes the command on.
///
/// A block alone is no command:
///
/// ```compile_fail,E0308
/// use clp::{Block, Clp, LogicalProcessor};
///
/// fn execute(machine: &impl Clp, block: &mut Block) {
///     // A request of 32 bytes and a response of 8160: the machine would store 4096 bytes behind the block.
///     block.bytes_mut()[..4].copy_from_slice(&[0x00, 0x20, 0x00, 0x02]);
///     block.bytes_mut()[32..34].copy_from_slice(&[0x1f, 0xe0]);
///     machine.call(LogicalProcessor::PCI, block);
/// }
/// ```
///
/// Nor is there a way around the check:
///
/// ```compile_fail,E0451
/// use clp::{Block, Command};
///
/// fn command(block: &mut Block) -> Command<'_> {
///     Command { block, request: 32, capacity: 8160 }
/// }
/// ```
#[derive(Debug)]
pub struct Command<'b> {
    block: &'b mut Block,
    /// Bytes of the request; at least a header.
    request: u16,
    /// Bytes of capacity for the response; together with the request within the block.
    capacity: u16,
}

impl<'b> Command<'b> {
    /// The command that somebody else put into `block`, such as a program in user space.
    ///
    /// Neither the command code nor anything else but the two lengths is looked at. Lengths that are no multiple of 8
    /// are for the machine to refuse: QEMU does so with an operand exception (measured).
    ///
    /// # Errors
    ///
    /// [`CommandError::Request`] if the request is shorter than its header or leaves no space for the header of a
    /// response; [`CommandError::Capacity`] if the response may become longer than the block.
    pub fn new(block: &'b mut Block) -> Result<Self, CommandError> {
        let request = length_at(block, 0);
        let in_error = CommandError::Request { length: request };
        if usize::from(request) < size_of::<RequestHeader>() {
            return Err(in_error);
        }
        let available = Block::SIZE.checked_sub(usize::from(request)).ok_or(in_error)?;
        if available < ResponseHeader::SIZE {
            return Err(in_error);
        }
        let capacity = length_at(block, usize::from(request));
        if usize::from(capacity) > available {
            return Err(CommandError::Capacity { capacity, available });
        }
        Ok(Self { block, request, capacity })
    }

    /// The bytes of the block: the request, the response behind it, and what follows.
    pub const fn bytes(&self) -> &[u8; Block::SIZE] {
        self.block.bytes()
    }

    /// The bytes of the block, for a machine in memory to write its response.
    ///
    /// Lengths that are written here change nothing of what [`Self::as_mut_ptr`] hands out.
    pub const fn bytes_mut(&mut self) -> &mut [u8; Block::SIZE] {
        self.block.bytes_mut()
    }

    /// Length of the request in bytes, header included; the response starts there.
    pub const fn request_length(&self) -> usize {
        self.request as usize
    }

    /// Most bytes that the machine may store as a response, header included.
    pub const fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// The request.
    pub fn request(&self) -> &[u8] {
        self.block.bytes().get(..self.request_length()).unwrap_or_default()
    }

    /// The response and the capacity behind it; before the machine executed the command, what the requester left there.
    pub fn response(&self) -> &[u8] {
        let start = self.request_length();
        self.block.bytes().get(start..start.saturating_add(self.capacity())).unwrap_or_default()
    }

    /// The address of the block for one execution of the instruction, with both lengths as they were checked.
    ///
    /// It is aligned to [`Block::SIZE`] and valid for reads and writes of that many bytes as long as `self` is borrowed.
    /// The machine stays within them, as long as nothing is written before the instruction is executed. Call this once
    /// for each execution: it writes the capacity over the length of a response.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        for (offset, length) in [(0, self.request), (self.request_length(), self.capacity)] {
            for (stored, byte) in self.block.bytes_mut().iter_mut().skip(offset).zip(length.to_be_bytes()) {
                *stored = byte;
            }
        }
        self.block.as_mut_bytes().as_mut_ptr()
    }
}

/// The length in the header at `offset`; 0 if the block ends before.
fn length_at(block: &Block, offset: usize) -> u16 {
    let field = block.bytes().get(offset..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |field| u16::from_be_bytes(*field))
}

/// Why a block holds no command that can be executed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CommandError {
    /// The request is shorter than a header, or leaves less than a header of the block to the response.
    Request {
        /// Length of the request in bytes.
        length: u16,
    },
    /// The capacity for the response goes beyond the block.
    Capacity {
        /// Bytes of capacity.
        capacity: u16,
        /// Bytes that the request leaves of the block.
        available: usize,
    },
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { length } => write!(f, "request of {length} bytes"),
            Self::Capacity { capacity, available } => {
                write!(f, "capacity of {capacity} bytes for a response where the block has {available}")
            }
        }
    }
}

impl core::error::Error for CommandError {}
