// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A split virtqueue with one request at a time.
//!
//! VIRTIO 1.2, section 2.7 "Split Virtqueues". All fields are little-endian.

use core::sync::atomic::{fence, Ordering};

use s390_iommu::Iova;

use crate::device::DeviceError;
use crate::dma::DmaBuffer;
use crate::frames::Frames;

/// Most entries; a device may allow fewer.
const LARGEST: u16 = 16;

/// Offsets in the queue's page, with room for the largest queue.
const DESCRIPTORS: usize = 0;
const DRIVER_AREA: usize = 256;
const DEVICE_AREA: usize = 512;

/// Bytes of a descriptor.
const DESCRIPTOR: usize = 16;

/// Descriptor: another one follows.
const NEXT: u16 = 1;
/// Descriptor: the device writes there and does not read.
const DEVICE_WRITES: u16 = 2;
/// Driver area: no interrupts.
const NO_INTERRUPT: u16 = 1;

/// Part of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part {
    /// Where the device finds it.
    pub iova: Iova,
    /// In bytes.
    pub length: u32,
    /// Whether the device writes it; it reads it otherwise.
    pub device_writes: bool,
}

/// A queue and how far it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Queue {
    /// Which of the device's queues.
    pub index: u16,
    /// Entries, a power of two.
    pub size: u16,
    /// Bytes into the memory that queue and device share.
    page: usize,
    /// The device says by an interrupt that it is done.
    interrupts: bool,
    /// Requests made so far, as the running index of the driver area counts them.
    requests: u16,
}

impl Queue {
    /// Queue `index` in the page at `page` of a shared buffer, with as many entries as a device that offers `offered`
    /// allows, with interrupts or without; nothing if that is no power of two.
    pub fn new(index: u16, offered: u16, page: usize, interrupts: bool) -> Option<Self> {
        let size = offered.min(LARGEST);
        offered.is_power_of_two().then_some(Self { index, size, page, interrupts, requests: 0 })
    }

    /// Where the device finds the descriptors, the driver area and the device area.
    pub fn areas<M: Frames>(&self, memory: &DmaBuffer<'_, M>) -> [Iova; 3] {
        [DESCRIPTORS, DRIVER_AREA, DEVICE_AREA].map(|offset| memory.iova(self.page + offset))
    }

    /// Puts a request of `parts` where the device finds it; it comes to look when it is notified.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Unexpected`] if there are more parts than the queue has entries.
    pub fn submit<M: Frames>(&mut self, memory: &DmaBuffer<'_, M>, parts: &[Part]) -> Result<(), DeviceError> {
        if parts.len() > usize::from(self.size) {
            return Err(DeviceError::Unexpected { what: "number of queue entries", value: u64::from(self.size) });
        }
        for (number, part) in (0_u16..).zip(parts) {
            let follows = usize::from(number) + 1 < parts.len();
            let flags = if follows { NEXT } else { 0 } | if part.device_writes { DEVICE_WRITES } else { 0 };
            let next = if follows { number + 1 } else { 0 };
            let mut descriptor = [0; DESCRIPTOR];
            descriptor[0..8].copy_from_slice(&part.iova.get().to_le_bytes());
            descriptor[8..12].copy_from_slice(&part.length.to_le_bytes());
            descriptor[12..14].copy_from_slice(&flags.to_le_bytes());
            descriptor[14..16].copy_from_slice(&next.to_le_bytes());
            memory.write(self.page + DESCRIPTORS + usize::from(number) * DESCRIPTOR, &descriptor)?;
        }
        let area = self.page + DRIVER_AREA;
        let slot = usize::from(self.requests % self.size);
        let flags = if self.interrupts { 0 } else { NO_INTERRUPT };
        memory.write(area, &flags.to_le_bytes())?;
        memory.write(area + 4 + 2 * slot, &0_u16.to_le_bytes())?;
        // Descriptors and ring are complete before the index says so, and the index before the notification.
        fence(Ordering::SeqCst);
        self.requests = self.requests.wrapping_add(1);
        memory.write(area + 2, &self.requests.to_le_bytes())?;
        fence(Ordering::SeqCst);
        Ok(())
    }

