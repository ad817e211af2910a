// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Mapping.

use crate::table::atomic::{fence, Ordering};
use core::fmt;

use crate::format::address::{AbsoluteAddress, Iova, PAGE_SIZE};
use crate::format::entry::{PageEntry, SegmentEntry};
use crate::format::frame::{FrameSize, Protection};
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, TableType};
use crate::machine::refresh::Refresh;
use crate::table::run::{self, Chunks, Run};
use crate::table::slot::Slot;
use crate::table::translation_table::TranslationTable;
use crate::table::{OutOfStorage, PageTable, Segment, Spare, TableAllocator};

impl<M: TableAllocator> TranslationTable<M> {
    /// Maps `range` to consecutive storage from `origin`: all of it, or nothing.
    ///
    /// Where the table may use frames of 1 MiB, each whole aligned MiB of `range` whose storage is aligned too and
    /// that has no page table yet becomes one.
    ///
    /// Functions whose group has the refresh bit need the returned refresh before they use the range.
    ///
    /// # Errors
    ///
    /// Nothing is mapped then. Region and segment tables made on the way stay, empty, for the next call.
    ///
    /// * [`MapError::Unaligned`] if `origin` is not a multiple of 4 KiB.
    /// * [`MapError::AbsoluteZero`] if `origin` is 0.
    /// * [`MapError::PastStorage`] if the storage from `origin` would pass 2^64.
    /// * [`MapError::OutsideAperture`] if part of `range` lies beyond what the table can translate.
    /// * [`MapError::AlreadyMapped`] if something is mapped in `range`.
    /// * [`MapError::OutOfStorage`] if there is no storage for a table.
    #[inline]
    pub fn map(&self, range: IovaRange, origin: AbsoluteAddress, protection: Protection) -> Result<Refresh, MapError> {
        if !origin.is_aligned(PAGE_SIZE) {
            return Err(MapError::Unaligned(origin));
        }
        if origin.get() == 0 {
            return Err(MapError::AbsoluteZero);
        }
        if origin.checked_add(range.size_less_one()).is_none() {
            return Err(MapError::PastStorage { origin, range });
        }
        if !self.aperture().contains(range) {
            return Err(MapError::OutsideAperture { range, aperture: self.aperture() });
        }
        if range.size_less_one() < PAGE_SIZE {
            if let Some(refresh) = self.map_page(range.start(), origin, protection) {
                return Ok(refresh);
            }
        }
        match self.tree.page_table(range) {
            Some(pages) => self.map_pages(pages, range, origin, protection)?,
            None => self.map_parts(range, origin, protection)?,
        }
        // Whoever is told of the mapping after this must find it.
        fence(Ordering::Release);
        Ok(Refresh::of_change(range))
    }

    /// Maps the page that holds `iova` to the frame at `origin`, where that is a matter of one entry.
    ///
    /// This is what [`map`](Self::map) of a page mostly comes to, for callers to whom a few instructions matter. Nothing
    /// is returned, and nothing changed, where it needs more: tables, or to say what is wrong.
    #[inline]
    pub fn map_page(&self, iova: Iova, origin: AbsoluteAddress, protection: Protection) -> Option<Refresh> {
        if !origin.is_aligned(PAGE_SIZE) || origin.get() == 0 {
            return None;
        }
        let slot = self.tree.page(iova)?;
        if !slot.page().invalid() {
            return None;
        }
        slot.store(PageEntry::mapping(origin, protection));
        // As in `map`.
        fence(Ordering::Release);
        Some(Refresh::of_change(IovaRange::page(iova)))
    }

    /// Maps `chunk` where there is a page table for it.
    #[inline]
    fn map_pages(
        &self,
        pages: &PageTable,
        chunk: IovaRange,
        storage: AbsoluteAddress,
        protection: Protection,
    ) -> Result<(), MapError> {
        let slots = run::slots(pages, chunk);
        if let Some(index) = run::first_valid(slots) {
            return Err(page_mapped(chunk, slots, index));
        }
        run::store(slots, PageEntry::mapping(storage, protection));
        Ok(())
    }

    /// Maps `range`, in which there may be any number of segments, with tables or without.
    ///
    /// Everything is looked at and allocated before the first entry is stored.
    #[inline(never)]
    fn map_parts(&self, range: IovaRange, origin: AbsoluteAddress, protection: Protection) -> Result<(), MapError> {
        if self.takes_large_frames(range, origin) && self.map_frames(range, origin, protection)? {
            return Ok(());
        }
        let mut spare = Spare::new(self.tree.memory());
        self.prepare(range, origin, &mut spare)?;
        self.fill(range, origin, protection, &mut spare);
        Ok(())
    }

    /// Maps `range`, all of which may become frames of 1 MiB, by such frames where no segment has a table yet.
    ///
    /// Tells whether there was none, and nothing else is mapped. Nothing is done otherwise.
    fn map_frames(&self, range: IovaRange, origin: AbsoluteAddress, protection: Protection) -> Result<bool, MapError> {
        for region in Chunks::of(range, TableType::RegionThird) {
            let table = self.tree.grow_segment_table(region.start())?;
            if !SegmentEntry::all_invalid(run::segments(table, region)) {
                return Ok(false);
            }
        }
        for region in Chunks::of(range, TableType::RegionThird) {
            let Ok(table) = self.tree.segment_table(region.start()) else {
                continue;
            };
            let mut storage = storage_at(range, origin, region);
            for slot in run::segments(table, region) {
                if let Err(Segment::Pages(pages)) = self.tree.install_frame(slot, storage, protection) {
                    // Somebody else, who does not own the segment, was faster.
                    run::store(pages, PageEntry::mapping(storage, protection));
                }
                storage = AbsoluteAddress::new(storage.get().wrapping_add(FrameSize::Size1M.bytes()));
            }
        }
        Ok(true)
    }

