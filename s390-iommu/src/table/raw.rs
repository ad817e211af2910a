// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Tables that cross a language boundary as an address.

use core::mem::ManuallyDrop;

use crate::format::address::AbsoluteAddress;
use crate::format::frame::FrameSizes;
use crate::format::table_type::Root;
use crate::table::seam::TableAllocator;
use crate::table::translation_table::TranslationTable;
use crate::table::tree::Tree;

impl<M: TableAllocator> TranslationTable<M> {
    /// Gives the table away as the address of its root; its storage is not given back.
    pub fn into_raw(self) -> AbsoluteAddress {
        ManuallyDrop::new(self).origin()
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave away.
    ///
    /// # Safety
    ///
    /// * `origin` must come from `into_raw` of a table with the same `root`.
    /// * `memory` must stand for the same storage: what the one allocated the other can convert and deallocate.
    /// * The table may be taken more than once only if no two of the takers drop it, and if none is used when another
    ///   has been dropped.
    pub unsafe fn from_raw(root: Root, frames: FrameSizes, origin: AbsoluteAddress, memory: M) -> Self {
        // SAFETY: by the contract `origin` is the root of a tree that upholds the invariants of `Tree`.
        Self::of_tree(unsafe { Tree::of_raw(root, origin, memory) }, frames)
    }
}
