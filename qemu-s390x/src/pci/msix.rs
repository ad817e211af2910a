// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Message-signalled interrupts of a function.
//!
//! PCI Local Bus Specification 3.0, section 6.8.2 "MSI-X Capability and Table Structures".

use super::access::{AccessError, PciFunction};
use super::configuration::Configuration;
use super::{Space, Width};

/// Identifier of the capability.
const IDENTIFIER: u8 = 0x11;

/// Offsets in the capability.
const CONTROL: u64 = 2;
const TABLE: u64 = 4;
const PENDING: u64 = 8;

/// Message control: entries of the table, less one.
const SIZE: u64 = 0x7ff;
/// Message control: every entry is masked.
const MASK_ALL: u64 = 1 << 14;
/// Message control: interrupts are sent by MSI-X.
const ENABLE: u64 = 1 << 15;

/// Bytes of a table entry, and offsets in it.
const ENTRY: u64 = 16;
const ADDRESS: u64 = 0;
const DATA: u64 = 8;
const VECTOR_CONTROL: u64 = 12;

/// What a device writes, and where to, when it interrupts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MsiMessage {
    /// Where to; for zPCI the MSI address of the group.
    pub address: u64,
    /// What; for zPCI the number of the interrupt.
    pub data: u32,
}

/// The capability of a function, and its table.
#[derive(Debug)]
pub struct Msix<'f, F> {
    function: &'f F,
    /// Offset of the message control in configuration space.
    control: u64,
    /// The table: in which memory, and where.
    table: (Space, u64),
    /// The pending bits, likewise.
    pending: (Space, u64),
    /// Entries of the table.
    entries: u16,
}

impl<'f, F: PciFunction> Msix<'f, F> {
    /// That of `function`; nothing if it has none.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if configuration space cannot be read.
    pub fn of(function: &'f F) -> Result<Option<Self>, AccessError> {
        let configuration = Configuration::new(function);
        for capability in configuration.capabilities()? {
            let capability = capability?;
            if capability.identifier != IDENTIFIER {
                continue;
            }
            let place = |offset| {
                let value = configuration.load(capability.offset + offset, Width::Word)?;
                Ok::<_, AccessError>((Space::Bar((value & 7) as u8), value & !7))
            };
            let control = capability.offset + CONTROL;
            let entries = (configuration.load(control, Width::Halfword)? & SIZE) as u16 + 1;
            return Ok(Some(Self { function, control, table: place(TABLE)?, pending: place(PENDING)?, entries }));
        }
        Ok(None)
    }

    /// Entries of the table.
    pub const fn entries(&self) -> u16 {
        self.entries
    }

    /// Has the function send its interrupts by the table, or not; every entry is masked before.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the function cannot be accessed.
    pub fn enable(&self, enable: bool) -> Result<(), AccessError> {
        let configuration = |value| self.function.store(Space::Configuration, self.control, Width::Halfword, value);
        let control = self.function.load(Space::Configuration, self.control, Width::Halfword)? & !(ENABLE | MASK_ALL);
        if !enable {
            return configuration(control);
        }
        configuration(control | ENABLE | MASK_ALL)?;
        for vector in 0..self.entries {
            self.mask(vector, true)?;
        }
        configuration(control | ENABLE)
    }

    /// Sets the message of entry `vector`, which is masked meanwhile and not afterwards.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the function cannot be accessed, or has no such entry.
    pub fn set(&self, vector: u16, message: MsiMessage) -> Result<(), AccessError> {
        self.mask(vector, true)?;
        self.store(vector, ADDRESS, message.address & 0xffff_ffff)?;
        self.store(vector, ADDRESS + 4, message.address >> 32)?;
        self.store(vector, DATA, u64::from(message.data))?;
        self.mask(vector, false)
    }

    /// Masks entry `vector`, or ends that. What is sent while it is masked is pending, and sent afterwards.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the function cannot be accessed, or has no such entry.
    pub fn mask(&self, vector: u16, masked: bool) -> Result<(), AccessError> {
        self.store(vector, VECTOR_CONTROL, u64::from(masked))
    }

