// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A source of random numbers.
//!
//! VIRTIO 1.2, section 5.4 "Entropy Device".

use s390_iommu::Iova;

use super::queue::{Part, Queue};
use super::transport::Transport;
use crate::device::DeviceError;
use crate::dma::DmaBuffer;
use crate::frames::Frames;
use crate::pci::PciFunction;
use crate::requests::Requests;

/// A source of random numbers that is ready.
#[derive(Debug)]
pub struct Entropy<'f, 'm, F, M: Frames> {
    transport: Transport<'f, F>,
    memory: &'m DmaBuffer<'m, M>,
    queue: Queue,
    /// Whether a request of `submit` is under way.
    is_busy: bool,
}

/// Where the random numbers of a request go that does not say: behind the queue, in its page.
const TARGET: usize = 0x800;
const TARGET_LENGTH: u32 = 64;

impl<'f, 'm, F: PciFunction, M: Frames> Entropy<'f, 'm, F, M> {
    /// Bytes of memory that the device shares with the driver beside the random numbers.
    pub const MEMORY: usize = 0x1000;

    /// Brings up the device, with its queue in `memory`, which is mapped for it.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    pub fn new(transport: Transport<'f, F>, memory: &'m DmaBuffer<'m, M>) -> Result<Self, DeviceError> {
        let queue = start(&transport, memory, None)?;
        Ok(Self { transport, memory, queue, is_busy: false })
    }

    /// Resets the device and brings it up again, as after an error.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    pub fn restart(&mut self) -> Result<(), DeviceError> {
        Requests::start(self, None)
    }

    /// Has at most `length` random bytes written to `target` and returns how many were.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    pub fn read(&mut self, target: Iova, length: u32) -> Result<u32, DeviceError> {
        let part = Part { iova: target, length, device_writes: true };
        self.transport.request(&mut self.queue, self.memory, &[part], "random numbers")
    }
}

fn start<F: PciFunction, M: Frames>(
    transport: &Transport<'_, F>,
    memory: &DmaBuffer<'_, M>,
    vector: Option<u16>,
) -> Result<Queue, DeviceError> {
    transport.negotiate(0)?;
    memory.fill(0)?;
    let queue = transport.queue(0, memory, 0, vector)?;
    transport.start()?;
    Ok(queue)
}

/// Has some random numbers written, and does nothing with them.
impl<F: PciFunction, M: Frames> Requests for Entropy<'_, '_, F, M> {
    fn start(&mut self, vector: Option<u16>) -> Result<(), DeviceError> {
        self.queue = start(&self.transport, self.memory, vector)?;
        self.is_busy = false;
        Ok(())
    }

    fn submit(&mut self, target: Option<Iova>) -> Result<(), DeviceError> {
        let iova = target.unwrap_or_else(|| self.memory.iova(TARGET));
        let part = Part { iova, length: TARGET_LENGTH, device_writes: true };
        self.transport.submit(&mut self.queue, self.memory, &[part])?;
        self.is_busy = true;
        Ok(())
    }

    fn is_done(&mut self) -> Result<bool, DeviceError> {
        let is_done = self.is_busy && self.queue.take(self.memory)?.is_some();
        self.is_busy &= !is_done;
        Ok(is_done)
    }
}