    /// Sees that nothing is mapped in `range`, and that there is storage for the tables that it needs.
    ///
    /// Nothing is written but entries that lead to empty segment tables.
    fn prepare(&self, range: IovaRange, origin: AbsoluteAddress, spare: &mut Spare<'_, M>) -> Result<(), MapError> {
        for region in Chunks::of(range, TableType::RegionThird) {
            let table = self.tree.grow_segment_table(region.start())?;
            for chunk in Chunks::of(region, TableType::Segment) {
                let slot = &table[TableType::Segment.index(chunk.start())];
                match self.tree.segment(slot) {
                    Segment::Pages(pages) => {
                        let slots = run::slots(pages, chunk);
                        if let Some(index) = run::first_valid(slots) {
                            return Err(page_mapped(chunk, slots, index));
                        }
                    }
                    Segment::Empty if self.takes_large_frame(chunk, storage_at(range, origin, chunk)) => {}
                    Segment::Empty => spare.add()?,
                    Segment::Frame(frame, _) => {
                        let offset = chunk.start().get() & TableType::Segment.entry_mask();
                        let to = AbsoluteAddress::new(frame.get() | offset);
                        return Err(MapError::AlreadyMapped { iova: chunk.start(), to });
                    }
                }
            }
        }
        Ok(())
    }

    /// Stores the entries for `range`, where nothing is mapped; cannot fail.
    fn fill(&self, range: IovaRange, origin: AbsoluteAddress, protection: Protection, spare: &mut Spare<'_, M>) {
        for region in Chunks::of(range, TableType::RegionThird) {
            let Ok(table) = self.tree.segment_table(region.start()) else {
                continue;
            };
            for chunk in Chunks::of(region, TableType::Segment) {
                let slot = &table[TableType::Segment.index(chunk.start())];
                let storage = storage_at(range, origin, chunk);
                let mut target = self.tree.segment(slot);
                if let Segment::Empty = target {
                    let installed = if self.takes_large_frame(chunk, storage) {
                        self.tree.install_frame(slot, storage, protection)
                    } else {
                        let indices = (page_index(chunk.start()), page_index(chunk.last()));
                        self.tree.install_pages(slot, spare, indices, PageEntry::mapping(storage, protection))
                    };
                    // Where a neighbour was faster, its table is used.
                    match installed {
                        Ok(()) => continue,
                        Err(there) => target = there,
                    }
                }
                if let Segment::Pages(pages) = target {
                    run::store(run::slots(pages, chunk), PageEntry::mapping(storage, protection));
                }
            }
        }
    }

    /// Whether `chunk`, a part of one segment, becomes a frame of 1 MiB when mapped to `storage`.
    fn takes_large_frame(&self, chunk: IovaRange, storage: AbsoluteAddress) -> bool {
        chunk.size_less_one() == TableType::Segment.entry_mask() && self.takes_large_frames(chunk, storage)
    }

    /// Whether `range` consists of whole segments and may become frames of 1 MiB when mapped from `origin`.
    fn takes_large_frames(&self, range: IovaRange, origin: AbsoluteAddress) -> bool {
        let mask = TableType::Segment.entry_mask();
        self.frames().contains(FrameSize::Size1M)
            && (range.start().get() | range.last().get().wrapping_add(1) | origin.get()) & mask == 0
    }
}

/// Says that slot `index` of those for `chunk` maps a page.
fn page_mapped(chunk: IovaRange, slots: &[Slot<PageEntry>], index: usize) -> MapError {
    MapError::AlreadyMapped {
        iova: Iova::new(chunk.start().get().wrapping_add(index as u64 * PAGE_SIZE)),
        // Whoever unmaps it meanwhile races with this call; then the page itself is all that can be told.
        to: slots.get(index).map_or(AbsoluteAddress::new(0), |slot| slot.page().frame()),
    }
}

/// The storage of `chunk`, a part of `range`, which is mapped from `origin`.
#[inline]
fn storage_at(range: IovaRange, origin: AbsoluteAddress, chunk: IovaRange) -> AbsoluteAddress {
    let offset = chunk.start().get().wrapping_sub(range.start().get());
    AbsoluteAddress::new(origin.get().wrapping_add(offset))
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
    /// The table cannot translate all of the range.
    OutsideAperture {
        /// What was to be mapped.
        range: IovaRange,
        /// What the table can translate.
        aperture: IovaRange,
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
            Self::OutsideAperture { range, aperture } => write!(f, "{range} is not within {aperture}"),
            Self::AlreadyMapped { iova, to } => write!(f, "{iova} is already mapped to {to}"),
            Self::OutOfStorage => f.write_str("no storage for a table"),
        }
    }
}

impl core::error::Error for MapError {}