    /// Reads a byte of entry `vector`, of which no more is known than that a function may refuse it.
    ///
    /// # Errors
    ///
    /// [`AccessError`] with the refusal.
    pub fn load_byte(&self, vector: u16) -> Result<u64, AccessError> {
        let (space, offset) = self.table;
        self.function.load(space, offset + u64::from(vector) * ENTRY, Width::Byte)
    }

    /// Writes a byte of entry `vector`, a zero where the low byte of a page's address stands, likewise.
    ///
    /// # Errors
    ///
    /// [`AccessError`] with the refusal.
    pub fn store_byte(&self, vector: u16) -> Result<(), AccessError> {
        let (space, offset) = self.table;
        self.function.store(space, offset + u64::from(vector) * ENTRY, Width::Byte, 0)
    }

    /// Whether an interrupt of entry `vector` is pending.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the function cannot be accessed.
    pub fn is_pending(&self, vector: u16) -> Result<bool, AccessError> {
        let (space, offset) = self.pending;
        let word = self.function.load(space, offset + u64::from(vector / 32) * 4, Width::Word)?;
        Ok(word >> (vector % 32) & 1 != 0)
    }

    /// Stores a word of an entry.
    fn store(&self, vector: u16, field: u64, value: u64) -> Result<(), AccessError> {
        let (space, offset) = self.table;
        self.function.store(space, offset + u64::from(vector) * ENTRY + field, Width::Word, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeFunction;

    /// The capability of QEMU's NVMe controller: 65 entries in BAR 0 at 0x2000, pending bits at 0x3000.
    fn function() -> FakeFunction {
        let function = FakeFunction::new();
        function.put(Space::Configuration, 6, &[0x10, 0]);
        function.put(Space::Configuration, 0x34, &[0x40]);
        function.put(Space::Configuration, 0x40, &[0x11, 0, 0x40, 0x00, 0x00, 0x20, 0, 0, 0x00, 0x30, 0, 0]);
        function
    }

    #[test]
    fn capability() {
        let function = function();
        let msix = Msix::of(&function).unwrap().unwrap();
        assert_eq!((msix.entries(), msix.table, msix.pending), (65, (Space::Bar(0), 0x2000), (Space::Bar(0), 0x3000)));
        assert!(Msix::of(&FakeFunction::new()).unwrap().is_none());

        msix.enable(true).unwrap();
        assert_eq!(function.bytes(Space::Configuration, 0x42, 2), [0x40, 0x80]);
        for vector in 0..65 {
            assert_eq!(function.bytes(Space::Bar(0), 0x2000 + vector * 16 + 12, 4), [1, 0, 0, 0], "{vector}");
        }
        assert_eq!(function.bytes(Space::Bar(0), 0x2000 + 65 * 16 + 12, 4), [0; 4]);
        msix.enable(false).unwrap();
        assert_eq!(function.bytes(Space::Configuration, 0x42, 2), [0x40, 0x00]);
    }

    #[test]
    fn entries() {
        let function = function();
        let msix = Msix::of(&function).unwrap().unwrap();
        msix.set(3, MsiMessage { address: 0xfe00_1122_3344_5566, data: 0x8765_4321 }).unwrap();
        let bytes = [0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00, 0xfe, 0x21, 0x43, 0x65, 0x87, 0, 0, 0, 0];
        assert_eq!(function.bytes(Space::Bar(0), 0x2030, 16), bytes);
        msix.mask(3, true).unwrap();
        assert_eq!(function.bytes(Space::Bar(0), 0x203c, 4), [1, 0, 0, 0]);
        function.put(Space::Bar(0), 0x3004, &[0, 0x80]);
        let pending: Vec<u16> = (0..65).filter(|vector| msix.is_pending(*vector).unwrap()).collect();
        assert_eq!(pending, [47]);
    }
}
