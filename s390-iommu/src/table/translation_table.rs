// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The translation table of a domain: a tree of tables and the frame sizes it may use.

use core::fmt;

use crate::format::address::AbsoluteAddress;
use crate::format::frame::FrameSizes;
use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::format::table_type::{Root, TableType};
use crate::table::cell::Segment;
use crate::table::seam::{AllocationFlags, TableAllocator};
use crate::table::tree::{PageTable, Tree};

/// DMA translation tables below one root, as the machine walks them.
///
/// # Sharing
///
/// All operations take `&self`, need no lock and may run at the same time on any processor. Who owns which addresses
/// is decided by the caller, as everywhere in Linux's IOMMU layer. Operations on disjoint ranges never disturb each
/// other, even in the same page table. Operations on overlapping ranges at the same time are sound, but which of them
/// the device sees is not defined. [`reclaim`](Self::reclaim) alone takes tables away, so it is `unsafe`, and who looks
/// at addresses of others holds a [`ReadSide`](crate::ReadSide).
///
/// # Devices
///
/// The tables define what storage a device may touch, and a device reads them on its own. Nothing happens before a
/// function is registered with the table, which is `unsafe`: from then on, who maps storage answers for what the device
/// does with it, and the table must not be dropped, nor any of it [freed](Self::free_some).
pub struct TranslationTable<M: TableAllocator> {
    tree: Tree<M>,
    frames: FrameSizes,
}

impl<M: TableAllocator> TranslationTable<M> {
    /// An empty table with a root of kind `root`, whose storage comes from `memory`.
    ///
    /// `frames` are the sizes that every function that will use the table understands. Returns `None` if there is no
    /// storage for the root.
    pub fn new(root: Root, frames: FrameSizes, memory: M) -> Option<Self> {
        Self::new_with_flags(root, frames, memory, AllocationFlags::NONE)
    }

    /// As [`new`](Self::new), the root allocated as `flags` say.
    pub fn new_with_flags(root: Root, frames: FrameSizes, memory: M, flags: AllocationFlags) -> Option<Self> {
        Some(Self { tree: Tree::new(root, memory, flags).ok()?, frames })
    }

    pub(super) const fn tree(&self) -> &Tree<M> {
        &self.tree
    }

    /// The kind of table at the root.
    pub fn root(&self) -> Root {
        self.tree.kind()
    }

    /// Absolute address of the table at the root.
    pub fn origin(&self) -> AbsoluteAddress {
        self.tree.root()
    }

    /// What MPCIFC registers to make a function use the table.
    pub fn iota(&self) -> Iota {
        Iota::designating(self.tree.kind(), self.tree.root())
    }

    /// The frame sizes that mappings may use.
    pub fn frames(&self) -> FrameSizes {
        self.frames
    }

    /// All addresses that the table can translate.
    pub fn span(&self) -> IovaRange {
        IovaRange::up_to(self.tree.kind().last())
    }

    /// Where the tables live.
    pub fn memory(&self) -> &M {
        self.tree.memory()
    }

    /// Gives storage back as dropping the table does, but not more than is good for one call; returns the rest.
    ///
    /// Stops when `enough` tables are given back. A segment table goes with all page tables below it, so one call gives
    /// back up to 2,048 tables more. What they mapped is not mapped any more. Returns `None` if nothing is left, the root
    /// included.
    ///
    /// For who frees a large table and may not hold a processor up for as long as that takes. As when it is dropped, no
    /// function may be registered with the table.
    #[must_use = "the rest is freed at once if it is dropped"]
    pub fn free_some(self, enough: usize) -> Option<Self> {
        let Self { tree, frames } = self;
        Some(Self { tree: tree.free_some(enough)?, frames })
    }

    /// Whether the table can translate all of `range`.
    #[inline]
    pub(super) fn spans(&self, range: IovaRange) -> bool {
        range.last() <= self.tree.kind().last()
    }

    /// The page table for all of `range`, if there is one.
    ///
    /// This is all of the way down for a range within a segment that has been used before.
    #[inline]
    pub(super) fn pages_for(&self, range: IovaRange) -> Option<&PageTable> {
        if !is_within_segment(range) {
            return None;
        }
        match self.tree.cell(range.start()).ok()?.get() {
            Segment::Pages(pages) => Some(pages),
            _ => None,
        }
    }
}

/// Whether one segment holds all of `range`.
#[inline]
pub(super) fn is_within_segment(range: IovaRange) -> bool {
    range.last() <= TableType::Segment.entry_last(range.start())
}

/// Root and origin alone; a [`Reader`](crate::Reader) prints the tables.
impl<M: TableAllocator> fmt::Debug for TranslationTable<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TranslationTable")
            .field("root", &self.root())
            .field("origin", &self.origin())
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
