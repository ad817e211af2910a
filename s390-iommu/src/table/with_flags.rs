// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A table together with how the tables below it are allocated.

use crate::table::seam::{AllocationFlags, TableAllocator};
use crate::table::translation_table::TranslationTable;

/// A [`TranslationTable`] whose calls allocate as some flags say.
///
/// [`TranslationTable::with_flags`] makes it. Only the calls that may allocate are here.
pub struct WithFlags<'t, M: TableAllocator> {
    pub(super) table: &'t TranslationTable<M>,
    pub(super) flags: AllocationFlags,
}

impl<M: TableAllocator> TranslationTable<M> {
    /// The table, for calls that allocate as `flags` say, such as whether they may wait.
    #[inline(always)]
    pub const fn with_flags(&self, flags: AllocationFlags) -> WithFlags<'_, M> {
        WithFlags { table: self, flags }
    }
}

impl<M: TableAllocator> Clone for WithFlags<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: TableAllocator> Copy for WithFlags<'_, M> {}

impl<M: TableAllocator> core::fmt::Debug for WithFlags<'_, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WithFlags").field("table", self.table).field("flags", &self.flags).finish()
    }
}
