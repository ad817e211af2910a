// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage for tables that runs out when it is told to.

use core::cell::Cell;
use core::ptr::NonNull;

use s390_iommu::{AbsoluteAddress, AllocationFlags, PhysToVirt, TableAllocator, TableSize};

/// Counters of a [`Limited`] storage.
#[derive(Debug)]
pub struct Usage {
    /// Tables that may still be allocated.
    left: Cell<usize>,
    /// Tables allocated and not given back.
    live: Cell<usize>,
}

impl Usage {
    /// No table is allocated, and any number may be.
    pub const fn unlimited() -> Self {
        Self { left: Cell::new(usize::MAX), live: Cell::new(0) }
    }

    /// Lets `tables` more tables be allocated and no more.
    pub fn limit(&self, tables: usize) {
        self.left.set(tables);
    }

    /// Lets any number of tables be allocated.
    pub fn lift(&self) {
        self.left.set(usize::MAX);
    }

    /// Number of tables allocated and not given back.
    pub fn live(&self) -> usize {
        self.live.get()
    }
}

/// Storage that counts its tables and refuses the n-th.
#[derive(Clone, Debug)]
pub struct Limited<'u, S> {
    storage: S,
    usage: &'u Usage,
}

impl<'u, S> Limited<'u, S> {
    /// `storage`, counted in `usage` and limited by it.
    pub const fn new(storage: S, usage: &'u Usage) -> Self {
        Self { storage, usage }
    }
}

// SAFETY: every answer is that of `storage`, which satisfies the contract.
unsafe impl<S: PhysToVirt> PhysToVirt for Limited<'_, S> {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        self.storage.phys_to_virt(origin)
    }
}

// SAFETY: every table comes from `storage`, which satisfies the contract; refusing one is always allowed.
unsafe impl<S: TableAllocator> TableAllocator for Limited<'_, S> {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        self.allocate_with(size, AllocationFlags::NONE)
    }

    fn allocate_with(&self, size: TableSize, flags: AllocationFlags) -> Option<AbsoluteAddress> {
        let left = self.usage.left.get().checked_sub(1)?;
        let origin = self.storage.allocate_with(size, flags)?;
        self.usage.left.set(left);
        self.usage.live.set(self.usage.live.get().wrapping_add(1));
        Some(origin)
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        self.usage.live.set(self.usage.live.get().wrapping_sub(1));
        // SAFETY: the caller answers for `origin` and `size`, which came from `storage`.
        unsafe { self.storage.deallocate(origin, size) }
    }
}
