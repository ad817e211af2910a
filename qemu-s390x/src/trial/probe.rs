// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A device that is let at one page, to see where that leads.

use qemu_s390x::device::DeviceError;
use qemu_s390x::dma::DmaBuffer;
use qemu_s390x::frames::Buffer;
use qemu_s390x::pci::PciFunction;
use qemu_s390x::virtio::Entropy;
use qemu_s390x::Frames;
use s390_iommu::Iova;

use super::tables::{FRAME, FRAMES};

/// What is in a frame that no device has written.
const UNTOUCHED: [u8; BYTES as usize] = [0xa5; BYTES as usize];

/// Bytes that the device writes.
const BYTES: u32 = 64;

/// The device, and the frames that it may reach.
#[derive(Debug)]
pub(super) struct Probe<'f, 'm, F, M: Frames> {
    function: &'f F,
    source: Entropy<'f, 'm, F, M>,
    frames: &'m Buffer<'m, M>,
    /// It was refused something, and is reset before it is used again.
    is_broken: bool,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Written {
    /// It is in this frame.
    Frame(u64),
    /// The function is in error.
    Refused,
    /// The device is done, and nothing was written.
    Nowhere,
    /// Nobody knows.
    Elsewhere,
}

impl<'f, 'm, F: PciFunction, M: Frames> Probe<'f, 'm, F, M> {
    /// A device that is up, and frames that entries lead to.
    pub(super) fn new(
        function: &'f F,
        memory: &'m DmaBuffer<'m, M>,
        frames: &'m Buffer<'m, M>,
    ) -> Result<Self, DeviceError> {
        let source = Entropy::new(qemu_s390x::virtio::Transport::new(function)?, memory)?;
        for frame in 0..FRAMES {
            clean(frames, frame)?;
        }
        Ok(Self { function, source, frames, is_broken: false })
    }

    /// Has the device write to the page at `iova`.
    pub(super) fn write(&mut self, iova: u64) -> Result<Written, DeviceError> {
        if self.is_broken {
            self.source.restart()?;
            self.is_broken = false;
        }
        match self.source.read(Iova::new(iova), BYTES) {
            Ok(_) => {}
            Err(DeviceError::Refused { .. }) => self.is_broken = true,
            // A device that has just been brought up may see the request before it is told of it.
            Err(DeviceError::Access(_)) if self.function.state()?.error() => self.is_broken = true,
            Err(error) => return Err(error),
        }
        let mut written = None;
        let mut count = 0;
        for frame in 0..FRAMES {
            let mut bytes = [0; 8];
            self.frames.read((frame * FRAME) as usize, &mut bytes)?;
            if !UNTOUCHED.starts_with(&bytes) {
                written = Some(frame);
                count += 1;
                clean(self.frames, frame)?;
            }
        }
        Ok(match (self.is_broken, written, count) {
            (true, None, _) => Written::Refused,
            (false, Some(frame), 1) => Written::Frame(frame),
            (false, None, _) => Written::Nowhere,
            _ => Written::Elsewhere,
        })
    }

    /// The device is reset before it is used again.
    pub(super) const fn give_up(&mut self) {
        self.is_broken = true;
    }
}

fn clean<M: Frames>(frames: &Buffer<'_, M>, frame: u64) -> Result<(), DeviceError> {
    Ok(frames.write((frame * FRAME) as usize, &UNTOUCHED)?)
}
