// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Unmapping, and splitting frames of 1 MiB for it.

use crate::table::atomic::{fence, Ordering};
use core::fmt;

use crate::format::address::{Iova, PAGE_SIZE};
use crate::format::entry::{Entry, PageEntry};
use crate::format::frame::FrameSize;
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::machine::refresh::Refresh;
use crate::table::run::{self, Chunks, Cleared};
use crate::table::translation_table::TranslationTable;
use crate::table::{Absent, OutOfStorage, Segment, SegmentTable, TableAllocator};

impl<M: TableAllocator> TranslationTable<M> {
    /// Unmaps all that is mapped in `range`; never allocates.
    ///
    /// Pages that are not mapped are passed over, tables that do not exist are not made. Devices may use the old
    /// entries until the returned refresh is issued; until then the storage must not be used for anything else.
    ///
    /// # Errors
    ///
    /// Nothing is unmapped then.
    ///
    /// * [`UnmapError::OutsideAperture`] if part of `range` lies beyond what the table can translate.
    /// * [`UnmapError::PartOfFrame`] if an end of `range` lies within a frame of 1 MiB;
    ///   [`split`](Self::split) makes frames of 4 KiB of it.
    #[inline]
    pub fn unmap(&self, range: IovaRange) -> Result<Unmapped, UnmapError> {
        if !self.aperture().contains(range) {
            return Err(UnmapError::OutsideAperture { range, aperture: self.aperture() });
        }
        if range.size_less_one() < PAGE_SIZE {
            if let Some(refresh) = self.unmap_page(range.start()) {
                return Ok(Unmapped { pages: 1, refresh: Some(refresh) });
            }
        }
        let cleared = match self.tree.page_table(range) {
            Some(pages) => run::clear(run::slots(pages, range), range),
            None => self.clear_parts(range)?,
        };
        // Whoever is told that the range is free after this must find it so.
        fence(Ordering::Release);
        Ok(Unmapped { pages: cleared.pages, refresh: cleared.hull.map(Refresh::of_change) })
    }

    /// Unmaps the page that holds `iova`, where that is a matter of one entry.
    ///
    /// This is what [`unmap`](Self::unmap) of a page mostly comes to, for callers to whom a few instructions matter.
    /// Nothing is returned, and nothing changed, where it needs more, or where the page is not mapped.
    #[inline]
    pub fn unmap_page(&self, iova: Iova) -> Option<Refresh> {
        let slot = self.tree.page(iova)?;
        if slot.page().invalid() {
            return None;
        }
        slot.store(PageEntry::EMPTY);
        // As in `unmap`.
        fence(Ordering::Release);
        Some(Refresh::of_change(IovaRange::page(iova)))
    }

    /// Makes 256 frames of 4 KiB of the frame of 1 MiB that holds `iova`, mapping the same storage.
    ///
    /// Nothing is returned where `iova` is not in such a frame. Devices keep working meanwhile; until the returned
    /// refresh is issued they may use the old entry, so it comes before any unmap that relies on the split.
    ///
    /// # Errors
    ///
    /// [`SplitError::OutOfStorage`] if there is no storage for a page table; nothing is changed then.
    pub fn split(&self, iova: Iova) -> Result<Option<Refresh>, SplitError> {
        let Some((table, frame)) = self.large_frame_at(iova) else {
            return Ok(None);
        };
        let split = self.tree.split_frame(&table[TableType::Segment.index(iova)])?;
        fence(Ordering::Release);
        Ok(split.then(|| Refresh::of_change(frame)))
    }

    /// Makes the entries for `range` invalid, in which there may be any number of segments, with tables or without.
    ///
    /// What no table leads to is passed over.
    #[inline(never)]
    fn clear_parts(&self, range: IovaRange) -> Result<Cleared, UnmapError> {
        if self.frames().contains(FrameSize::Size1M) {
            self.refuse_part_of_frame(range, range.start())?;
            self.refuse_part_of_frame(range, range.last())?;
        }
        let mut cleared = Cleared::NOTHING;
        let mut rest = Some(range);
        while let Some(todo) = rest {
            rest = match self.tree.segment_table(todo.start()) {
                Ok(table) => {
                    let (region, rest) = todo.split_after(TableType::RegionThird.entry_last(todo.start()));
                    cleared = cleared.and(self.clear_region(table, region));
                    rest
                }
                Err(Absent { last }) => todo.split_after(last).1,
            };
        }
        Ok(cleared)
    }

    /// Makes the entries for `region`, a part of what `table` covers, invalid.
    fn clear_region(&self, table: &SegmentTable, region: IovaRange) -> Cleared {
        let mut cleared = Cleared::NOTHING;
        for chunk in Chunks::of(region, TableType::Segment) {
            let slot = &table[TableType::Segment.index(chunk.start())];
            cleared = cleared.and(match self.tree.segment(slot) {
                Segment::Empty => Cleared::NOTHING,
                Segment::Pages(pages) => run::clear(run::slots(pages, chunk), chunk),
                Segment::Frame(..) => {
                    self.tree.remove_frame(slot);
                    Cleared::all_of(chunk)
                }
            });
        }
        cleared
    }

    /// Sees that `end`, the start or last byte of `range`, is not inside a frame of 1 MiB that `range` only cuts.
    fn refuse_part_of_frame(&self, range: IovaRange, end: Iova) -> Result<(), UnmapError> {
        match self.large_frame_at(end) {
            Some((_, frame)) if !range.contains(frame) => Err(UnmapError::PartOfFrame { range, frame }),
            _ => Ok(()),
        }
    }

    /// The segment table for `iova` and what the frame of 1 MiB there covers, if there is such a frame.
    fn large_frame_at(&self, iova: Iova) -> Option<(&SegmentTable, IovaRange)> {
        if iova > self.tree.kind().last() {
            return None;
        }
        let table = self.tree.segment_table(iova).ok()?;
        match self.tree.segment(&table[TableType::Segment.index(iova)]) {
            Segment::Frame(..) => Some((table, TableType::Segment.entry_range(iova))),
            _ => None,
        }
    }
}

/// What an unmap did.
#[derive(Debug)]
#[must_use = "devices may use the old entries until the refresh is issued"]
pub struct Unmapped {
    /// Number of pages of 4 KiB that were mapped and are not any more.
    pub pages: u64,
    /// From the first of these pages to the last; nothing where there was none.
    pub refresh: Option<Refresh>,
}

/// Why nothing was unmapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnmapError {
    /// The table cannot translate all of the range.
    OutsideAperture {
        /// What was to be unmapped.
        range: IovaRange,
        /// What the table can translate.
        aperture: IovaRange,
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
            Self::OutsideAperture { range, aperture } => write!(f, "{range} is not within {aperture}"),
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
