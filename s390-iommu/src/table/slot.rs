// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One entry in storage, shared with other processors and with devices.

use crate::table::atomic::{AtomicU64, Ordering};
use core::marker::PhantomData;

use crate::format::entry::{Entry, PageEntry};

/// Storage of one entry: big-endian on every host.
///
/// An aligned access of eight bytes is single-copy atomic for processors and for the machine's table walk, so a walk
/// sees an entry as it was or as it is, never a mixture.
#[repr(transparent)]
pub(super) struct Slot<E>(AtomicU64, PhantomData<E>);

impl<E: Entry> Slot<E> {
    /// A slot that holds `entry`, for storage that nobody else sees yet.
    #[inline]
    pub(super) fn new(entry: E) -> Self {
        Self(AtomicU64::new(entry.bits().to_be()), PhantomData)
    }

    /// Reads an entry that designates a table.
    ///
    /// Acquire pairs with the release in [`Slot::install`]: who sees the designation sees the table's contents.
    #[inline]
    pub(super) fn load(&self) -> E {
        E::of_bits(u64::from_be(self.0.load(Ordering::Acquire)))
    }

    /// Reads an entry as it stands in storage, in big-endian order, only to look at it.
    ///
    /// Relaxed, since nothing is reached through a leaf entry, and who goes on to a table loads again.
    #[inline]
    pub(super) fn load_raw(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Replaces a leaf entry.
    ///
    /// Relaxed: a plain store. The fence of the caller orders all stores of a call before what makes the device look.
    #[inline]
    pub(super) fn store(&self, entry: E) {
        self.0.store(entry.bits().to_be(), Ordering::Relaxed);
    }

    /// Replaces `old` by `new` if `old` still stands there.
    #[inline]
    pub(super) fn install(&self, old: E, new: E) -> Result<(), E> {
        match self.0.compare_exchange(old.bits().to_be(), new.bits().to_be(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(there) => Err(E::of_bits(u64::from_be(there))),
        }
    }
}

impl Slot<PageEntry> {
    /// Reads a leaf entry.
    #[inline]
    pub(super) fn page(&self) -> PageEntry {
        PageEntry::from_bits(u64::from_be(self.load_raw()))
    }
}
