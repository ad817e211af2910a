// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where a device has its registers.
//!
//! VIRTIO 1.2, section 4.1.4 "Virtio Structure PCI Capabilities".

use crate::pci::{AccessError, Capability, Configuration, PciFunction, Space, Width};

/// Vendor-specific.
const IDENTIFIER: u8 = 0x09;

/// Offsets in the capability.
const LENGTH: u64 = 2;
const KIND: u64 = 3;
const BAR: u64 = 4;
const OFFSET: u64 = 8;
const STRUCTURE_LENGTH: u64 = 12;
const NOTIFY_MULTIPLIER: u64 = 16;

/// What kind of registers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum StructureKind {
    /// Features, status, queues.
    Common,
    /// Where to write that a queue has something for the device.
    Notify {
        /// Bytes from the place of one queue to that of the next, times the queue's own factor.
        multiplier: u32,
    },
    /// What belongs to this type of device alone.
    Device,
    /// Another one, which the drivers do not use.
    Other(u8),
}

/// A place in the memory of a function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Structure {
    /// What is there.
    pub(super) kind: StructureKind,
    /// In which memory.
    pub(super) bar: u8,
    /// In bytes from its start.
    pub(super) offset: u32,
    /// In bytes.
    pub(super) length: u32,
}

impl Structure {
    /// Reads `capability`; nothing if it is not one of virtio.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if configuration space cannot be read.
    pub(super) fn read<F: PciFunction>(
        configuration: &Configuration<'_, F>,
        capability: Capability,
    ) -> Result<Option<Self>, AccessError> {
        let at = |offset| capability.offset + offset;
        if capability.identifier != IDENTIFIER {
            return Ok(None);
        }
        let length = configuration.load(at(LENGTH), Width::Byte)?;
        if length < 16 {
            return Ok(None);
        }
        let kind = match configuration.load(at(KIND), Width::Byte)? as u8 {
            1 => StructureKind::Common,
            2 if length >= 20 => {
                StructureKind::Notify { multiplier: configuration.load(at(NOTIFY_MULTIPLIER), Width::Word)? as u32 }
            }
            4 => StructureKind::Device,
            other => StructureKind::Other(other),
        };
        Ok(Some(Self {
            kind,
            bar: configuration.load(at(BAR), Width::Byte)? as u8,
            offset: configuration.load(at(OFFSET), Width::Word)? as u32,
            length: configuration.load(at(STRUCTURE_LENGTH), Width::Word)? as u32,
        }))
    }

    /// The address space that the structure lies in; nothing for a number that no base address register has.
    pub(super) fn space(&self) -> Option<Space> {
        (self.bar < 6).then_some(Space::Bar(self.bar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeFunction;

    fn read(bytes: &[u8]) -> Option<Structure> {
        let function = FakeFunction::new();
        function.put(Space::Configuration, 0x40, bytes);
        let capability = Capability { identifier: bytes[0], offset: 0x40 };
        Structure::read(&Configuration::new(&function), capability).unwrap()
    }

    #[test]
    fn notify() {
        let structure = read(&[0x09, 0x60, 20, 2, 4, 0, 0, 0, 0, 0x30, 0, 0, 0, 0x10, 0, 0, 4, 0, 0, 0]);
        assert_eq!(
            structure,
            Some(Structure { kind: StructureKind::Notify { multiplier: 4 }, bar: 4, offset: 0x3000, length: 0x1000 })
        );
    }

    #[test]
    fn common_and_device() {
        let common = read(&[0x09, 0, 16, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0]).unwrap();
        assert_eq!((common.kind, common.offset), (StructureKind::Common, 0));
        let device = read(&[0x09, 0, 16, 4, 4, 0, 0, 0, 0, 0x20, 0, 0, 0, 0x10, 0, 0]).unwrap();
        assert_eq!((device.kind, device.offset), (StructureKind::Device, 0x2000));
    }

    #[test]
    fn others() {
        assert_eq!(read(&[0x11, 0, 16, 1]), None);
        assert_eq!(read(&[0x09, 0, 8, 1]), None);
        // Too short for the multiplier, so it cannot be used.
        let notify = read(&[0x09, 0, 16, 2, 9, 0, 0, 0]).unwrap();
        assert_eq!(notify.kind, StructureKind::Other(2));
        assert_eq!(notify.space(), None);
    }
}
