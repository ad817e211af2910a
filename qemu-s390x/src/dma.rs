// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage as a device sees it.

use s390_iommu::{AbsoluteAddress, Iova, IovaRange, PAGE_SIZE};

use crate::frames::{Buffer, BufferError, Frames};

const PAGE: usize = PAGE_SIZE as usize;

/// How many bytes are copied at once where the number does not matter; it divides a page, and the stack may be small.
pub const PIECE: usize = 256;

/// In which order consecutive pages of I/O virtual addresses lie in storage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// The first page is the first frame.
    Ascending,
    /// The first page is the last frame, so that only the right entry for each page leads to the right frame.
    Descending,
}

/// A buffer and where a device finds it.
///
/// Offsets count in the order of the I/O virtual addresses.
#[derive(Debug)]
pub struct DmaBuffer<'m, M: Frames> {
    buffer: Buffer<'m, M>,
    range: IovaRange,
    order: Order,
}

impl<'m, M: Frames> DmaBuffer<'m, M> {
    /// Says that `buffer` is, or is going to be, mapped from `start` on in `order`.
    ///
    /// # Errors
    ///
    /// [`BufferError::Outside`] if so many pages do not follow `start`.
    pub fn new(buffer: Buffer<'m, M>, start: Iova, order: Order) -> Result<Self, BufferError> {
        let range = IovaRange::with_size(start, buffer.bytes() as u64)
            .map_err(|_| BufferError::Outside { offset: 0, length: buffer.bytes() })?;
        Ok(Self { buffer, range, order })
    }

    /// The I/O virtual addresses.
    pub const fn range(&self) -> IovaRange {
        self.range
    }

    /// The order of the pages.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// Size in bytes.
    pub const fn bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// The I/O virtual address of the byte at `offset`.
    pub const fn iova(&self, offset: usize) -> Iova {
        Iova::new(self.range.start().get().wrapping_add(offset as u64))
    }

    /// The absolute address of the byte at `offset`.
    pub fn absolute(&self, offset: usize) -> AbsoluteAddress {
        AbsoluteAddress::new(self.buffer.absolute().get().wrapping_add(self.place(offset) as u64))
    }

    /// Copies bytes out of the buffer.
    ///
    /// # Errors
    ///
    /// [`BufferError::Outside`] if they are not all in it.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), BufferError> {
        let mut at = offset;
        let mut rest = into;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at_mut(rest.len().min(PAGE - at % PAGE));
            self.buffer.read(self.place(at), part)?;
            at += part.len();
            rest = behind;
        }
        Ok(())
    }

    /// Copies bytes into the buffer.
    ///
    /// # Errors
    ///
    /// [`BufferError::Outside`] if they do not all fit into it.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), BufferError> {
        let mut at = offset;
        let mut rest = from;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(rest.len().min(PAGE - at % PAGE));
            self.buffer.write(self.place(at), part)?;
            at += part.len();
            rest = behind;
        }
        Ok(())
    }

    /// Sets every byte.
    ///
    /// # Errors
    ///
    /// None that can happen; the type is that of [`write`](Self::write).
    pub fn fill(&self, byte: u8) -> Result<(), BufferError> {
        for offset in (0..self.bytes()).step_by(PIECE) {
            self.write(offset, &[byte; PIECE])?;
        }
        Ok(())
    }

    /// Where the byte at `offset` lies in the buffer; past the end it is past the end.
    fn place(&self, offset: usize) -> usize {
        match self.order {
            Order::Descending if offset < self.bytes() => (self.bytes() - PAGE - offset / PAGE * PAGE) + offset % PAGE,
            _ => offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeFrames;

    const START: Iova = Iova::new(0x1_0000_0000);

    #[test]
    fn descending_pages() {
        let frames = FakeFrames::new(0x4000);
        let dma = DmaBuffer::new(Buffer::new(&frames, 0x3000, 0x1000).unwrap(), START, Order::Descending).unwrap();
        assert_eq!(dma.absolute(0), AbsoluteAddress::new(0x10_2000));
        assert_eq!(dma.absolute(0x1234), AbsoluteAddress::new(0x10_1234));
        assert_eq!(dma.absolute(0x2fff), AbsoluteAddress::new(0x10_0fff));
        assert_eq!(dma.iova(0x1234), Iova::new(0x1_0000_1234));

        // Two bytes across a page boundary go to the end of one frame and the start of the one below it.
        dma.write(0xfff, &[1, 2]).unwrap();
        let mut bytes = [0; 2];
        dma.read(0xfff, &mut bytes).unwrap();
        assert_eq!(bytes, [1, 2]);
        frames.read(AbsoluteAddress::new(0x10_2fff), &mut bytes[..1]);
        frames.read(AbsoluteAddress::new(0x10_1000), &mut bytes[1..]);
        assert_eq!(bytes, [1, 2]);
    }

    #[test]
    fn access_is_bounded() {
        let frames = FakeFrames::new(0x4000);
        for order in [Order::Ascending, Order::Descending] {
            let dma = DmaBuffer::new(Buffer::new(&frames, 0x1000, 0x1000).unwrap(), START, order).unwrap();
            assert!(dma.write(0xfff, &[1, 2]).is_err());
            assert!(dma.read(0x1000, &mut [0]).is_err());
        }
    }
}
