// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Page tables allocated ahead, so that a change that began cannot run out of storage.

use core::ptr::NonNull;

use super::link::Link;
use super::seam::{TableAllocator, TableSize};
use super::tree::OutOfStorage;
use crate::format::address::AbsoluteAddress;
use crate::format::entry::{Entry, PageEntry};
use crate::table::slot::Slot;

/// Page tables that belong to one call, and are in no tree yet; those that are left are given back.
///
/// They are taken in the order in which they were added: an allocator tends to give out neighbours one after the other,
/// and tables for neighbouring addresses are then neighbours in storage.
pub(crate) struct Spare<'m, M: TableAllocator> {
    memory: &'m M,
    /// The table to be taken next; the first slot of each table leads to the one behind it.
    first: Link,
    last: Option<AbsoluteAddress>,
}

impl<'m, M: TableAllocator> Spare<'m, M> {
    /// No table.
    #[inline]
    pub(crate) fn new(memory: &'m M) -> Self {
        Self { memory, first: Link::END, last: None }
    }

    /// Allocates one more.
    pub(crate) fn add(&mut self) -> Result<(), OutOfStorage> {
        let origin = self.memory.allocate(TableSize::Page).ok_or(OutOfStorage)?;
        // SAFETY: the table was just allocated, is aligned to more than a slot, and nobody else uses it.
        unsafe { self.slot(origin).write(Slot::new(PageEntry::of_bits(Link::END.bits()))) };
        let link = Link::to(origin, TableSize::Page);
        match self.last.replace(origin) {
            // SAFETY: the table before is on the list, so its first slot is initialised, and nobody else uses it.
            Some(before) => unsafe { self.slot(before).as_ref() }.store(PageEntry::of_bits(link.bits())),
            None => self.first = link,
        }
        Ok(())
    }

    /// Takes one out; its contents are unspecified.
    #[inline]
    pub(super) fn take(&mut self) -> Option<AbsoluteAddress> {
        let (origin, _) = self.first.table()?;
        // SAFETY: the table is on the list, so its first slot is initialised, and nobody else uses it.
        self.first = Link::of_bits(unsafe { self.slot(origin).as_ref() }.page().bits());
        if self.first == Link::END {
            self.last = None;
        }
        Some(origin)
    }

    /// The first slot of a table.
    fn slot(&self, origin: AbsoluteAddress) -> NonNull<Slot<PageEntry>> {
        self.memory.phys_to_virt(origin).cast()
    }
}

impl<M: TableAllocator> Drop for Spare<'_, M> {
    #[inline]
    fn drop(&mut self) {
        while let Some(origin) = self.take() {
            // SAFETY: `add` allocated the table with this size, and nobody else has seen it.
            unsafe { self.memory.deallocate(origin, TableSize::Page) };
        }
    }
}
