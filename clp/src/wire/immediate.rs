// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The immediate form of CLP: a command in a register and an answer in another.
//!
//! Linux: `clp_get_ilp`, `arch/s390/pci/pci_clp.c`. QEMU takes the command for an address and raises an operand
//! exception (measured).

use crate::code::LogicalProcessor;

/// Command that asks for the installed logical processors.
pub const INSTALLED_PROCESSORS: u64 = 1;

/// The logical processors that are installed: bit n is processor n, bit 0 the most significant.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct InstalledProcessors(pub u64);

impl InstalledProcessors {
    /// Whether `processor` is installed.
    pub const fn contains(self, processor: LogicalProcessor) -> bool {
        match (1u64 << 63).checked_shr(processor.0 as u32) {
            Some(bit) => self.0 & bit != 0,
            None => false,
        }
    }

    /// The installed processors, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = LogicalProcessor> {
        (0..64).map(LogicalProcessor).filter(move |&processor| self.contains(processor))
    }
}
