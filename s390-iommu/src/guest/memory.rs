// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The guest's storage, as far as a walk needs it.

use crate::format::address::AbsoluteAddress;

/// The guest's storage, as its tables are read from it.
///
/// The guest may store into it at any time. Each call may return something else than the one before; whoever reads takes
/// each entry once and decides by that value alone.
pub trait GuestMemory {
    /// Returns the doubleword at `address`, big-endian in storage, as a number; `None` if the guest has no storage there.
    ///
    /// The eight bytes are read at once (a guest replaces an entry by one store). `address` is a multiple of eight, but
    /// for anchors of a guest that follow no rule under [`Rules::QEMU`](super::Rules::QEMU).
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64>;
}

impl<M: GuestMemory + ?Sized> GuestMemory for &M {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        (**self).read_entry(address)
    }
}
