// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Unmapping, and splitting frames of 1 MiB for it.

use core::fmt;

use crate::format::address::Iova;
use crate::format::entry::{Entry, PageEntry};
use crate::format::frame::FrameSize;
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::table::atomic::{fence, Ordering};
use crate::table::cell::{Segment, SegmentCell};
use crate::table::change::Change;
use crate::table::cursor::{Absent, SegmentRun};
use crate::table::run::{self, Cleared};
use crate::table::seam::{AllocationFlags, TableAllocator};
use crate::table::translation_table::{is_within_segment, TranslationTable};
use crate::table::tree::OutOfStorage;
use crate::table::with_flags::WithFlags;

impl<M: TableAllocator> TranslationTable<M> {
    /// Unmaps all that is mapped in `range`; never allocates.
    ///
    /// Pages that are not mapped are passed over, tables that do not exist are not made. Devices may use the old
    /// entries until the change is issued; until then the storage must not be used for anything else.
    ///
    /// # Errors
    ///
    /// Nothing is unmapped then.
    ///
    /// * [`UnmapError::OutsideSpan`] if part of `range` lies beyond what the table can translate.
    /// * [`UnmapError::PartOfFrame`] if an end of `range` lies within a frame of 1 MiB;
    ///   [`split`](Self::split) makes frames of 4 KiB of it.
    #[doc(alias = "s390_iommu_unmap_pages")]
    #[inline(always)]
    pub fn unmap(&self, range: IovaRange) -> Result<Unmapped, UnmapError> {
        if range.is_page() {
            self.unmap_page(range)
        } else {
            self.unmap_range(range)
        }
    }

    /// Makes 256 frames of 4 KiB of the frame of 1 MiB that holds `iova`, mapping the same storage.
    ///
    /// The change is [`Change::NONE`] if `iova` is not in such a frame. Otherwise it is all that the frame covered: a
    /// valid entry was replaced by another one, and a machine may use the old one for any page of the frame until it
    /// is issued. Devices keep working meanwhile. Issue it before any unmap that relies on the split: owners of parts of
    /// one frame have to wait for whoever splits it, since only that one is told.
    ///
    /// # Errors
    ///
    /// [`SplitError::OutOfStorage`] if there is no storage for a page table; nothing is changed then.
    pub fn split(&self, iova: Iova) -> Result<Change, SplitError> {
        self.with_flags(AllocationFlags::NONE).split(iova)
    }

    /// Unmaps the page at `iova` if that takes one store: there is a page table for it, in which it is mapped.
    ///
    /// Returns `None` if it takes more or cannot be done, also if no page starts at `iova`; nothing changed then, and
    /// [`unmap`](Self::unmap) does it or says what is wrong.
    #[inline(always)]
    pub fn unmap_page_at_once(&self, iova: Iova) -> Option<Change> {
        let page = IovaRange::page(iova);
        if page.start() != iova || !self.spans(page) {
            return None;
        }
        let slot = self.tree().page(iova)?;
        if slot.page().invalid() {
            return None;
        }
        slot.store(PageEntry::EMPTY);
        fence(Ordering::Release);
        Some(Change::of(page))
    }

    /// Unmaps one page.
    #[inline(always)]
    fn unmap_page(&self, page: IovaRange) -> Result<Unmapped, UnmapError> {
        match self.unmap_page_at_once(page.start()) {
            Some(change) => Ok(Unmapped { pages: 1, change }),
            None => self.unmap_absent_page(page),
        }
    }

    /// Unmaps a page that is not mapped, or lies in a frame of 1 MiB, or says what is wrong.
    #[cold]
    #[inline(never)]
    fn unmap_absent_page(&self, page: IovaRange) -> Result<Unmapped, UnmapError> {
        if self.spans(page) && !self.frames().contains(FrameSize::Size1M) {
            return Ok(done(Cleared::NOTHING));
        }
        self.unmap_range(page)
    }

    /// Unmaps any range.
    #[inline(always)]
    fn unmap_range(&self, range: IovaRange) -> Result<Unmapped, UnmapError> {
        if !self.spans(range) {
            return Err(UnmapError::OutsideSpan { range, span: self.span() });
        }
        match self.tree().cell(range.start()) {
            Err(Absent { last }) if range.last() <= last => Ok(done(Cleared::NOTHING)),
            Ok(cell) if is_within_segment(range) => match cell.get() {
                Segment::Pages(pages) => Ok(done(run::clear(run::slots(pages, range), range))),
                Segment::Empty => Ok(done(Cleared::NOTHING)),
                Segment::Frame(..) => self.unmap_segments(range),
            },
            _ => self.unmap_segments(range),
        }
    }

