// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The registers that all devices have.
//!
//! VIRTIO 1.2, sections 3.1 "Device Initialization" and 4.1.4 "Virtio Structure PCI Capabilities".

use super::capability::{Structure, StructureKind};
use super::queue::{Part, Queue};
use crate::device::{wait, DeviceError};
use crate::dma::DmaBuffer;
use crate::frames::Frames;
use crate::pci::{Configuration, PciFunction, Width};

/// Vendor of all virtio devices.
const VENDOR: u16 = 0x1af4;

/// Offsets in the common registers (section 4.1.4.3).
const DEVICE_FEATURE_SELECT: u64 = 0;
const DEVICE_FEATURE: u64 = 4;
const DRIVER_FEATURE_SELECT: u64 = 8;
const DRIVER_FEATURE: u64 = 12;
const MSIX_CONFIG: u64 = 16;
const DEVICE_STATUS: u64 = 20;
const QUEUE_SELECT: u64 = 22;
const QUEUE_SIZE: u64 = 24;
const QUEUE_MSIX_VECTOR: u64 = 26;
const QUEUE_ENABLE: u64 = 28;
const QUEUE_NOTIFY_OFF: u64 = 30;
const QUEUE_AREAS: [u64; 3] = [32, 40, 48];

/// Device status bits (section 2.1).
const ACKNOWLEDGE: u64 = 1;
const DRIVER: u64 = 2;
const DRIVER_OK: u64 = 4;
const FEATURES_OK: u64 = 8;
const NEEDS_RESET: u64 = 0x40;

/// Feature: the device follows version 1 of the specification (section 6).
pub const VERSION_1: u64 = 1 << 32;
/// Feature: the device's addresses go through the platform's IOMMU (section 6).
pub const ACCESS_PLATFORM: u64 = 1 << 33;

/// Vector: no interrupt.
const NO_VECTOR: u64 = 0xffff;

const RESET_MILLISECONDS: u64 = 1000;
const REQUEST_MILLISECONDS: u64 = 10_000;

/// Type of a device (section 5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceType {
    /// A disk.
    Block,
    /// A source of random numbers.
    Entropy,
}

impl DeviceType {
    /// The type of a function with these identifiers; nothing for one without a driver here.
    ///
    /// Sections 4.1.2.1 and 4.1.2.3: 0x1040 plus the type, or one of the transitional numbers.
    pub const fn of(vendor: u16, device: u16) -> Option<Self> {
        match (vendor, device) {
            (VENDOR, 0x1042 | 0x1001) => Some(Self::Block),
            (VENDOR, 0x1044 | 0x1005) => Some(Self::Entropy),
            _ => None,
        }
    }
}

/// A device's registers.
#[derive(Debug)]
pub struct Transport<'f, F> {
    function: &'f F,
    common: Structure,
    notify: Structure,
    notify_multiplier: u32,
    device: Option<Structure>,
}

impl<'f, F: PciFunction> Transport<'f, F> {
    /// Finds the registers of the device behind `function`.
    ///
    /// # Errors
    ///
    /// * [`DeviceError::Access`] if configuration space cannot be read.
    /// * [`DeviceError::Unsupported`] if the device has the legacy registers alone.
    pub fn new(function: &'f F) -> Result<Self, DeviceError> {
        let configuration = Configuration::new(function);
        let (mut common, mut notify, mut device) = (None, None, None);
        for capability in configuration.capabilities()? {
            let Some(structure) = Structure::read(&configuration, capability?)? else {
                continue;
            };
            // The first of a kind is the one to use.
            match structure.kind {
                StructureKind::Common => common = common.or(Some(structure)),
                StructureKind::Notify { multiplier } => notify = notify.or(Some((structure, multiplier))),
                StructureKind::Device => device = device.or(Some(structure)),
                StructureKind::Other(_) => {}
            }
        }
        let (Some(common), Some((notify, notify_multiplier))) = (common, notify) else {
            return Err(DeviceError::Unsupported {
                what: "the registers of legacy virtio alone, identifiers",
                value: configuration.load(0, Width::Word)?,
            });
        };
        Ok(Self { function, common, notify, notify_multiplier, device })
    }

