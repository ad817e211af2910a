// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Mapping.

use core::fmt;

use crate::format::address::{AbsoluteAddress, Iova, PAGE_SIZE};
use crate::format::entry::PageEntry;
use crate::format::frame::{FrameSize, Protection};
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, TableType};
use crate::table::atomic::{fence, Ordering};
use crate::table::cell::{LargeFrame, Segment, SegmentCell};
use crate::table::change::Change;
use crate::table::cursor::SegmentRun;
use crate::table::run;
use crate::table::seam::{AllocationFlags, TableAllocator};
use crate::table::slot::Slot;
use crate::table::spare::Spare;
use crate::table::translation_table::TranslationTable;
use crate::table::tree::OutOfStorage;
use crate::table::with_flags::WithFlags;

impl<M: TableAllocator> TranslationTable<M> {
    /// Maps `range` to consecutive storage from `origin`: all of it, or nothing.
    ///
    /// If the table may use frames of 1 MiB, each whole aligned MiB of `range` whose storage is aligned too and that
    /// has no page table yet becomes one.
    ///
    /// Functions whose group has the refresh bit need the change issued before they use the range.
    ///
    /// # Errors
    ///
    /// Nothing is mapped then. Region and segment tables made on the way stay, empty, for the next call.
    ///
    /// * [`MapError::Unaligned`] if `origin` is not a multiple of 4 KiB.
    /// * [`MapError::AbsoluteZero`] if `origin` is 0.
    /// * [`MapError::PastStorage`] if the storage from `origin` would pass 2^64.
    /// * [`MapError::OutsideSpan`] if part of `range` lies beyond what the table can translate.
    /// * [`MapError::AlreadyMapped`] if something is mapped in `range`.
    /// * [`MapError::OutOfStorage`] if there is no storage for a table.
    #[doc(alias = "s390_iommu_map_pages")]
    #[inline(always)]
    pub fn map(&self, range: IovaRange, origin: AbsoluteAddress, protection: Protection) -> Result<Change, MapError> {
        self.with_flags(AllocationFlags::NONE).map(range, origin, protection)
    }

    /// Maps the page at `iova` if that takes one store: there is a page table for it, in which it is not mapped.
    ///
    /// Returns `None` if it takes more or cannot be done, also if no page starts at `iova`; nothing changed then, and
    /// [`map`](Self::map) does it or says what is wrong.
    #[inline(always)]
    pub fn map_page_at_once(&self, iova: Iova, origin: AbsoluteAddress, protection: Protection) -> Option<Change> {
        let page = IovaRange::page(iova);
        // Both at once: this is the way that comes most often.
        if !(iova.get() | origin.get()).is_multiple_of(PAGE_SIZE) || origin.get() == 0 || !self.spans(page) {
            return None;
        }
        let slot = self.tree().page(iova)?;
        if !slot.page().invalid() {
            return None;
        }
        slot.store(PageEntry::mapping(origin, protection));
        Some(changed(page))
    }
}

impl<M: TableAllocator> WithFlags<'_, M> {
    /// As [`TranslationTable::map`], the tables that it makes allocated with the flags.
    ///
    /// # Errors
    ///
    /// As for [`TranslationTable::map`].
    #[inline(always)]
    pub fn map(self, range: IovaRange, origin: AbsoluteAddress, protection: Protection) -> Result<Change, MapError> {
        let Self { table, flags } = self;
        if range.is_page() {
            if let Some(change) = table.map_page_at_once(range.start(), origin, protection) {
                return Ok(change);
            }
        }
        // Made here, so that a page costs no store on the stack.
        let job = Job { table, flags, range, origin, protection };
        if range.is_page() {
            job.map_first_page()?;
        } else {
            job.map()?;
        }
        Ok(changed(range))
    }
}

/// The change of `range`, after a fence: who learns of it finds the mapping.
#[inline]
fn changed(range: IovaRange) -> Change {
    fence(Ordering::Release);
    Change::of(range)
}

/// What is to be mapped.
struct Job<'t, M: TableAllocator> {
    table: &'t TranslationTable<M>,
    flags: AllocationFlags,
    range: IovaRange,
    origin: AbsoluteAddress,
    protection: Protection,
}

impl<'t, M: TableAllocator> Job<'t, M> {
    /// Maps a page for which there is no table yet, or says what is wrong.
    #[cold]
    #[inline(never)]
    fn map_first_page(&self) -> Result<(), MapError> {
        self.map()
    }

