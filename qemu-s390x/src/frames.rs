// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage that the program shares with devices.

use core::fmt;
use core::sync::atomic::AtomicU8;

use s390_iommu::AbsoluteAddress;

/// Where frames come from.
///
/// The program never holds a reference into a frame: a device may write it at any time. It copies in and out.
pub trait Frames {
    /// Allocates `bytes` bytes, a multiple of 4 KiB, aligned to `alignment`, a power of two from 4 KiB up.
    ///
    /// Contents are unspecified.
    fn allocate(&self, bytes: usize, alignment: usize) -> Option<AbsoluteAddress>;

    /// Gives back what [`allocate`](Self::allocate) returned for the same number of bytes.
    fn free(&self, at: AbsoluteAddress, bytes: usize);

    /// Copies bytes out of allocated storage.
    fn read(&self, from: AbsoluteAddress, into: &mut [u8]);

    /// Copies bytes into allocated storage.
    fn write(&self, to: AbsoluteAddress, from: &[u8]);

    /// Loads a doubleword of allocated storage at once, in the program's byte order; `None` if it is not allocated or `at` is
    /// no multiple of eight.
    fn load_doubleword(&self, at: AbsoluteAddress) -> Option<u64>;

    /// Hands bytes of allocated storage, which the machine may change at the same time, to `using`; `None` if they are not
    /// allocated.
    fn with_atomics<R>(&self, at: AbsoluteAddress, bytes: usize, using: impl FnOnce(&[AtomicU8]) -> R) -> Option<R>;
}

/// Frames that follow each other, given back when dropped.
///
/// Whoever lets a device reach them takes that back first.
#[derive(Debug)]
pub struct Buffer<'m, M: Frames> {
    frames: &'m M,
    absolute: AbsoluteAddress,
    bytes: usize,
}

impl<'m, M: Frames> Buffer<'m, M> {
    /// Allocates `bytes` bytes, a multiple of 4 KiB, aligned to `alignment`, a power of two from 4 KiB up.
    ///
    /// # Errors
    ///
    /// [`BufferError::Exhausted`] if there is not as much storage.
    pub fn new(frames: &'m M, bytes: usize, alignment: usize) -> Result<Self, BufferError> {
        let absolute = frames.allocate(bytes, alignment).ok_or(BufferError::Exhausted { bytes })?;
        Ok(Self { frames, absolute, bytes })
    }

    /// Where the buffer lies.
    pub const fn absolute(&self) -> AbsoluteAddress {
        self.absolute
    }

    /// Size in bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Copies bytes out of the buffer.
    ///
    /// # Errors
    ///
    /// [`BufferError::Outside`] if they are not all in it; nothing is copied then.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), BufferError> {
        self.frames.read(self.at(offset, into.len())?, into);
        Ok(())
    }

    /// Copies bytes into the buffer.
    ///
    /// # Errors
    ///
    /// [`BufferError::Outside`] if they do not all fit into it; nothing is copied then.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), BufferError> {
        self.frames.write(self.at(offset, from.len())?, from);
        Ok(())
    }

    fn at(&self, offset: usize, length: usize) -> Result<AbsoluteAddress, BufferError> {
        offset
            .checked_add(length)
            .filter(|end| *end <= self.bytes)
            .and_then(|_| self.absolute.checked_add(offset as u64))
            .ok_or(BufferError::Outside { offset, length })
    }
}

impl<M: Frames> Drop for Buffer<'_, M> {
    fn drop(&mut self) {
        self.frames.free(self.absolute, self.bytes);
    }
}

/// Why a buffer could not be had or used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BufferError {
    /// No storage is left.
    Exhausted {
        /// Bytes asked for.
        bytes: usize,
    },
    /// Bytes that are not in the buffer.
    Outside {
        /// Where they were to begin, from the start of the buffer.
        offset: usize,
        /// How many.
        length: usize,
    },
}

impl fmt::Display for BufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted { bytes } => write!(f, "no {bytes:#x} bytes of storage are left for buffers"),
            Self::Outside { offset, length } => {
                write!(f, "{length:#x} bytes at offset {offset:#x} do not lie in the buffer")
            }
        }
    }
}

impl core::error::Error for BufferError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeFrames;

    #[test]
    fn access_is_bounded() {
        let frames = FakeFrames::new(0x4000);
        let buffer = Buffer::new(&frames, 0x1000, 0x1000).unwrap();
        let mut byte = [0];
        buffer.write(0xfff, &[7]).unwrap();
        buffer.read(0xfff, &mut byte).unwrap();
        assert_eq!(byte, [7]);
        let outside = BufferError::Outside { offset: 0x1000, length: 1 };
        assert_eq!(buffer.write(0x1000, &[7]), Err(outside));
        assert_eq!(buffer.read(0x1000, &mut byte), Err(outside));
        assert!(buffer.read(usize::MAX, &mut byte).is_err());
    }

    #[test]
    fn storage_ends() {
        let frames = FakeFrames::new(0x4000);
        assert_eq!(Buffer::new(&frames, 0x5000, 0x1000).unwrap_err(), BufferError::Exhausted { bytes: 0x5000 });
    }
}