    /// What the device offers.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Access`] if the registers cannot be accessed.
    pub fn offered_features(&self) -> Result<u64, DeviceError> {
        let mut features = 0;
        for half in 0..2 {
            self.store(DEVICE_FEATURE_SELECT, Width::Word, half)?;
            features |= self.load(DEVICE_FEATURE, Width::Word)? << (32 * half);
        }
        Ok(features)
    }

    /// Resets the device and agrees with it on `wanted` features and the two that every driver here needs.
    ///
    /// # Errors
    ///
    /// * [`DeviceError::Unsupported`] if the device does not offer them all.
    /// * [`DeviceError::Unexpected`] if it does not accept what it offers.
    /// * [`DeviceError::Timeout`] if it does not come out of its reset.
    pub fn negotiate(&self, wanted: u64) -> Result<(), DeviceError> {
        self.store(DEVICE_STATUS, Width::Byte, 0)?;
        wait(self.function, "the device to be reset (device status 0)", RESET_MILLISECONDS, || {
            Ok((self.load(DEVICE_STATUS, Width::Byte)? == 0).then_some(()))
        })?;
        self.store(DEVICE_STATUS, Width::Byte, ACKNOWLEDGE)?;
        self.store(DEVICE_STATUS, Width::Byte, ACKNOWLEDGE | DRIVER)?;
        let wanted = wanted | VERSION_1 | ACCESS_PLATFORM;
        let offered = self.offered_features()?;
        if wanted & !offered != 0 {
            return Err(DeviceError::Unsupported { what: "features", value: offered });
        }
        for half in 0..2 {
            self.store(DRIVER_FEATURE_SELECT, Width::Word, half)?;
            self.store(DRIVER_FEATURE, Width::Word, wanted >> (32 * half))?;
        }
        self.store(DEVICE_STATUS, Width::Byte, ACKNOWLEDGE | DRIVER | FEATURES_OK)?;
        let status = self.load(DEVICE_STATUS, Width::Byte)?;
        if status & FEATURES_OK == 0 {
            return Err(DeviceError::Unexpected { what: "device status after FEATURES_OK", value: status });
        }
        self.store(MSIX_CONFIG, Width::Halfword, NO_VECTOR)
    }

    /// Sets up queue `index` in the page at `page` of `memory`, with interrupts by MSI-X entry `vector` or without.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Unexpected`] if the device has no such queue, or does not take the entry.
    pub fn queue<M: Frames>(
        &self,
        index: u16,
        memory: &DmaBuffer<'_, M>,
        page: usize,
        vector: Option<u16>,
    ) -> Result<Queue, DeviceError> {
        self.store(QUEUE_SELECT, Width::Halfword, u64::from(index))?;
        let offered = self.load(QUEUE_SIZE, Width::Halfword)?;
        let Some(queue) = Queue::new(index, offered as u16, page, vector.is_some()) else {
            return Err(DeviceError::Unexpected { what: "queue size", value: offered });
        };
        self.store(QUEUE_SIZE, Width::Halfword, u64::from(queue.size))?;
        let vector = vector.map_or(NO_VECTOR, u64::from);
        self.store(QUEUE_MSIX_VECTOR, Width::Halfword, vector)?;
        // A device that has no room for it says so by NO_VECTOR (section 4.1.5.1.2).
        let taken = self.load(QUEUE_MSIX_VECTOR, Width::Halfword)?;
        if taken != vector {
            return Err(DeviceError::Unexpected { what: "MSI-X entry of a queue", value: taken });
        }
        for (register, area) in QUEUE_AREAS.into_iter().zip(queue.areas(memory)) {
            // Two words each (section 4.1.3.1).
            self.store(register, Width::Word, area.get() & 0xffff_ffff)?;
            self.store(register + 4, Width::Word, area.get() >> 32)?;
        }
        self.store(QUEUE_ENABLE, Width::Halfword, 1)?;
        Ok(queue)
    }