    /// Maps any range, or says what is wrong.
    #[inline(always)]
    fn map(&self) -> Result<(), MapError> {
        let Self { table, range, origin, .. } = *self;
        if !origin.is_aligned(PAGE_SIZE) {
            return Err(MapError::Unaligned(origin));
        }
        if origin.get() == 0 {
            return Err(MapError::AbsoluteZero);
        }
        if origin.checked_add(range.size_less_one()).is_none() {
            return Err(MapError::PastStorage { origin, range });
        }
        if !table.spans(range) {
            return Err(MapError::OutsideSpan { range, span: table.span() });
        }
        match table.pages_for(range) {
            Some(pages) => self.map_pages(run::slots(pages, range)),
            None => self.map_segments(),
        }
    }

    /// Maps all of the range in `slots`, those of the one page table for it.
    #[inline]
    fn map_pages(&self, slots: &[Slot<PageEntry>]) -> Result<(), MapError> {
        if let Some(index) = run::first_valid(slots) {
            return Err(page_mapped(self.range, slots, index));
        }
        run::store(slots, self.entry(self.range));
        Ok(())
    }

    /// Maps the range, in which there may be any number of segments, with tables or without.
    ///
    /// Everything is looked at and allocated before the first entry is stored.
    #[inline(never)]
    fn map_segments(&self) -> Result<(), MapError> {
        if self.takes_frames(self.range) && self.map_frames()? {
            return Ok(());
        }
        let tree = self.table.tree();
        let mut spare = Spare::new(self.table.memory(), self.flags);
        let mut rest = Some(self.range);
        while let Some(todo) = rest {
            let (run, behind) = tree.grown_run(todo, self.flags)?;
            self.require_empty_run(&run, &mut spare)?;
            rest = behind;
        }
        for run in tree.runs(self.range) {
            self.store_run(&run, &mut spare);
        }
        Ok(())
    }

    /// Maps all of the range, which consists of whole segments, by frames of 1 MiB if no segment has a table yet.
    ///
    /// Returns whether it did; nothing is mapped otherwise.
    fn map_frames(&self) -> Result<bool, MapError> {
        let tree = self.table.tree();
        let (first, mut rest) = tree.grown_run(self.range, self.flags)?;
        if !first.is_empty() {
            return Ok(false);
        }
        // Mostly it is one run, and the way down to it need not be gone again.
        if rest.is_none() {
            self.store_frames(&first);
            return Ok(true);
        }
        while let Some(todo) = rest {
            let (run, behind) = tree.grown_run(todo, self.flags)?;
            if !run.is_empty() {
                return Ok(false);
            }
            rest = behind;
        }
        tree.runs(self.range).for_each(|run| self.store_frames(&run));
        Ok(true)
    }

    /// Stores frames of 1 MiB for `run`, where nothing is mapped.
    fn store_frames(&self, run: &SegmentRun<'t, M>) {
        let mut frame = LargeFrame::new(self.storage_of(run.part()), self.protection);
        for cell in run.whole_cells() {
            if let Err(winner) = cell.install_frame(frame) {
                self.store_beside(winner, self.part_at(frame.address()));
            }
            frame = frame.next();
        }
    }

    /// Sees that nothing is mapped in `run`, and that there is storage for the tables that it needs.
    fn require_empty_run(&self, run: &SegmentRun<'t, M>, spare: &mut Spare<'t, M>) -> Result<(), MapError> {
        run.cells().try_for_each(|(cell, part)| self.require_empty(&cell, part, spare))
    }

    /// Stores the entries for `run`, where nothing is mapped.
    fn store_run(&self, run: &SegmentRun<'t, M>, spare: &mut Spare<'t, M>) {
        for (cell, part) in run.cells() {
            self.store(&cell, part, spare);
        }
    }

    /// Sees that nothing is mapped in `part`, what `cell` covers of the range, and that there is storage for the table
    /// that it needs.
    fn require_empty(
        &self,
        cell: &SegmentCell<'t, M>,
        part: IovaRange,
        spare: &mut Spare<'t, M>,
    ) -> Result<(), MapError> {
        match cell.get() {
            Segment::Pages(pages) => {
                let slots = run::slots(pages, part);
                match run::first_valid(slots) {
                    Some(index) => Err(page_mapped(part, slots, index)),
                    None => Ok(()),
                }
            }
            Segment::Empty if self.takes_frame(part) => Ok(()),
            Segment::Empty => Ok(spare.add()?),
            Segment::Frame(frame, _) => {
                let offset = part.start().get() & TableType::Segment.entry_mask();
                Err(MapError::AlreadyMapped { iova: part.start(), to: AbsoluteAddress::new(frame.get() | offset) })
            }
        }
    }

    /// Stores the entries for `part`, what `cell` covers of the range, where nothing is mapped.
    fn store(&self, cell: &SegmentCell<'t, M>, part: IovaRange, spare: &mut Spare<'t, M>) {
        match cell.get() {
            Segment::Pages(pages) => run::store(run::slots(pages, part), self.entry(part)),
            Segment::Frame(..) => debug_assert!(false, "{part} was mapped by somebody who does not own it"),
            Segment::Empty if self.takes_frame(part) => self.store_frame(cell, part),
            Segment::Empty => {
                let Some(pages) = spare.take() else {
                    debug_assert!(false, "no table for {part}: it was taken out under an operation in its range");
                    return;
                };
                let indices = (page_index(part.start()), page_index(part.last()));
                if let Err(winner) = cell.install_pages(pages, indices, self.entry(part)) {
                    self.store_beside(winner, part);
                }
            }
        }
    }

