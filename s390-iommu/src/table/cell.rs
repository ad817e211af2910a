// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One entry of a segment table of a live tree, and what may be done to it.

use crate::format::address::AbsoluteAddress;
use crate::format::entry::{Entry, PageEntry, SegmentEntry};
use crate::format::frame::{FrameSize, Protection};
use crate::format::table_type::PAGE_TABLE_ENTRIES;
use crate::table::run::Run;
use crate::table::seam::{AllocationFlags, TableAllocator, TableSize};
use crate::table::slot::Slot;
use crate::table::spare::{FreshPages, Spare};
use crate::table::tree::{OutOfStorage, PageTable, Tree};

/// What a segment-table entry leads to.
pub(super) enum Segment<'t> {
    /// Nothing.
    Empty,
    /// A page table.
    Pages(&'t PageTable),
    /// A frame of 1 MiB.
    Frame(AbsoluteAddress, Protection),
}

/// A frame of 1 MiB that is to be mapped: the entry for it.
#[derive(Clone, Copy)]
pub(super) struct LargeFrame(SegmentEntry);

impl LargeFrame {
    /// The frame at `frame`, a multiple of 1 MiB.
    #[inline]
    pub(super) const fn new(frame: AbsoluteAddress, protection: Protection) -> Self {
        Self(SegmentEntry::mapping(frame, protection))
    }

    /// Where the frame is.
    pub(super) const fn address(self) -> AbsoluteAddress {
        self.0.frame()
    }

    /// The frame behind it in storage, with the same protection.
    #[inline]
    pub(super) fn next(self) -> Self {
        Self(SegmentEntry::of_bits(self.0.bits().wrapping_add(FrameSize::Size1M.bytes())))
    }
}

/// One entry of a segment table of `tree`.
///
/// # Invariants
///
/// `slot` is a slot of a segment table of `tree`. Only `cursor.rs` and `sweep.rs` make cells.
pub(super) struct SegmentCell<'t, M: TableAllocator> {
    tree: &'t Tree<M>,
    slot: &'t Slot<SegmentEntry>,
}

impl<'t, M: TableAllocator> SegmentCell<'t, M> {
    /// The cell of `slot`, a slot of a segment table of `tree`.
    #[inline]
    pub(super) const fn new(tree: &'t Tree<M>, slot: &'t Slot<SegmentEntry>) -> Self {
        Self { tree, slot }
    }

    /// What the entry leads to.
    #[inline]
    pub(super) fn get(&self) -> Segment<'t> {
        self.target(self.slot.load())
    }

    /// What `entry` leads to, which was read from the slot.
    #[inline]
    fn target(&self, entry: SegmentEntry) -> Segment<'t> {
        if entry.designates_table() {
            // SAFETY: by the invariants of the tree, a segment entry that designates a table designates a page table.
            Segment::Pages(unsafe { self.tree.page_table_at(entry.origin()) })
        } else if entry.invalid() {
            Segment::Empty
        } else {
            Segment::Frame(entry.frame(), entry.protection())
        }
    }

    /// Puts `pages`, filled with `first` and the frames behind it in the pages from `start` to `last`, indices, both
    /// inclusive, where the cell is empty.
    ///
    /// # Errors
    ///
    /// What is there, if somebody else was faster; `pages` is given back then.
    pub(super) fn install_pages(
        &self,
        mut pages: FreshPages<'_, M>,
        (start, last): (usize, usize),
        first: PageEntry,
    ) -> Result<(), Segment<'t>> {
        pages.fill(start, last, first);
        // INVARIANT: a segment-table entry designates a page table, and the winner owns it from here on.
        match self.slot.install(SegmentEntry::EMPTY, SegmentEntry::designating(pages.origin())) {
            Ok(()) => {
                pages.installed();
                Ok(())
            }
            Err(there) => Err(self.target(there)),
        }
    }

    /// Maps a frame of 1 MiB where the cell is empty.
    ///
    /// # Errors
    ///
    /// What is there otherwise.
    #[inline]
    pub(super) fn install_frame(&self, frame: LargeFrame) -> Result<(), Segment<'t>> {
        self.slot.install(SegmentEntry::EMPTY, frame.0).map_err(|there| self.target(there))
    }

    /// Makes the cell empty if it maps a frame of 1 MiB.
    pub(super) fn take_frame(&self) {
        let entry = self.slot.load();
        if !entry.invalid() && entry.frame_mapped() {
            // A lost race means that the frame is gone already.
            let _ = self.slot.install(entry, SegmentEntry::EMPTY);
        }
    }

    /// Replaces a frame of 1 MiB by a page table that maps the same storage in frames of 4 KiB.
    ///
    /// Returns whether there was such a frame.
    pub(super) fn split_frame(&self, flags: AllocationFlags) -> Result<bool, OutOfStorage> {
        let entry = self.slot.load();
        if entry.invalid() || !entry.frame_mapped() {
            return Ok(false);
        }
        let mut pages = Spare::one(self.tree.memory(), flags)?;
        pages.fill(0, PAGE_TABLE_ENTRIES - 1, PageEntry::mapping(entry.frame(), entry.protection()));
        // INVARIANT: a segment-table entry designates a page table.
        let installed = self.slot.install(entry, SegmentEntry::designating(pages.origin())).is_ok();
        if installed {
            pages.installed();
        }
        Ok(installed)
    }

    /// Takes the page table out if it has no valid entry: its origin.
    ///
    /// # Safety
    ///
    /// Nobody may map in what the cell covers until the call returns; whoever walks over it holds a
    /// [`ReadSide`](crate::ReadSide).
    pub(super) unsafe fn take_empty_pages(&self) -> Option<(AbsoluteAddress, TableSize)> {
        let entry = self.slot.load();
        let Segment::Pages(pages) = self.target(entry) else { return None };
        let taken = PageEntry::all_invalid(pages) && self.slot.install(entry, SegmentEntry::EMPTY).is_ok();
        taken.then(|| (entry.origin(), TableSize::Page))
    }
}
