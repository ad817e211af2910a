// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Translation tables of a domain.

use core::mem::ManuallyDrop;
use core::ops::Deref;

use s390_iommu::{
    AbsoluteAddress, Change, FrameSizes, Iova, IovaRange, Plan, Protection, ReadSide, Root, TranslationTable,
    UnmapError, Unmapped,
};
use static_assertions::const_assert_eq;

use crate::errno;
use crate::kernel::KernelStorage;
use crate::limits::ForeignLimits;
use crate::range::ForeignRange;

/// C: `struct zpci_rust_table`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignTable {
    /// Absolute address of the root.
    pub origin: u64,
    /// What an absolute address differs from a pointer by.
    pub base: u64,
    /// The table at the root; to C its designation type.
    pub root: Root,
    /// Whether frames of 1 MiB may be used.
    pub large: bool,
    /// Zero.
    pub reserved: [u8; 6],
}

const_assert_eq!(size_of::<ForeignTable>(), 24);

/// C: `struct zpci_rust_unmapped`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct ForeignUnmapped {
    /// From the first page that was mapped to the last.
    pub range: ForeignRange,
    /// Frames of 1 MiB that were split for it, and lie partly outside of what was unmapped.
    pub split: ForeignRange,
    /// How many pages of 4 KiB were mapped.
    pub pages: u64,
}

const_assert_eq!(size_of::<ForeignUnmapped>(), 40);

impl ForeignUnmapped {
    /// Nothing was mapped.
    const NOTHING: Self = Self { range: ForeignRange::EMPTY, split: ForeignRange::EMPTY, pages: 0 };
}

/// A table that belongs to C and is used for one call.
pub(crate) struct Borrowed(ManuallyDrop<TranslationTable<KernelStorage>>);

impl Deref for Borrowed {
    type Target = TranslationTable<KernelStorage>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl ForeignTable {
    /// The table, for one call.
    ///
    /// # Safety
    ///
    /// `self` must be as `zpci_rust_table_init` left it, and the table must not be freed during the call.
    #[inline]
    pub(crate) unsafe fn borrow(&self, gfp: u32) -> Borrowed {
        // SAFETY: the table came from `into_raw` with this root and storage; nobody drops it during the call.
        Borrowed(ManuallyDrop::new(unsafe { self.take(gfp) }))
    }

    /// The table, for good.
    ///
    /// # Safety
    ///
    /// As for `borrow`; if the result is dropped, nobody may use the table again.
    #[inline]
    unsafe fn take(&self, gfp: u32) -> TranslationTable<KernelStorage> {
        let storage = KernelStorage { base: self.base, gfp };
        let origin = AbsoluteAddress::new(self.origin);
        // SAFETY: by the contract the table came from `into_raw` with this root; all storage of C is one.
        unsafe { TranslationTable::from_raw(self.root(), self.frames(), origin, storage) }
    }

    pub(crate) fn root(&self) -> Root {
        self.root
    }

    pub(crate) fn frames(&self) -> FrameSizes {
        frames(self.large)
    }
}

/// The sizes of frames, with or without 1 MiB.
#[inline]
fn frames(large: bool) -> FrameSizes {
    if large {
        FrameSizes::WITH_LARGE
    } else {
        FrameSizes::SMALL
    }
}

/// A range of pages, as C gives it; `None` if it is none.
#[inline]
fn range(iova: u64, size: u64) -> Option<IovaRange> {
    IovaRange::with_size(Iova::new(iova), size).ok()
}

/// Makes an empty table for a domain of a function with `limits`, of whose window at most `aperture_bytes` are used.
///
/// # Safety
///
/// `table` must be valid for writes and `limits` be valid; `base` must be what absolute addresses differ from pointers by.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_table_init(
    table: *mut ForeignTable,
    base: u64,
    limits: *const ForeignLimits,
    aperture_bytes: u64,
    large: bool,
    gfp: u32,
) -> i32 {
    // SAFETY: by the contract `limits` is valid.
    let Some(Plan { root, .. }) = (unsafe { &*limits }).plan(aperture_bytes) else {
        return errno::EINVAL;
    };
    let Some(new) = TranslationTable::new(root, frames(large), KernelStorage { base, gfp }) else {
        return errno::ENOMEM;
    };
    let new = ForeignTable { origin: new.into_raw().get(), base, root, large, reserved: [0; 6] };
    // SAFETY: by the contract `table` is valid.
    unsafe { table.write(new) };
    0
}

