// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Page tables allocated ahead, so that a change that began cannot run out of storage.

use core::ptr::NonNull;

use super::link::Link;
use super::seam::{TableAllocator, TableSize};
use super::tree::OutOfStorage;
use crate::address::AbsoluteAddress;
use crate::entry::{Entry, PageEntry};
use crate::slot::Slot;

/// Page tables that belong to one call, and are in no tree yet; those that are left are given back.
pub(crate) struct Spare<'m, M: TableAllocator> {
    memory: &'m M,
    list: Link,
}

impl<'m, M: TableAllocator> Spare<'m, M> {
    /// No table.
    pub(crate) fn new(memory: &'m M) -> Self {
        Self { memory, list: Link::END }
    }

    /// Allocates one more.
    pub(crate) fn add(&mut self) -> Result<(), OutOfStorage> {
        let origin = self.memory.allocate(TableSize::Page).ok_or(OutOfStorage)?;
        let first: NonNull<Slot<PageEntry>> = self.memory.phys_to_virt(origin).cast();
        // SAFETY: the table was just allocated, is aligned to more than a slot, and nobody else uses it.
        unsafe { first.write(Slot::new(PageEntry::of_bits(self.list.bits()))) };
        self.list = Link::to(origin, TableSize::Page);
        Ok(())
    }

    /// Takes one out; its contents are unspecified.
    pub(super) fn take(&mut self) -> Option<AbsoluteAddress> {
        let (origin, _) = self.list.table()?;
        let first: NonNull<Slot<PageEntry>> = self.memory.phys_to_virt(origin).cast();
        // SAFETY: `add` put the table on the list, wrote this slot, and nobody else uses the table.
        self.list = Link::of_bits(unsafe { first.as_ref() }.page().bits());
        Some(origin)
    }
}

impl<M: TableAllocator> Drop for Spare<'_, M> {
    fn drop(&mut self) {
        while let Some(origin) = self.take() {
            // SAFETY: `add` allocated the table with this size, and nobody else has seen it.
            unsafe { self.memory.deallocate(origin, TableSize::Page) };
        }
    }
}
