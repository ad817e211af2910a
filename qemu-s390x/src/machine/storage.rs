// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage: one area for translation tables, one for frames that devices write and for command blocks.

use core::ops::{Deref, DerefMut, Range};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicU8, AtomicUsize, Ordering};

use clp::Block;
use s390_iommu::{AbsoluteAddress, PhysToVirt, TableAllocator, TableSize};

/// Storage that follows each other and that nothing else uses.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// Its first byte, at a multiple of 1 MiB and not at 0.
    pub start: AbsoluteAddress,
    /// Its size in bytes; what is past 24 MiB of tables or 48 MiB of frames is not used.
    pub bytes: usize,
    /// The pointer to absolute address 0, by which all of storage is mapped.
    pub base: usize,
}

/// Storage for translation tables, in units of 2 KiB.
pub(crate) static TABLES: Tables = Tables(Area::new(TableSize::Page.bytes()));

/// Storage that devices may write, in units of 4 KiB.
pub(crate) static FRAMES: FrameArea = FrameArea(Area::new(4 << 10));

/// Words of 64 units, for 48 MiB in units of 4 KiB.
const WORDS: usize = (48 << 20) / (4 << 10) / 64;

/// An area of storage, handed out in units.
///
/// It is shared, and still not made for several processors: nothing comes between a look at a bit and its change, since
/// one program at a time uses it.
#[derive(Debug)]
struct Area {
    /// Pointer to the first unit.
    start: AtomicUsize,
    /// Bytes in whole units.
    bytes: AtomicUsize,
    /// Pointer to absolute address 0.
    base: AtomicUsize,
    /// Bytes of a unit.
    unit: usize,
    /// A bit for each unit; 1: handed out.
    used: [AtomicU64; WORDS],
}

impl Area {
    /// An area without storage.
    const fn new(unit: usize) -> Self {
        Self {
            start: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            base: AtomicUsize::new(0),
            unit,
            used: [const { AtomicU64::new(0) }; WORDS],
        }
    }

    /// Makes `region` the storage of the area, none of which is handed out.
    fn open(&self, region: Region) {
        self.start.store(region.base + region.start.get() as usize, Ordering::Relaxed);
        self.bytes.store(region.bytes.min(WORDS * 64 * self.unit), Ordering::Relaxed);
        self.base.store(region.base, Ordering::Relaxed);
        self.used.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    }

    /// The pointer to what lies at an absolute address.
    fn pointer(&self, at: AbsoluteAddress) -> usize {
        self.base.load(Ordering::Relaxed) + at.get() as usize
    }

    /// The absolute address of what lies at a pointer.
    fn absolute(&self, pointer: usize) -> AbsoluteAddress {
        AbsoluteAddress::new((pointer - self.base.load(Ordering::Relaxed)) as u64)
    }

    fn start(&self) -> usize {
        self.start.load(Ordering::Relaxed)
    }

    fn units(&self) -> usize {
        self.bytes.load(Ordering::Relaxed) / self.unit
    }

    /// Whether a unit is handed out, or is none of the area.
    fn is_used(&self, unit: usize) -> bool {
        self.used.get(unit / 64).is_none_or(|word| word.load(Ordering::Relaxed) >> (unit % 64) & 1 != 0)
    }

    fn set_used(&self, units: Range<usize>, used: bool) {
        for unit in units {
            if let Some(word) = self.used.get(unit / 64) {
                let bit = 1 << (unit % 64);
                let before = word.load(Ordering::Relaxed);
                word.store(if used { before | bit } else { before & !bit }, Ordering::Relaxed);
            }
        }
    }

    /// The units that `bytes` bytes at pointer `at` lie in, if they are all in the area.
    fn units_of(&self, at: usize, bytes: usize) -> Option<Range<usize>> {
        let offset = at.checked_sub(self.start())?;
        let end = offset.checked_add(bytes)?.div_ceil(self.unit);
        (end <= self.units()).then_some(offset / self.unit..end)
    }

    /// The first free run of `bytes` bytes that is aligned to `alignment`, a power of two up to 1 MiB, as the start of
    /// the area is.
    fn allocate(&self, bytes: usize, alignment: usize) -> Option<usize> {
        let count = bytes.div_ceil(self.unit);
        let step = (alignment / self.unit).max(1);
        let first = (0..=self.units().checked_sub(count)?)
            .step_by(step)
            .find(|first| (*first..first + count).all(|unit| !self.is_used(unit)))?;
        self.set_used(first..first + count, true);
        Some(self.start() + first * self.unit)
    }

    fn free(&self, at: usize, bytes: usize) {
        if let Some(units) = self.units_of(at, bytes) {
            self.set_used(units, false);
        }
    }

    /// Whether the `bytes` bytes at `at` have been handed out.
    fn is_handed_out(&self, at: usize, bytes: usize) -> bool {
        self.units_of(at, bytes).is_some_and(|mut units| units.all(|unit| self.is_used(unit)))
    }
}

/// What tables live in.
#[derive(Debug)]
pub struct Tables(Area);

impl Tables {
    /// Makes `region` the storage of all tables.
    pub(crate) fn open(&self, region: Region) {
        self.0.open(region);
    }

    /// The word at `address`, if it is in a table.
    pub(crate) fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let at = self.0.pointer(address);
        if !at.is_multiple_of(8) || !self.0.is_handed_out(at, 8) {
            return None;
        }
        let word = core::ptr::with_exposed_provenance::<AtomicU64>(at);
        // SAFETY: The word is in a table, which is accessed by atomic operations as long as it exists. The machine is
        // big-endian as the tables are.
        Some(unsafe { (*word).load(Ordering::Acquire) })
    }
}