/// Gives back all storage of a table.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it; no function may be registered with it, and it must not be used
/// again.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_table_free(table: *const ForeignTable) {
    // SAFETY: by the contract `table` is valid and this is its last use.
    drop(unsafe { (*table).take(0) });
}

/// The last I/O virtual address that the table translates, inclusive.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_table_last(table: *const ForeignTable) -> u64 {
    // SAFETY: by the contract `table` is valid.
    unsafe { &*table }.root.last().get()
}

#[inline]
fn protection(writable: bool) -> Protection {
    if writable {
        Protection::ReadWrite
    } else {
        Protection::ReadOnly
    }
}

/// Maps `size` bytes from `iova` to `origin`: all of it or nothing. The change is C's to issue, by `zpci_rust_mapped`.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile. Devices may use the storage as long
/// as it is mapped.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_map(
    table: *const ForeignTable,
    iova: u64,
    origin: u64,
    size: u64,
    writable: bool,
    gfp: u32,
) -> i32 {
    let Some(range) = range(iova, size) else {
        return errno::EINVAL;
    };
    // SAFETY: by the contract `table` is valid and stays so.
    let table = unsafe { (*table).borrow(gfp) };
    match table.map(range, AbsoluteAddress::new(origin), protection(writable)) {
        Ok(change) => {
            // C has the range: it is what it asked for.
            let _ = change.defer();
            0
        }
        Err(error) => errno::of_map(error),
    }
}

/// Unmaps `size` bytes from `iova`; the number of bytes that are not mapped any more, 0 if it was refused.
///
/// `unmapped` receives what was mapped in the range and is not any more, for `zpci_rust_unmapped`. A frame of 1 MiB that
/// the range only cuts is split into pages first, which is all that allocates here, as `gfp` says: what such frames
/// covered has to be refreshed at once, before anything that was unmapped is used for something else.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile; `unmapped` must be valid for writes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_unmap(
    table: *const ForeignTable,
    iova: u64,
    size: u64,
    unmapped: *mut ForeignUnmapped,
    gfp: u32,
) -> u64 {
    let Some(range) = range(iova, size) else {
        // SAFETY: by the contract `unmapped` is valid for writes.
        unsafe { unmapped.write(ForeignUnmapped::NOTHING) };
        return 0;
    };
    // SAFETY: by the contract `table` is valid and stays so.
    let table = unsafe { (*table).borrow(gfp) };
    match table.unmap(range) {
        Ok(done) => {
            // SAFETY: by the contract `unmapped` is valid for writes.
            unsafe { unmapped.write(foreign(done)) };
            size
        }
        Err(error) => {
            let (done, found) = split_and_unmap(&table, range, error);
            // SAFETY: by the contract `unmapped` is valid for writes.
            unsafe { unmapped.write(found) };
            if done {
                size
            } else {
                0
            }
        }
    }
}

/// What an unmap did, for C to issue.
#[inline]
fn foreign(Unmapped { pages, change }: Unmapped) -> ForeignUnmapped {
    ForeignUnmapped { range: ForeignRange::of_any(change.defer()), split: ForeignRange::EMPTY, pages }
}

/// Splits the frames of 1 MiB that `range` cuts, and unmaps it; whether that was done, and what changed in any case.
#[cold]
#[inline(never)]
fn split_and_unmap(
    table: &TranslationTable<KernelStorage>,
    range: IovaRange,
    mut error: UnmapError,
) -> (bool, ForeignUnmapped) {
    let mut split = Change::NONE;
    let (done, unmapped) = loop {
        let UnmapError::PartOfFrame { frame, .. } = error else { break (false, ForeignUnmapped::NOTHING) };
        match table.split(frame.start()) {
            Ok(change) => split = split.merge(change),
            Err(_) => break (false, ForeignUnmapped::NOTHING),
        }
        match table.unmap(range) {
            Ok(done) => break (true, foreign(done)),
            Err(next) => error = next,
        }
    };
    (done, ForeignUnmapped { split: ForeignRange::of_any(split.defer()), ..unmapped })
}

/// Where `iova` leads, to the byte; 0 if nothing is mapped.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile. The caller is in an RCU read-side
/// section, or owns the address.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_translate(table: *const ForeignTable, iova: u64) -> u64 {
    // SAFETY: by the contract `table` is valid and stays so.
    let table = unsafe { (*table).borrow(0) };
    // SAFETY: C frees tables after a grace period alone, which does not end before the caller's section does.
    let section = unsafe { ReadSide::new() };
    let found = table.reader(&section).translate(Iova::new(iova));
    found.map_or(0, |found| found.absolute.get())
}
