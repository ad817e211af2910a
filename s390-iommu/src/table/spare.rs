// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Page tables allocated ahead, so that a change that began cannot run out of storage.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::format::address::AbsoluteAddress;
use crate::format::entry::{Entry, PageEntry};
use crate::format::table_type::PAGE_TABLE_ENTRIES;
use crate::table::link::Link;
use crate::table::run;
use crate::table::seam::{AllocationFlags, TableAllocator, TableSize};
use crate::table::slot::Slot;
use crate::table::tree::OutOfStorage;

/// Page tables that belong to one call, and are in no tree yet; those that are left are given back.
///
/// They are taken in the order in which they were added: an allocator tends to give out neighbours one after the other,
/// and tables for neighbouring addresses are then neighbours in storage.
pub(super) struct Spare<'m, M: TableAllocator> {
    memory: &'m M,
    flags: AllocationFlags,
    /// The table to be taken next; the first slot of each table leads to the one behind it.
    first: Link,
    last: Option<AbsoluteAddress>,
}

impl<'m, M: TableAllocator> Spare<'m, M> {
    /// No table; those that are added are allocated as `flags` say.
    #[inline]
    pub(super) const fn new(memory: &'m M, flags: AllocationFlags) -> Self {
        Self { memory, flags, first: Link::END, last: None }
    }

    /// One table, its contents unspecified.
    pub(super) fn one(memory: &'m M, flags: AllocationFlags) -> Result<FreshPages<'m, M>, OutOfStorage> {
        let origin = memory.allocate_with(TableSize::Page, flags).ok_or(OutOfStorage)?;
        Ok(FreshPages { memory, origin, owned: PhantomData })
    }

    /// Allocates one more.
    pub(super) fn add(&mut self) -> Result<(), OutOfStorage> {
        let origin = self.memory.allocate_with(TableSize::Page, self.flags).ok_or(OutOfStorage)?;
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
    pub(super) fn take(&mut self) -> Option<FreshPages<'m, M>> {
        let (origin, _) = self.first.table()?;
        // SAFETY: the table is on the list, so its first slot is initialised, and nobody else uses it.
        self.first = Link::of_bits(unsafe { self.slot(origin).as_ref() }.page().bits());
        if self.first == Link::END {
            self.last = None;
        }
        Some(FreshPages { memory: self.memory, origin, owned: PhantomData })
    }

    /// The first slot of a table.
    fn slot(&self, origin: AbsoluteAddress) -> NonNull<Slot<PageEntry>> {
        self.memory.phys_to_virt(origin).cast()
    }
}

impl<M: TableAllocator> Drop for Spare<'_, M> {
    #[inline]
    fn drop(&mut self) {
        while self.take().is_some() {}
    }
}

/// A page table that nobody else has seen; given back when dropped, unless it was installed.
pub(super) struct FreshPages<'m, M: TableAllocator> {
    memory: &'m M,
    origin: AbsoluteAddress,
    owned: PhantomData<[Slot<PageEntry>; PAGE_TABLE_ENTRIES]>,
}

impl<M: TableAllocator> FreshPages<'_, M> {
    /// Where the table is.
    #[inline]
    pub(super) const fn origin(&self) -> AbsoluteAddress {
        self.origin
    }

    /// Maps consecutive frames, starting with `first`, in the pages from `start` to `last`, indices, both inclusive,
    /// and nothing elsewhere.
    #[inline]
    pub(super) fn fill(&mut self, start: usize, last: usize, first: PageEntry) {
        let mut table: NonNull<[MaybeUninit<Slot<PageEntry>>; PAGE_TABLE_ENTRIES]> =
            self.memory.phys_to_virt(self.origin).cast();
        // SAFETY: the table was allocated with this size and alignment, and nobody else uses it. It need not be
        // initialised.
        run::fill_pages(unsafe { table.as_mut() }, start, last, first);
    }

    /// The table is part of a tree from now on.
    #[inline]
    pub(super) fn installed(self) {
        core::mem::forget(self);
    }
}

impl<M: TableAllocator> Drop for FreshPages<'_, M> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `Spare` allocated the table with this size, and nobody else has seen it.
        unsafe { self.memory.deallocate(self.origin, TableSize::Page) }
    }
}
