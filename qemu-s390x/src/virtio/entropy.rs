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

/// A source of random numbers that is ready.
#[derive(Debug)]
pub struct Entropy<'f, 'm, F, M: Frames> {
    transport: Transport<'f, F>,
    memory: &'m DmaBuffer<'m, M>,
    queue: Queue,
}

impl<'f, 'm, F: PciFunction, M: Frames> Entropy<'f, 'm, F, M> {
    /// Bytes of memory that the device shares with the driver beside the random numbers.
    pub const MEMORY: usize = 0x1000;

    /// Brings up the device, with its queue in `memory`, which is mapped for it.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    pub fn new(transport: Transport<'f, F>, memory: &'m DmaBuffer<'m, M>) -> Result<Self, DeviceError> {
        let queue = start(&transport, memory)?;
        Ok(Self { transport, memory, queue })
    }

    /// Resets the device and brings it up again, as after an error.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    pub fn restart(&mut self) -> Result<(), DeviceError> {
        self.queue = start(&self.transport, self.memory)?;
        Ok(())
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
) -> Result<Queue, DeviceError> {
    transport.negotiate(0)?;
    memory.fill(0)?;
    let queue = transport.queue(0, memory, 0)?;
    transport.start()?;
    Ok(queue)
}
