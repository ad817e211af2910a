// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Translation tables whose entries are chosen at random, malformed ones among them.
//!
//! The root is a region-third table. One region leads to the page of the device's queue and never changes. Two regions lead
//! to 2048 pages, a quarter of them in each of the last and the first two MiB at the boundary between the two; those beside
//! them lead nowhere.

use heapless::Vec;
use s390_iommu::guest::GuestMemory;
use s390_iommu::{AbsoluteAddress, TableAllocator, TableSize};

use super::choice::Choice;

/// Where the device's queue is mapped: the first address of the window.
pub(super) const QUEUE: u64 = 0x1_0000_0000;

/// First address of the pages that the entries of choice lead to: four segments below a boundary of regions.
pub(super) const FIRST: u64 = 0x2_7fc0_0000;
/// Number of these pages.
pub(super) const PAGES: u64 = SEGMENTS * SEGMENT_PAGES;

/// Storage of the machine that `cargo xtask` makes, in bytes.
pub(super) const STORAGE: u64 = 256 << 20;

/// Frames that pages lead to, and bytes of a frame.
pub(super) const FRAMES: u64 = 512;
pub(super) const FRAME: u64 = 4096;

const SEGMENTS: u64 = 8;
const SEGMENT_PAGES: u64 = 256;
const MIB: u64 = 1 << 20;

/// Bits of entries, as in `s390_iommu::RegionEntry` and its like; here as numbers, so that every value can be made.
const REGION_INVALID: u64 = 0x20;
const REGION_THIRD: u64 = 0x4;
const WHOLE: u64 = 0x3;
const PROTECTED: u64 = 0x200;
const FRAME_CONTROL: u64 = 0x400;
const PAGE_INVALID: u64 = 0x400;

/// An address without storage, aligned as a table.
const NOWHERE: u64 = 0x7000_0000_0000;

/// Most wrong entries at a time.
const MOST_WRONG: usize = 16;

/// The tables.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) root: u64,
    segments: [u64; 2],
    pages: [u64; SEGMENTS as usize],
    /// First of the frames, aligned to 1 MiB.
    frames: u64,
    /// Entries that are malformed, and what stands there when they are mended.
    wrong: Vec<(u64, u64), MOST_WRONG>,
}

/// What an entry becomes.
enum Made {
    Right(u64),
    Wrong(u64),
}

impl Tables {
    /// Tables that lead to the page of the queue at `queue` and to frames from `frames` on; `None` without storage for them.
    ///
    /// # Safety
    ///
    /// The storage that `storage` allocates is absolute, and accessed by this program alone and by its machine.
    pub(super) unsafe fn new(
        storage: &impl TableAllocator,
        queue: u64,
        frames: u64,
        choice: &mut Choice,
    ) -> Option<Self> {
        let table = |size: TableSize, entry: u64| {
            let origin = storage.allocate(size)?.get();
            (0..size.bytes() as u64 / 8).for_each(|index| store(origin + 8 * index, entry));
            Some(origin)
        };
        let region = || table(TableSize::Crst, REGION_INVALID);
        let page = || table(TableSize::Page, PAGE_INVALID);
        let (root, queue_segments, queue_pages) = (region()?, region()?, page()?);
        let segments = [region()?, region()?];
        let mut pages = [0; SEGMENTS as usize];
        for table in &mut pages {
            *table = page()?;
        }
        store(root + 8 * region_index(QUEUE), queue_segments | REGION_THIRD | WHOLE);
        store(queue_segments, queue_pages);
        store(queue_pages, queue);
        let tables = Self { root, segments, pages, frames, wrong: Vec::new() };
        for segment in 0..SEGMENTS {
            store(tables.segment_entry(segment), tables.page_table(segment));
        }
        for (at, origin) in tables.region_entries() {
            store(at, origin | REGION_THIRD | WHOLE);
        }
        for page in 0..PAGES {
            if let Made::Right(entry) = tables.page(choice) {
                store(tables.page_entry(page), entry);
            }
        }
        Some(tables)
    }

    /// Changes some entries.
    pub(super) fn change(&mut self, choice: &mut Choice) {
        if !self.wrong.is_empty() && choice.once_in(2) {
            self.wrong.drain(..).for_each(|(at, entry)| store(at, entry));
        }
        for _ in 0..choice.below(6) {
            match choice.below(20) {
                0 => self.change_region(choice),
                1..=3 => {
                    let segment = choice.below(SEGMENTS);
                    let made = self.segment(segment, choice);
                    self.put(self.segment_entry(segment), made, self.page_table(segment));
                }
                4 => self.change_run(choice),
                _ => {
                    let made = self.page(choice);
                    self.put(self.page_entry(choice.below(PAGES)), made, PAGE_INVALID);
                }
            }
        }
    }

