// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A disk.
//!
//! VIRTIO 1.2, section 5.2 "Block Device".

use s390_iommu::{Iova, IovaRange, PAGE_SIZE};

use super::queue::{Part, Queue};
use super::transport::Transport;
use crate::device::DeviceError;
use crate::disk::{text, Disk, Identity, Text};
use crate::dma::DmaBuffer;
use crate::frames::Frames;
use crate::pci::{PciFunction, Width};
use crate::requests::Requests;

/// Feature: writes are refused.
const READ_ONLY: u64 = 1 << 5;
/// Feature: the device takes requests to flush what it holds back.
const FLUSH: u64 = 1 << 9;

/// Size in sectors, the first of the device's own registers.
const CAPACITY: u64 = 0;

/// The unit of offsets and sizes, whatever the blocks of the disk are.
const SECTOR: u64 = 512;

/// Types of requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
enum Request {
    Read = 0,
    Write = 1,
    Flush = 4,
    Identify = 8,
}

/// Length of the identification string.
const IDENTIFICATION: usize = 20;

/// Offsets in the memory that the device shares with the driver; the queue has the first page.
const QUEUE: usize = 0;
const HEADER: usize = PAGE_SIZE as usize;
const HEADER_LENGTH: usize = 16;
const STATUS: usize = HEADER + HEADER_LENGTH;
const SERIAL: usize = STATUS + 16;

/// What lies in the status byte until the device has written it.
const NOT_WRITTEN: u8 = 0xff;

/// Bytes of the largest request: what the other driver can move with one command, too.
const LARGEST_TRANSFER: u64 = 2 << 20;

/// A disk that is ready.
#[derive(Debug)]
pub struct Block<'f, 'm, F, M: Frames> {
    transport: Transport<'f, F>,
    memory: &'m DmaBuffer<'m, M>,
    queue: Queue,
    identity: Identity,
    /// Whether a request of `submit` is under way.
    is_busy: bool,
}

impl<'f, 'm, F: PciFunction, M: Frames> Block<'f, 'm, F, M> {
    /// Bytes of memory that the device shares with the driver beside the data.
    pub const MEMORY: usize = 2 * PAGE_SIZE as usize;

    /// Brings up the device, with its queue in `memory`, which is mapped for it.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    pub fn new(transport: Transport<'f, F>, memory: &'m DmaBuffer<'m, M>) -> Result<Self, DeviceError> {
        let queue = start(&transport, memory, None)?;
        let capacity =
            transport.load_device(CAPACITY, Width::Word)? | transport.load_device(CAPACITY + 4, Width::Word)? << 32;
        let read_only = transport.offered_features()? & READ_ONLY != 0;
        let mut block = Self {
            transport,
            memory,
            queue,
            identity: Identity {
                capacity: capacity.saturating_mul(SECTOR),
                block_size: SECTOR as u32,
                largest_transfer: LARGEST_TRANSFER,
                read_only,
                unusable: None,
                ..Identity::UNKNOWN
            },
            is_busy: false,
        };
        block.identity.serial = block.serial()?;
        Ok(block)
    }

    /// Asks the device for its identification string (section 5.2.6).
    fn serial(&mut self) -> Result<Text, DeviceError> {
        self.request(Request::Identify, 0, Some(self.serial_part()), "the identification string")?;
        let mut field = [0; IDENTIFICATION];
        self.memory.read(SERIAL, &mut field)?;
        Ok(text(&field))
    }

    fn request(
        &mut self,
        request: Request,
        offset: u64,
        data: Option<Part>,
        awaited: &'static str,
    ) -> Result<(), DeviceError> {
        let [header, status] = self.prepare(request, offset)?;
        let (three, two);
        let parts: &[Part] = match data {
            Some(data) => {
                three = [header, data, status];
                &three
            }
            None => {
                two = [header, status];
                &two
            }
        };
        self.transport.request(&mut self.queue, self.memory, parts, awaited)?;
        self.check(awaited)
    }

    /// Writes the header of a request; returns the parts around its data.
    fn prepare(&self, request: Request, offset: u64) -> Result<[Part; 2], DeviceError> {
        self.memory.write(HEADER, &header(request, offset))?;
        self.memory.write(STATUS, &[NOT_WRITTEN])?;
        let header = Part { iova: self.memory.iova(HEADER), length: HEADER_LENGTH as u32, device_writes: false };
        Ok([header, Part { iova: self.memory.iova(STATUS), length: 1, device_writes: true }])
    }

    /// Looks at the status that the device wrote.
    fn check(&self, command: &'static str) -> Result<(), DeviceError> {
        let mut status = [0];
        self.memory.read(STATUS, &mut status)?;
        match status {
            [0] => Ok(()),
            [status] => Err(DeviceError::Failed { command, status: u32::from(status) }),
        }
    }

    /// Where the identification string goes.
    fn serial_part(&self) -> Part {
        Part { iova: self.memory.iova(SERIAL), length: IDENTIFICATION as u32, device_writes: true }
    }
}

