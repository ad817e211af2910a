// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Configuration space.

use core::fmt;

use super::{AccessError, PciFunction, Space, Width};

/// Vendor, then device.
const IDENTIFIERS: u64 = 0x00;
/// Command register.
const COMMAND: u64 = 0x04;
/// Status register.
const STATUS: u64 = 0x06;
/// Revision in the low byte, class code above it.
const CLASS: u64 = 0x08;
/// Offset of the first capability.
const CAPABILITIES: u64 = 0x34;

/// Command: the function answers to memory accesses.
const MEMORY_SPACE: u64 = 1 << 1;
/// Command: the function may access memory itself.
const BUS_MASTER: u64 = 1 << 2;
/// Status: there is a list of capabilities.
const HAS_CAPABILITIES: u64 = 1 << 4;

/// More capabilities than fit into 256 bytes, so that a list that is a ring ends.
const MOST_CAPABILITIES: u8 = 48;

/// Base class, subclass and programming interface, 24 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClassCode(pub u32);

impl ClassCode {
    /// Mass storage, non-volatile memory, NVM Express.
    pub const NVM_EXPRESS: Self = Self(0x01_08_02);
}

impl fmt::Display for ClassCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#08x}", self.0)
    }
}

/// Configuration space of one function.
#[derive(Debug)]
pub struct Configuration<'f, F>(&'f F);

impl<'f, F: PciFunction> Configuration<'f, F> {
    /// That of `function`.
    pub const fn new(function: &'f F) -> Self {
        Self(function)
    }

    /// Vendor and device identifier.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if configuration space cannot be read.
    pub fn identifiers(&self) -> Result<(u16, u16), AccessError> {
        let both = self.load(IDENTIFIERS, Width::Word)?;
        Ok((both as u16, (both >> 16) as u16))
    }

    /// Class code.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if configuration space cannot be read.
    pub fn class_code(&self) -> Result<ClassCode, AccessError> {
        Ok(ClassCode((self.load(CLASS, Width::Word)? >> 8) as u32))
    }

    /// Lets the function answer to memory accesses and access memory itself.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if configuration space cannot be accessed.
    pub fn enable_bus_master(&self) -> Result<(), AccessError> {
        let command = self.load(COMMAND, Width::Halfword)?;
        self.0.store(Space::Configuration, COMMAND, Width::Halfword, command | MEMORY_SPACE | BUS_MASTER)
    }

    /// The capabilities in the order of their list.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if configuration space cannot be read.
    pub fn capabilities(&self) -> Result<Capabilities<'_, 'f, F>, AccessError> {
        let status = self.load(STATUS, Width::Halfword)?;
        let next = match status & HAS_CAPABILITIES {
            0 => 0,
            _ => self.load(CAPABILITIES, Width::Byte)?,
        };
        Ok(Capabilities { configuration: self, next, left: MOST_CAPABILITIES })
    }

    /// Reads what lies at `offset`, a multiple of `width`.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if configuration space cannot be read.
    pub fn load(&self, offset: u64, width: Width) -> Result<u64, AccessError> {
        self.0.load(Space::Configuration, offset, width)
    }
}

/// Where a capability lies and what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capability {
    /// Identifier.
    pub identifier: u8,
    /// Offset of its first byte in configuration space.
    pub offset: u64,
}

/// The list of capabilities; it ends after as many as fit, even if the function says otherwise.
#[derive(Debug)]
pub struct Capabilities<'c, 'f, F> {
    configuration: &'c Configuration<'f, F>,
    next: u64,
    left: u8,
}

impl<F: PciFunction> Iterator for Capabilities<'_, '_, F> {
    type Item = Result<Capability, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        // The two low bits are reserved; the first 64 bytes are the header.
        let offset = self.next & 0xfc;
        if offset < 0x40 || self.left == 0 {
            return None;
        }
        self.left -= 1;
        match self.configuration.load(offset, Width::Halfword) {
            Ok(header) => {
                self.next = header >> 8;
                Some(Ok(Capability { identifier: header as u8, offset }))
            }
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeFunction;

    /// A header with two capabilities at 0x40 and 0x50, as its bytes lie in configuration space.
    fn function() -> FakeFunction {
        let function = FakeFunction::new();
        function.put(
            Space::Configuration,
            0,
            &[0x36, 0x1b, 0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x02, 0x02, 0x08, 0x01],
        );
        function.put(Space::Configuration, 0x34, &[0x40]);
        function.put(Space::Configuration, 0x40, &[0x11, 0x50]);
        function.put(Space::Configuration, 0x50, &[0x09, 0x00, 0x14, 0x01]);
        function
    }

    #[test]
    fn header() {
        let function = function();
        let configuration = Configuration::new(&function);
        assert_eq!(configuration.identifiers(), Ok((0x1b36, 0x0010)));
        assert_eq!(configuration.class_code(), Ok(ClassCode(0x01_0802)));
    }

    #[test]
    fn bus_master_leaves_the_rest_of_the_command_register_alone() {
        let function = function();
        function.put(Space::Configuration, 4, &[0x40, 0x04]);
        Configuration::new(&function).enable_bus_master().unwrap();
        assert_eq!(function.bytes(Space::Configuration, 4, 2), [0x46, 0x04]);
    }

    #[test]
    fn capabilities_in_order() {
        let function = function();
        let configuration = Configuration::new(&function);
        let found: Vec<_> = configuration.capabilities().unwrap().map(Result::unwrap).collect();
        assert_eq!(
            found,
            [Capability { identifier: 0x11, offset: 0x40 }, Capability { identifier: 0x09, offset: 0x50 }]
        );
    }

    #[test]
    fn a_ring_of_capabilities_ends() {
        let function = function();
        function.put(Space::Configuration, 0x50, &[0x09, 0x40]);
        let configuration = Configuration::new(&function);
        assert_eq!(configuration.capabilities().unwrap().count(), 48);
    }

    #[test]
    fn no_capabilities_without_the_status_bit() {
        let function = function();
        function.put(Space::Configuration, 6, &[0x00, 0x00]);
        let configuration = Configuration::new(&function);
        assert_eq!(configuration.capabilities().unwrap().count(), 0);
    }
}