    /// The number of bytes that the device says it wrote, once it is done with the last request.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Buffer`] if the queue does not lie in `memory`.
    pub fn take<M: Frames>(&self, memory: &DmaBuffer<'_, M>) -> Result<Option<u32>, DeviceError> {
        let area = self.page + DEVICE_AREA;
        let mut index = [0; 2];
        memory.read(area + 2, &mut index)?;
        if u16::from_le_bytes(index) != self.requests {
            return Ok(None);
        }
        // The index comes last; the entry is read after it.
        fence(Ordering::SeqCst);
        let slot = usize::from(self.requests.wrapping_sub(1) % self.size);
        let mut length = [0; 4];
        memory.read(area + 4 + 8 * slot + 4, &mut length)?;
        Ok(Some(u32::from_le_bytes(length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dma::Order;
    use crate::fake::FakeFrames;
    use crate::frames::Buffer;

    fn memory(frames: &FakeFrames) -> DmaBuffer<'_, FakeFrames> {
        let buffer = Buffer::new(frames, 0x2000, 0x1000).unwrap();
        let memory = DmaBuffer::new(buffer, Iova::new(0x1_0000_0000), Order::Descending).unwrap();
        memory.fill(0).unwrap();
        memory
    }

    fn bytes<const N: usize>(memory: &DmaBuffer<'_, FakeFrames>, offset: usize) -> [u8; N] {
        let mut bytes = [0; N];
        memory.read(offset, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn areas() {
        let frames = FakeFrames::new(0x2000);
        let memory = memory(&frames);
        let queue = Queue::new(0, 256, 0x1000, false).unwrap();
        assert_eq!(queue.size, 16);
        assert_eq!(queue.areas(&memory).map(Iova::get), [0x1_0000_1000, 0x1_0000_1100, 0x1_0000_1200]);
        assert_eq!(Queue::new(0, 0, 0, false), None);
        assert_eq!(Queue::new(0, 24, 0, false), None);
    }

    #[test]
    fn requests() {
        let frames = FakeFrames::new(0x2000);
        let memory = memory(&frames);
        let mut queue = Queue::new(0, 2, 0, false).unwrap();
        let parts = [
            Part { iova: Iova::new(0x1_0203_0000), length: 0x10, device_writes: false },
            Part { iova: Iova::new(0x1_0405_0000), length: 0x1234, device_writes: true },
        ];
        for (count, slot) in [(1_u8, 0), (2, 1), (3, 0)] {
            queue.submit(&memory, &parts).unwrap();
            assert_eq!(bytes(&memory, 0), [0, 0, 3, 2, 1, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 1, 0]);
            assert_eq!(bytes(&memory, 16), [0, 0, 5, 4, 1, 0, 0, 0, 0x34, 0x12, 0, 0, 2, 0, 0, 0]);
            assert_eq!(bytes(&memory, 256), [1, 0, count, 0, 0, 0, 0, 0]);

            assert_eq!(queue.take(&memory), Ok(None));
            memory.write(512 + 4 + 8 * slot, &[0, 0, 0, 0, 0x78, 0x56, 0, 0]).unwrap();
            memory.write(512 + 2, &[count, 0]).unwrap();
            assert_eq!(queue.take(&memory), Ok(Some(0x5678)));
        }
    }

    #[test]
    fn interrupts() {
        let frames = FakeFrames::new(0x2000);
        let memory = memory(&frames);
        let part = Part { iova: Iova::new(0x1_0000_0000), length: 1, device_writes: true };
        Queue::new(0, 2, 0, true).unwrap().submit(&memory, &[part]).unwrap();
        assert_eq!(bytes(&memory, 256), [0, 0, 1, 0]);
    }

    #[test]
    fn too_many_parts() {
        let frames = FakeFrames::new(0x2000);
        let memory = memory(&frames);
        let part = Part { iova: Iova::new(0x1_0000_0000), length: 1, device_writes: true };
        assert!(Queue::new(0, 2, 0, false).unwrap().submit(&memory, &[part; 3]).is_err());
    }
}