/// Type, a reserved word, and the first sector, little-endian.
fn header(request: Request, offset: u64) -> [u8; HEADER_LENGTH] {
    let mut header = [0; HEADER_LENGTH];
    header[0..4].copy_from_slice(&(request as u32).to_le_bytes());
    header[8..16].copy_from_slice(&(offset / SECTOR).to_le_bytes());
    header
}

fn data(range: IovaRange, device_writes: bool) -> Result<Part, DeviceError> {
    let bytes = range.size_less_one() + 1;
    match u32::try_from(bytes) {
        Ok(length) => Ok(Part { iova: range.start(), length, device_writes }),
        Err(_) => Err(DeviceError::Unexpected { what: "number of bytes for one request", value: bytes }),
    }
}

fn start<F: PciFunction, M: Frames>(
    transport: &Transport<'_, F>,
    memory: &DmaBuffer<'_, M>,
    vector: Option<u16>,
) -> Result<Queue, DeviceError> {
    transport.negotiate(FLUSH)?;
    memory.fill(0)?;
    let queue = transport.queue(0, memory, QUEUE, vector)?;
    transport.start()?;
    Ok(queue)
}

impl<F: PciFunction, M: Frames> Disk for Block<'_, '_, F, M> {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn restart(&mut self) -> Result<(), DeviceError> {
        Requests::start(self, None)
    }

    fn read(&mut self, offset: u64, range: IovaRange) -> Result<(), DeviceError> {
        self.request(Request::Read, offset, Some(data(range, true)?), "the completion of a read")
    }

    fn write(&mut self, offset: u64, range: IovaRange) -> Result<(), DeviceError> {
        let data = data(range, false)?;
        self.request(Request::Write, offset, Some(data), "the completion of a write")?;
        self.request(Request::Flush, 0, None, "the completion of a flush")
    }
}

/// Asks for the identification string again.
impl<F: PciFunction, M: Frames> Requests for Block<'_, '_, F, M> {
    fn start(&mut self, vector: Option<u16>) -> Result<(), DeviceError> {
        self.queue = start(&self.transport, self.memory, vector)?;
        self.is_busy = false;
        Ok(())
    }

    fn submit(&mut self, target: Option<Iova>) -> Result<(), DeviceError> {
        let [header, status] = self.prepare(Request::Identify, 0)?;
        let serial = self.serial_part();
        let parts = [header, Part { iova: target.unwrap_or(serial.iova), ..serial }, status];
        self.transport.submit(&mut self.queue, self.memory, &parts)?;
        self.is_busy = true;
        Ok(())
    }

    fn is_done(&mut self) -> Result<bool, DeviceError> {
        if !self.is_busy || self.queue.take(self.memory)?.is_none() {
            return Ok(false);
        }
        self.is_busy = false;
        self.check("the identification string").map(|()| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        assert_eq!(
            header(Request::Write, 0x1122_3344_5566_0000),
            [1, 0, 0, 0, 0, 0, 0, 0, 0x00, 0xb3, 0x2a, 0xa2, 0x19, 0x91, 0x08, 0x00]
        );
        assert_eq!(header(Request::Identify, 0), [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