    fn change_region(&mut self, choice: &mut Choice) {
        let [(first, origin), (second, other)] = self.region_entries();
        let (at, right) = match choice.below(4) {
            0 => (first, origin | REGION_THIRD | WHOLE),
            1 => (second, other | REGION_THIRD | WHOLE),
            2 => (first - 8, REGION_INVALID),
            _ => (second + 8, REGION_INVALID),
        };
        let made = match choice.below(16) {
            0 => Made::Wrong(0),
            1 => Made::Wrong(right & !WHOLE & !REGION_INVALID | choice.below(3)),
            2 => Made::Wrong(NOWHERE | REGION_THIRD | WHOLE),
            3 => Made::Wrong(REGION_THIRD | WHOLE),
            4 => Made::Wrong(right & !REGION_INVALID & !REGION_THIRD | WHOLE | choice.of(&[0x0, 0x8, 0xc])),
            5 => Made::Wrong(right & !REGION_INVALID | 0x40 | WHOLE),
            6 => Made::Right(right | REGION_INVALID),
            7 if right & REGION_INVALID == 0 => Made::Right(right | PROTECTED),
            // Bits that mean nothing here.
            8 if right & REGION_INVALID == 0 => Made::Right(right | 0x100 << choice.below(6) & 0x3900),
            _ => Made::Right(right),
        };
        self.put(at, made, right);
    }

    fn segment(&self, segment: u64, choice: &mut Choice) -> Made {
        let right = self.page_table(segment);
        let frame = self.frames + MIB * choice.below(FRAMES * FRAME / MIB);
        match choice.below(24) {
            0 => Made::Wrong(0),
            1 => Made::Wrong(right | choice.of(&[0x4, 0x8, 0xc])),
            2 => Made::Wrong(PROTECTED),
            3 => Made::Wrong(NOWHERE),
            4 | 5 => Made::Right(right | REGION_INVALID),
            6..=8 => Made::Right(frame | FRAME_CONTROL),
            9 => Made::Right(frame | FRAME_CONTROL | PROTECTED),
            // The bits of a frame below 1 MiB are not part of its address.
            10 => Made::Right(frame | FRAME_CONTROL | (FRAME * choice.below(SEGMENT_PAGES))),
            11 => Made::Right(right | PROTECTED),
            12 => Made::Right(right | 0x3),
            _ => Made::Right(right),
        }
    }

    fn page(&self, choice: &mut Choice) -> Made {
        let frame = self.frames + FRAME * choice.below(FRAMES);
        match choice.below(64) {
            0 => Made::Wrong(0),
            1 => Made::Wrong(PROTECTED),
            2..=15 => Made::Right(PAGE_INVALID),
            16..=19 => Made::Right(frame | PAGE_INVALID),
            20..=29 => Made::Right(frame | PROTECTED),
            30..=33 => Made::Right(frame | choice.below(0x200)),
            _ => Made::Right(frame),
        }
    }

    /// Makes pages in a row lead to frames in a row.
    fn change_run(&self, choice: &mut Choice) {
        let (page, frame) = (choice.below(PAGES), choice.below(FRAMES));
        let count = choice.below(64).min(PAGES - page).min(FRAMES - frame);
        let protected = if choice.once_in(3) { PROTECTED } else { 0 };
        (0..count).for_each(|next| {
            store(self.page_entry(page + next), (self.frames + FRAME * (frame + next)) | protected);
        });
    }

    fn put(&mut self, at: u64, made: Made, right: u64) {
        match made {
            Made::Right(entry) => {
                store(at, entry);
                self.wrong.retain(|(wrong, _)| *wrong != at);
            }
            // No more of them than can be mended.
            Made::Wrong(entry) => {
                let is_known = self.wrong.iter().any(|(wrong, _)| *wrong == at);
                if is_known || self.wrong.push((at, right)).is_ok() {
                    store(at, entry);
                }
            }
        }
    }

    fn page_table(&self, segment: u64) -> u64 {
        self.pages[(segment % SEGMENTS) as usize]
    }

    fn page_entry(&self, page: u64) -> u64 {
        self.page_table(page / SEGMENT_PAGES) + 8 * (page % SEGMENT_PAGES)
    }

    fn segment_entry(&self, segment: u64) -> u64 {
        let iova = FIRST + segment * MIB;
        self.segments[usize::from(segment >= SEGMENTS / 2)] + 8 * (iova >> 20 & 0x7ff)
    }

    /// The two entries of the root, and where they lead.
    fn region_entries(&self) -> [(u64, u64); 2] {
        let first = self.root + 8 * region_index(FIRST);
        [(first, self.segments[0]), (first + 8, self.segments[1])]
    }
}

const fn region_index(iova: u64) -> u64 {
    iova >> 31 & 0x7ff
}

/// Stores an entry at once.
fn store(at: u64, entry: u64) {
    let place = core::ptr::with_exposed_provenance_mut::<u64>(at as usize);
    // SAFETY: The doubleword is in one of the tables, which no reference leads to; by the contract of `Tables::new` it is
    // this program's.
    unsafe { place.write_volatile(entry) };
}

/// All of storage, as a machine reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage;

impl GuestMemory for Storage {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        // Nothing of interest lies below, and a root may start at any byte.
        let at = address.get();
        if at == 0 || at > STORAGE - 8 {
            return None;
        }
        let bytes = core::array::from_fn(|offset| {
            let byte = core::ptr::with_exposed_provenance::<u8>(at as usize + offset);
            // SAFETY: Storage is mapped one to one, and any byte of it can be read.
            unsafe { byte.read_volatile() }
        });
        Some(u64::from_be_bytes(bytes))
    }
}