    /// Maps `part`, all of a segment, by a frame of 1 MiB.
    fn store_frame(&self, cell: &SegmentCell<'t, M>, part: IovaRange) {
        if let Err(winner) = cell.install_frame(LargeFrame::new(self.storage_of(part), self.protection)) {
            self.store_beside(winner, part);
        }
    }

    /// Stores the entries for `part` in the table that a neighbour was faster to make.
    #[cold]
    fn store_beside(&self, winner: Segment<'t>, part: IovaRange) {
        match winner {
            Segment::Pages(pages) => run::store(run::slots(pages, part), self.entry(part)),
            _ => debug_assert!(false, "{part} was mapped by somebody who does not own it"),
        }
    }

    /// Whether `part`, a part of one segment, becomes a frame of 1 MiB.
    fn takes_frame(&self, part: IovaRange) -> bool {
        part.size_less_one() == TableType::Segment.entry_mask() && self.takes_frames(part)
    }

    /// Whether `part` consists of whole segments and may become frames of 1 MiB.
    fn takes_frames(&self, part: IovaRange) -> bool {
        let mask = TableType::Segment.entry_mask();
        let storage = self.storage_of(part).get();
        self.table.frames().contains(FrameSize::Size1M)
            && (part.start().get() | part.last().get().wrapping_add(1) | storage) & mask == 0
    }

    /// The entry for the first page of `part`.
    #[inline]
    fn entry(&self, part: IovaRange) -> PageEntry {
        PageEntry::mapping(self.storage_of(part), self.protection)
    }

    /// The segment that is mapped by the frame of 1 MiB at `frame`.
    #[cold]
    fn part_at(&self, frame: AbsoluteAddress) -> IovaRange {
        let offset = frame.get().wrapping_sub(self.origin.get());
        TableType::Segment.entry_range(Iova::new(self.range.start().get().wrapping_add(offset)))
    }

    /// The storage of `part`, a part of the range.
    #[inline]
    fn storage_of(&self, part: IovaRange) -> AbsoluteAddress {
        let offset = part.start().get().wrapping_sub(self.range.start().get());
        AbsoluteAddress::new(self.origin.get().wrapping_add(offset))
    }
}

/// Says that slot `index` of those for `part` maps a page.
#[cold]
fn page_mapped(part: IovaRange, slots: &[Slot<PageEntry>], index: usize) -> MapError {
    MapError::AlreadyMapped {
        iova: Iova::new(part.start().get().wrapping_add(index as u64 * PAGE_SIZE)),
        // Who unmaps it meanwhile does not own it; then the page itself is all that can be reported.
        to: slots.get(index).map_or(AbsoluteAddress::new(0), |slot| slot.page().frame()),
    }
}

/// Why nothing was mapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MapError {
    /// The storage does not start at a page.
    Unaligned(AbsoluteAddress),
    /// The storage starts at absolute address 0.
    ///
    /// The entry for it would be all zeros, which QEMU takes for an error (measured), and no driver owns that page.
    AbsoluteZero,
    /// The storage would pass 2^64.
    PastStorage {
        /// Where the storage starts.
        origin: AbsoluteAddress,
        /// What was to be mapped to it.
        range: IovaRange,
    },
    /// The table does not span all of the range.
    OutsideSpan {
        /// What was to be mapped.
        range: IovaRange,
        /// What the table can translate.
        span: IovaRange,
    },
    /// Something is mapped there.
    AlreadyMapped {
        /// The first page of the range that is mapped.
        iova: Iova,
        /// What it is mapped to.
        to: AbsoluteAddress,
    },
    /// There is no storage for a table.
    OutOfStorage,
}

impl From<OutOfStorage> for MapError {
    fn from(_: OutOfStorage) -> Self {
        Self::OutOfStorage
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unaligned(origin) => write!(f, "storage at {origin} does not start at a page"),
            Self::AbsoluteZero => f.write_str("storage at absolute address 0 cannot be mapped"),
            Self::PastStorage { origin, range } => {
                write!(f, "storage from {origin} for {range} would pass 2^64")
            }
            Self::OutsideSpan { range, span } => write!(f, "{range} is not within {span}"),
            Self::AlreadyMapped { iova, to } => write!(f, "{iova} is already mapped to {to}"),
            Self::OutOfStorage => f.write_str("no storage for a table"),
        }
    }
}

impl core::error::Error for MapError {}
