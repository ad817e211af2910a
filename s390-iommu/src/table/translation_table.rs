// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The translation table of a domain: a tree of tables and the frame sizes it may use.

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::frame::{FrameSize, FrameSizes, Protection};
use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, Root, TableType};
use crate::table::{Segment, TableAllocator, Tree};

/// DMA translation tables below one root, as the machine walks them.
///
/// # Sharing
///
/// All operations take `&self`, need no lock and may run at the same time on any processor. Who owns which addresses
/// is the caller's affair, as everywhere in Linux's IOMMU layer: operations on disjoint ranges never disturb each
/// other, even in the same page table; operations on overlapping ranges at the same time are safe, but which of them
/// the device sees is not defined.
///
/// # Devices
///
/// The tables say what storage a device may touch, and a device reads them on its own. The compiler cannot see that:
/// whoever maps storage answers for what the device does with it, and a table must not be dropped while it is
/// registered for a function.
pub struct TranslationTable<M: TableAllocator> {
    pub(crate) tree: Tree<M>,
    frames: FrameSizes,
}

impl<M: TableAllocator> TranslationTable<M> {
    /// An empty table with a root of kind `root`, whose storage comes from `memory`.
    ///
    /// `frames` are the sizes that every function that will use the table understands. Nothing is returned where
    /// there is no storage for the root.
    pub fn new(root: Root, frames: FrameSizes, memory: M) -> Option<Self> {
        Some(Self::of_tree(Tree::new(root, memory).ok()?, frames))
    }

    pub(crate) const fn of_tree(tree: Tree<M>, frames: FrameSizes) -> Self {
        Self { tree, frames }
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
    pub fn aperture(&self) -> IovaRange {
        IovaRange::up_to(self.tree.kind().last())
    }

    /// Where the tables live.
    pub fn memory(&self) -> &M {
        self.tree.memory()
    }

    /// Follows `iova` to the byte of its page, where there is a page table for it.
    ///
    /// This is what [`translate`](Self::translate) mostly comes to, for callers to whom a few instructions matter. The
    /// outer nothing says that it needs more, the inner one that the page is not mapped.
    #[inline]
    pub fn translate_page(&self, iova: Iova) -> Option<Option<Translation>> {
        let entry = self.tree.page(iova)?.page();
        Some((!entry.invalid()).then(|| Translation {
            absolute: AbsoluteAddress::new(entry.frame().get() | iova.get() & (FrameSize::Size4K.bytes() - 1)),
            protection: entry.protection(),
            frame: FrameSize::Size4K,
        }))
    }

    /// Follows `iova` to the byte.
    ///
    /// Nothing is returned where no frame is mapped.
    #[inline]
    pub fn translate(&self, iova: Iova) -> Option<Translation> {
        if iova > self.tree.kind().last() {
            return None;
        }
        let table = self.tree.segment_table(iova).ok()?;
        match self.tree.segment(&table[TableType::Segment.index(iova)]) {
            Segment::Empty => None,
            Segment::Frame(frame, protection) => Some(Translation {
                absolute: AbsoluteAddress::new(frame.get() | iova.get() & (FrameSize::Size1M.bytes() - 1)),
                protection,
                frame: FrameSize::Size1M,
            }),
            Segment::Pages(pages) => {
                let entry = pages[page_index(iova)].page();
                (!entry.invalid()).then(|| Translation {
                    absolute: AbsoluteAddress::new(entry.frame().get() | iova.get() & (FrameSize::Size4K.bytes() - 1)),
                    protection: entry.protection(),
                    frame: FrameSize::Size4K,
                })
            }
        }
    }
}

/// Where an I/O virtual address leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Translation {
    /// Absolute address of the byte.
    pub absolute: AbsoluteAddress,
    /// What the device may do there.
    pub protection: Protection,
    /// Size of the frame that holds the byte.
    pub frame: FrameSize,
}
