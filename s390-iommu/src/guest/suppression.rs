// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which adapter interruptions the guest wants to hear of.

use crate::guest::registers::{InterruptionMode, Sic};

/// The modes of the eight interruption subclasses of a guest, all of which start in [`InterruptionMode::All`].
///
/// QEMU: `hw/intc/s390_flic.c` (read).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Suppression {
    /// Subclasses that present a single interruption, bit 0 for subclass 0.
    single: u8,
    /// Those of them that have presented it.
    presented: u8,
}

impl Suppression {
    /// Every interruption is presented.
    pub const fn new() -> Self {
        Self { single: 0, presented: 0 }
    }

    /// Carries out `request`.
    pub const fn set(&mut self, request: Sic) {
        let subclass = 0x80 >> (request.subclass & 7);
        self.presented &= !subclass;
        match request.mode {
            InterruptionMode::All => self.single &= !subclass,
            InterruptionMode::Single => self.single |= subclass,
        }
    }

    /// Takes note of an adapter interruption of `subclass`, 0 to 7; returns whether the guest gets it.
    pub const fn present(&mut self, subclass: u8) -> bool {
        let subclass = 0x80 >> (subclass & 7);
        if self.presented & subclass != 0 {
            return false;
        }
        self.presented |= self.single & subclass;
        true
    }
}