// SAFETY: The tables lie in a region that nothing else uses, outside of all objects of the program, and all of storage is
// mapped where the region says.
unsafe impl PhysToVirt for Tables {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        let table = core::ptr::with_exposed_provenance_mut(self.0.pointer(origin));
        // No table lies at 0.
        NonNull::new(table).unwrap_or(NonNull::dangling())
    }
}

// SAFETY: A run of units has one user until it is freed, is aligned as asked for, and does not lie at 0.
unsafe impl TableAllocator for Tables {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        Some(self.0.absolute(self.0.allocate(size.bytes(), size.bytes())?))
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        self.0.free(self.0.pointer(origin), size.bytes());
    }
}

/// What devices reach.
#[derive(Debug)]
pub(crate) struct FrameArea(Area);

impl FrameArea {
    /// Makes `region` the storage of all frames.
    pub(crate) fn open(&self, region: Region) {
        self.0.open(region);
    }

    /// Allocates `bytes` bytes aligned to `alignment`, a power of two up to 1 MiB.
    pub(crate) fn allocate(&self, bytes: usize, alignment: usize) -> Option<AbsoluteAddress> {
        Some(self.0.absolute(self.0.allocate(bytes, alignment)?))
    }

    /// Gives back what was allocated.
    pub(crate) fn free(&self, at: AbsoluteAddress, bytes: usize) {
        self.0.free(self.0.pointer(at), bytes);
    }

    /// Copies bytes out of allocated frames; out of anything else, nothing.
    pub(crate) fn read(&self, from: AbsoluteAddress, into: &mut [u8]) {
        let at = self.0.pointer(from);
        if !self.0.is_handed_out(at, into.len()) {
            return;
        }
        for (offset, byte) in into.iter_mut().enumerate() {
            // SAFETY: The byte is in the area of frames, which no reference of the program ever leads to. A device may
            // write it at the same time, hence volatile.
            *byte = unsafe { core::ptr::with_exposed_provenance::<u8>(at + offset).read_volatile() };
        }
    }

    /// Copies bytes into allocated frames; into anything else, nothing.
    pub(crate) fn write(&self, to: AbsoluteAddress, from: &[u8]) {
        let at = self.0.pointer(to);
        if !self.0.is_handed_out(at, from.len()) {
            return;
        }
        for (offset, byte) in from.iter().enumerate() {
            // SAFETY: As for reading.
            unsafe { core::ptr::with_exposed_provenance_mut::<u8>(at + offset).write_volatile(*byte) };
        }
    }
}

impl FrameArea {
    /// The doubleword at `at`, loaded at once; nothing if it is not in an allocated frame, or not aligned.
    pub(crate) fn load_doubleword(&self, at: AbsoluteAddress) -> Option<u64> {
        let at = self.0.pointer(at);
        if !at.is_multiple_of(8) || !self.0.is_handed_out(at, 8) {
            return None;
        }
        let word = core::ptr::with_exposed_provenance::<AtomicU64>(at);
        // SAFETY: The word is in an allocated frame, to which no plain reference leads, and is aligned. The machine is
        // big-endian as what it stores is.
        Some(unsafe { (*word).load(Ordering::Acquire) })
    }

    /// The bytes at `at`; nothing if they are not in allocated frames.
    pub(crate) fn atomics(&self, at: AbsoluteAddress, bytes: usize) -> Option<&[AtomicU8]> {
        let at = self.0.pointer(at);
        if !self.0.is_handed_out(at, bytes) {
            return None;
        }
        // SAFETY: The bytes are in allocated frames, to which no plain reference leads. Whoever else writes them, the machine
        // or the program, does it bytewise or by atomic operations.
        Some(unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(at), bytes) })
    }
}

/// A page of its own, out of the area for frames; given back when dropped.
#[derive(Debug)]
pub(crate) struct Page(AbsoluteAddress);

/// Size of a page in bytes.
const PAGE: usize = 4096;

impl Page {
    /// A page of zeros.
    pub(crate) fn new() -> Option<Self> {
        let page = Self(FRAMES.allocate(PAGE, PAGE)?);
        // SAFETY: The page is storage that was handed out to us alone.
        unsafe { page.pointer().write_bytes(0, PAGE) };
        Some(page)
    }

    /// Pointer to its first byte.
    pub(crate) fn pointer(&self) -> *mut u8 {
        core::ptr::with_exposed_provenance_mut(FRAMES.0.pointer(self.0))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        FRAMES.free(self.0, PAGE);
    }
}

/// A command block that is not on the stack.
#[derive(Debug)]
pub struct BlockPage(Page);

impl BlockPage {
    /// A block of zeros.
    pub(crate) fn new() -> Option<Self> {
        Page::new().map(Self)
    }
}

impl Deref for BlockPage {
    type Target = Block;

    fn deref(&self) -> &Block {
        // SAFETY: The page is as large and as aligned as a block, holds bytes of which any is valid, and is this one's
        // alone: it is never mapped for a device.
        unsafe { &*self.0.pointer().cast() }
    }
}

impl DerefMut for BlockPage {
    fn deref_mut(&mut self) -> &mut Block {
        // SAFETY: As above, and the reference to the owner is exclusive.
        unsafe { &mut *self.0.pointer().cast() }
    }
}
