// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Page tables on the way back to their allocator, many at a time.

use super::seam::{TableAllocator, TableSize};
use crate::address::AbsoluteAddress;

/// Page tables that are given back together, at the latest when this is dropped.
pub(super) struct Batch<'m, M: TableAllocator> {
    memory: &'m M,
    tables: [AbsoluteAddress; 32],
    count: usize,
}

impl<'m, M: TableAllocator> Batch<'m, M> {
    /// No table.
    pub(super) fn new(memory: &'m M) -> Self {
        Self { memory, tables: [AbsoluteAddress::new(0); 32], count: 0 }
    }

    /// Adds the page table at `origin`.
    ///
    /// The caller, in this module, sees to it that `memory` allocated it as one, and that nobody uses it any more.
    pub(super) fn add(&mut self, origin: AbsoluteAddress) {
        if self.count >= self.tables.len() {
            self.give_back();
        }
        if let Some(table) = self.tables.get_mut(self.count) {
            *table = origin;
            self.count = self.count.wrapping_add(1);
        }
    }

    #[inline(never)]
    fn give_back(&mut self) {
        let tables = self.tables.get(..self.count).unwrap_or(&[]);
        self.count = 0;
        // SAFETY: whoever added a table answered for it, and each is given back once, since none is left here.
        unsafe { self.memory.deallocate_all(tables, TableSize::Page) };
    }
}

impl<M: TableAllocator> Drop for Batch<'_, M> {
    fn drop(&mut self) {
        self.give_back();
    }
}
