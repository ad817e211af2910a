// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage behind the image: one area for translation tables, one for frames that devices write.

use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use s390_iommu::{AbsoluteAddress, PhysToVirt, TableAllocator, TableSize};

extern "C" {
    // Only the addresses mean something; the linker script sets them.
    static tables_start: u8;
    static tables_end: u8;
    static frames_start: u8;
    static frames_end: u8;
}

/// Storage for translation tables: 8 MiB in units of 2 KiB.
pub(crate) static TABLES: Tables =
    Tables(Area::new(|| addresses(&raw const tables_start, &raw const tables_end), TableSize::Page.bytes()));

/// Storage that devices may write: 48 MiB in units of 4 KiB.
pub(crate) static FRAMES: FrameArea =
    FrameArea(Area::new(|| addresses(&raw const frames_start, &raw const frames_end), 4 << 10));

/// The area is no object of the program: whatever lies there is reached by its address.
fn addresses(start: *const u8, end: *const u8) -> Range<usize> {
    start.expose_provenance()..end.expose_provenance()
}

/// Words of 64 units, for the larger number of units of the two areas.
const WORDS: usize = (48 << 20) / (4 << 10) / 64;

/// An area of storage, handed out in units.
///
/// It is shared, and still not made for several processors: there is one, and no interruption comes between a look at
/// a bit and its change.
#[derive(Debug)]
struct Area {
    addresses: fn() -> Range<usize>,
    /// Bytes of a unit.
    unit: usize,
    /// A bit for each unit; 1: handed out.
    used: [AtomicU64; WORDS],
}

impl Area {
    const fn new(addresses: fn() -> Range<usize>, unit: usize) -> Self {
        Self { addresses, unit, used: [const { AtomicU64::new(0) }; WORDS] }
    }

    fn start(&self) -> usize {
        (self.addresses)().start
    }

    fn units(&self) -> usize {
        ((self.addresses)().len() / self.unit).min(WORDS * 64)
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

    /// The units that `bytes` bytes at `at` lie in, if they are all in the area.
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
pub(crate) struct Tables(Area);

impl Tables {
    /// The word at `address`, if it is in a table.
    pub(crate) fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let at = address.get() as usize;
        if !at.is_multiple_of(8) || !self.0.is_handed_out(at, 8) {
            return None;
        }
        let word = core::ptr::with_exposed_provenance::<AtomicU64>(at);
        // SAFETY: The word is in a table, which is accessed by atomic operations as long as it exists. The machine is
        // big-endian as the tables are.
        Some(unsafe { (*word).load(Ordering::Acquire) })
    }
}

// SAFETY: The tables lie in an area that nothing else uses, outside of all objects of the program, at addresses that
// are absolute: the prefix is zero, translation is off, and the area lies above the first 8 KiB.
unsafe impl PhysToVirt for Tables {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        let table = core::ptr::with_exposed_provenance_mut(origin.get() as usize);
        // No table lies at 0.
        NonNull::new(table).unwrap_or(NonNull::dangling())
    }
}

// SAFETY: A run of units has one user until it is freed, is aligned as asked for, and does not lie at 0.
unsafe impl TableAllocator for Tables {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        let at = self.0.allocate(size.bytes(), size.bytes())?;
        Some(AbsoluteAddress::new(at as u64))
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        self.0.free(origin.get() as usize, size.bytes());
    }
}

/// What devices reach.
#[derive(Debug)]
pub(crate) struct FrameArea(Area);

impl FrameArea {
    /// Allocates `bytes` bytes aligned to `alignment`, a power of two up to 1 MiB.
    pub(crate) fn allocate(&self, bytes: usize, alignment: usize) -> Option<AbsoluteAddress> {
        Some(AbsoluteAddress::new(self.0.allocate(bytes, alignment)? as u64))
    }

    /// Gives back what was allocated.
    pub(crate) fn free(&self, at: AbsoluteAddress, bytes: usize) {
        self.0.free(at.get() as usize, bytes);
    }

    /// Copies bytes out of allocated frames; out of anything else, nothing.
    pub(crate) fn read(&self, from: AbsoluteAddress, into: &mut [u8]) {
        let at = from.get() as usize;
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
        let at = to.get() as usize;
        if !self.0.is_handed_out(at, from.len()) {
            return;
        }
        for (offset, byte) in from.iter().enumerate() {
            // SAFETY: As for reading.
            unsafe { core::ptr::with_exposed_provenance_mut::<u8>(at + offset).write_volatile(*byte) };
        }
    }
}