    /// Tells the device that the driver is ready.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Access`] if the registers cannot be accessed.
    pub fn start(&self) -> Result<(), DeviceError> {
        let status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
        self.store(DEVICE_STATUS, Width::Byte, status)
    }

    /// Makes one request and waits until the device is done with it; the result is the number of bytes that it says it
    /// wrote.
    ///
    /// # Errors
    ///
    /// * [`DeviceError::Failed`] if the device asks to be reset.
    /// * Those of [`wait`], with `awaited`.
    pub fn request<M: Frames>(
        &self,
        queue: &mut Queue,
        memory: &DmaBuffer<'_, M>,
        parts: &[Part],
        awaited: &'static str,
    ) -> Result<u32, DeviceError> {
        self.submit(queue, memory, parts)?;
        let result = wait(self.function, awaited, REQUEST_MILLISECONDS, || {
            if let Some(written) = queue.take(memory)? {
                return Ok(Some(Ok(written)));
            }
            // A function in its error state has no registers to read; the wait notices that itself.
            Ok(match self.load(DEVICE_STATUS, Width::Byte) {
                Ok(status) if status & NEEDS_RESET != 0 && !self.function.state()?.error() => Some(Err(status)),
                _ => None,
            })
        })?;
        result.map_err(|status| DeviceError::Failed { command: awaited, status: status as u32 })
    }

    /// Makes one request, and does not wait.
    ///
    /// # Errors
    ///
    /// * [`DeviceError::Unexpected`] if there are more parts than the queue has entries.
    /// * [`DeviceError::Access`] if the registers cannot be accessed.
    pub fn submit<M: Frames>(
        &self,
        queue: &mut Queue,
        memory: &DmaBuffer<'_, M>,
        parts: &[Part],
    ) -> Result<(), DeviceError> {
        queue.submit(memory, parts)?;
        self.notify(queue.index)
    }

    /// Tells the device to look at a queue.
    fn notify(&self, index: u16) -> Result<(), DeviceError> {
        self.store(QUEUE_SELECT, Width::Halfword, u64::from(index))?;
        let factor = self.load(QUEUE_NOTIFY_OFF, Width::Halfword)?;
        let offset = factor * u64::from(self.notify_multiplier);
        self.access(&self.notify, offset, Width::Halfword, Some(u64::from(index)))?;
        Ok(())
    }

    /// Reads a register that this type of device alone has.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Unexpected`] if the device has none.
    pub fn load_device(&self, offset: u64, width: Width) -> Result<u64, DeviceError> {
        match &self.device {
            Some(device) => self.access(device, offset, width, None),
            None => Err(DeviceError::Unexpected { what: "lack of registers of its own at", value: offset }),
        }
    }

    fn load(&self, offset: u64, width: Width) -> Result<u64, DeviceError> {
        self.access(&self.common, offset, width, None)
    }

    fn store(&self, offset: u64, width: Width, value: u64) -> Result<(), DeviceError> {
        self.access(&self.common, offset, width, Some(value))?;
        Ok(())
    }

    /// Reads a register of `structure`, or writes `value` to it.
    fn access(&self, structure: &Structure, offset: u64, width: Width, value: Option<u64>) -> Result<u64, DeviceError> {
        let end = offset + u64::from(width.bytes());
        let Some(space) = structure.space().filter(|_| end <= u64::from(structure.length)) else {
            return Err(DeviceError::Unexpected { what: "lack of a register at", value: offset });
        };
        let offset = u64::from(structure.offset) + offset;
        match value {
            None => Ok(self.function.load(space, offset, width)?),
            Some(value) => {
                self.function.store(space, offset, width, value)?;
                Ok(0)
            }
        }
    }
}