    /// Unmaps `range`, in which there may be any number of segments, with tables or without.
    #[inline(never)]
    fn unmap_segments(&self, range: IovaRange) -> Result<Unmapped, UnmapError> {
        if self.frames().contains(FrameSize::Size1M) {
            self.refuse_part_of_frame(range, range.start())?;
            self.refuse_part_of_frame(range, range.last())?;
        }
        let mut cleared = Cleared::NOTHING;
        for run in self.tree().runs(range) {
            cleared = cleared.and(Self::clear_run(&run));
        }
        Ok(done(cleared))
    }

    /// Makes the entries of `run` invalid.
    fn clear_run(run: &SegmentRun<'_, M>) -> Cleared {
        let mut cleared = Cleared::NOTHING;
        for (cell, part) in run.cells() {
            cleared = cleared.and(match cell.get() {
                Segment::Empty => Cleared::NOTHING,
                Segment::Pages(pages) => run::clear(run::slots(pages, part), part),
                Segment::Frame(..) => {
                    cell.take_frame();
                    Cleared::all_of(part)
                }
            });
        }
        cleared
    }

    /// Sees that `end`, the start or last byte of `range`, is not inside a frame of 1 MiB that `range` only cuts.
    fn refuse_part_of_frame(&self, range: IovaRange, end: Iova) -> Result<(), UnmapError> {
        match self.frame_at(end) {
            Some((_, frame)) if !range.contains(frame) => Err(UnmapError::PartOfFrame { range, frame }),
            _ => Ok(()),
        }
    }

    /// The cell for `iova` and what the frame of 1 MiB there covers, if there is such a frame.
    fn frame_at(&self, iova: Iova) -> Option<(SegmentCell<'_, M>, IovaRange)> {
        if !self.span().contains_iova(iova) {
            return None;
        }
        let cell = self.tree().cell(iova).ok()?;
        match cell.get() {
            Segment::Frame(..) => Some((cell, TableType::Segment.entry_range(iova))),
            _ => None,
        }
    }
}

impl<M: TableAllocator> WithFlags<'_, M> {
    /// As [`TranslationTable::split`], the page table allocated with the flags.
    ///
    /// # Errors
    ///
    /// As for [`TranslationTable::split`].
    pub fn split(self, iova: Iova) -> Result<Change, SplitError> {
        let Some((cell, frame)) = self.table.frame_at(iova) else {
            return Ok(Change::NONE);
        };
        let split = cell.split_frame(self.flags)?;
        fence(Ordering::Release);
        Ok(if split { Change::of(frame) } else { Change::NONE })
    }
}

/// What an unmap returns, after a fence: who learns that the range is free finds it so.
#[inline]
fn done(cleared: Cleared) -> Unmapped {
    fence(Ordering::Release);
    Unmapped { pages: cleared.pages, change: cleared.hull.map_or(Change::NONE, Change::of) }
}

/// What an unmap found.
#[derive(Debug, Eq, PartialEq)]
#[must_use = "functions may use the old entries until the change is issued"]
pub struct Unmapped {
    /// Number of pages of 4 KiB that were mapped and are not any more.
    pub pages: u64,
    /// From the first of these pages to the last; [`Change::NONE`] if there was none.
    pub change: Change,
}

/// Why nothing was unmapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnmapError {
    /// The table does not span all of the range.
    OutsideSpan {
        /// What was to be unmapped.
        range: IovaRange,
        /// What the table can translate.
        span: IovaRange,
    },
    /// The range cuts a frame of 1 MiB.
    PartOfFrame {
        /// What was to be unmapped.
        range: IovaRange,
        /// What the frame covers.
        frame: IovaRange,
    },
}

impl fmt::Display for UnmapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideSpan { range, span } => write!(f, "{range} is not within {span}"),
            Self::PartOfFrame { range, frame } => write!(f, "{range} cuts the 1 MiB frame {frame}"),
        }
    }
}

impl core::error::Error for UnmapError {}

/// Why a frame was not split.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SplitError {
    /// There is no storage for a page table.
    OutOfStorage,
}

impl From<OutOfStorage> for SplitError {
    fn from(_: OutOfStorage) -> Self {
        Self::OutOfStorage
    }
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfStorage => f.write_str("no storage for a page table"),
        }
    }
}

impl core::error::Error for SplitError {}
