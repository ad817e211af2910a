// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Translation tables of a domain.

use s390_iommu::{
    AbsoluteAddress, AllocationFlags, Change, FrameSize, FrameSizes, Iova, IovaRange, Plan, Protection, ReadSide, Root,
    SplitError, TranslationTable, Unmapped, PAGE_SIZE,
};
use static_assertions::{const_assert, const_assert_eq};

use crate::errno;
use crate::kernel::KernelStorage;
use crate::limits::ForeignLimits;
use crate::range::ForeignRange;

/// C: `struct zpci_rust_table`, which has room for it; opaque.
pub type ForeignTable = TranslationTable<KernelStorage>;

// The C structure has 4 words.
const_assert!(size_of::<ForeignTable>() <= 32);
const_assert!(align_of::<ForeignTable>() <= 8);

/// C: `struct zpci_rust_root`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct ForeignRoot {
    /// Absolute address of the table at the root.
    pub origin: u64,
    /// What it is; to C its designation type.
    pub root: Root,
    /// Whether frames of 1 MiB may be used below it.
    pub large: bool,
    /// Zero.
    pub reserved: [u8; 6],
}

const_assert_eq!(size_of::<ForeignRoot>(), 16);

impl ForeignRoot {
    pub(crate) fn frames(&self) -> FrameSizes {
        frames(self.large)
    }
}

/// C: `struct zpci_rust_unmapped`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct ForeignUnmapped {
    /// From the first page that was mapped to the last.
    pub range: ForeignRange,
    /// How many pages of 4 KiB were mapped.
    pub pages: u64,
}

const_assert_eq!(size_of::<ForeignUnmapped>(), 24);

impl ForeignUnmapped {
    /// Nothing was mapped.
    const NOTHING: Self = Self { range: ForeignRange::EMPTY, pages: 0 };
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
#[inline(always)]
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
    let new = TranslationTable::new_with_flags(root, frames(large), KernelStorage { base }, AllocationFlags(gfp));
    let Some(new) = new else {
        return errno::ENOMEM;
    };
    // SAFETY: by the contract `table` is valid for writes.
    unsafe { table.write(new) };
    0
}

/// Gives back storage of a table until `enough` tables of it are given back, up to 2,048 more; whether nothing is left.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` or this function left it; no function may be registered with it, nobody
/// else use it, and after true nobody use it again.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_table_free(table: *mut ForeignTable, enough: u32) -> bool {
    // SAFETY: by the contract `table` is valid and nobody else uses it; what is left is written back.
    match unsafe { table.read() }.free_some(enough as usize) {
        None => true,
        Some(rest) => {
            // SAFETY: `table` is valid for writes, and its value was taken above.
            unsafe { table.write(rest) };
            false
        }
    }
}

/// Describes the root of a table.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it; `root` must be valid for writes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_table_root(table: *const ForeignTable, root: *mut ForeignRoot) {
    // SAFETY: by the contract `table` is valid.
    let table = unsafe { &*table };
    let large = table.frames() == FrameSizes::WITH_LARGE;
    let found = ForeignRoot { origin: table.origin().get(), root: table.root(), large, reserved: [0; 6] };
    // SAFETY: by the contract `root` is valid for writes.
    unsafe { root.write(found) };
}

/// The last I/O virtual address that the table translates, inclusive.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_table_last(table: *const ForeignTable) -> u64 {
    // SAFETY: by the contract `table` is valid.
    unsafe { &*table }.span().last().get()
}

#[inline]
fn protection(writable: bool) -> Protection {
    if writable {
        Protection::ReadWrite
    } else {
        Protection::ReadOnly
    }
}

/// Maps the page at `iova` to `origin` if that takes one store; the change is C's to issue, as after `zpci_rust_map`.
///
/// Devices may only read it if `origin` has [`READ_ONLY`] too. 1; 0 if it takes more: nothing changed then, and `zpci_rust_map`
/// does it or says what is wrong.
///
/// # Safety
///
/// As for `zpci_rust_map`.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_map_page(table: *const ForeignTable, iova: u64, origin: u64) -> u64 {
    let (storage, protection) = (AbsoluteAddress::new(origin & !READ_ONLY), protection(origin & READ_ONLY == 0));
    // SAFETY: by the contract `table` is valid and stays so.
    match unsafe { &*table }.map_page_at_once(Iova::new(iova), storage, protection) {
        Some(change) => {
            // C has the page: it is what it asked for.
            let _ = change.defer();
            1
        }
        None => 0,
    }
}

/// C: `ZPCI_RUST_READ_ONLY`. Where an entry has it as well, so that nothing is to be moved.
pub const READ_ONLY: u64 = 0x200;

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
    let table = unsafe { &*table }.with_flags(AllocationFlags(gfp));
    match table.map(range, AbsoluteAddress::new(origin), protection(writable)) {
        Ok(change) => {
            // C has the range: it is what it asked for.
            let _ = change.defer();
            0
        }
        Err(error) => errno::of_map(error),
    }
}

/// Unmaps the page at `iova` if that takes one store; the change is C's to issue, as after `zpci_rust_unmap`.
///
/// 1; 0 if it takes more: nothing changed then, and `zpci_rust_unmap` does it or says what is wrong.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_unmap_page(table: *const ForeignTable, iova: u64) -> u64 {
    // SAFETY: by the contract `table` is valid and stays so.
    match unsafe { &*table }.unmap_page_at_once(Iova::new(iova)) {
        Some(change) => {
            // C has the page: it is what it asked for.
            let _ = change.defer();
            1
        }
        None => 0,
    }
}

/// Unmaps `size` bytes from `iova`; -ENOENT if some page of them was not mapped, -EINVAL if it was refused.
///
/// `unmapped` receives what was mapped in the range and is not any more, for `zpci_rust_unmapped`; that is nothing if it
/// was refused, and the rest of the range after -ENOENT. A range that cuts a frame of 1 MiB is refused:
/// `zpci_rust_split` makes pages of such frames. Nothing is allocated.
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
) -> i32 {
    // SAFETY: by the contract `table` is valid and stays so, and `unmapped` is valid for writes.
    let (table, unmapped) = unsafe { (&*table, &mut *unmapped) };
    if let Some(range) = range(iova, size) {
        if let Ok(Unmapped { pages, change }) = table.unmap(range) {
            *unmapped = ForeignUnmapped { range: ForeignRange::of_any(change.defer()), pages };
            return if pages == size / PAGE_SIZE { 0 } else { errno::ENOENT };
        }
    }
    *unmapped = ForeignUnmapped::NOTHING;
    errno::EINVAL
}

/// Makes pages of the frames of 1 MiB that the ends of the range cut, allocating as `gfp` says.
///
/// `split` receives what these frames cover, which has to be refreshed at once: before anything of the range is unmapped,
/// and also if -ENOMEM is the result since there was storage for one of two alone. -EINVAL if this is no range of pages.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile; `split` must be valid for writes. The
/// range must belong to the caller.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_split(
    table: *const ForeignTable,
    iova: u64,
    size: u64,
    split: *mut ForeignRange,
    gfp: u32,
) -> i32 {
    let mut changed = Change::NONE;
    let result = match range(iova, size) {
        // SAFETY: by the contract `table` is valid and stays so.
        Some(range) => match split_ends(unsafe { &*table }, range, AllocationFlags(gfp), &mut changed) {
            Ok(()) => 0,
            Err(_) => errno::ENOMEM,
        },
        None => errno::EINVAL,
    };
    // SAFETY: by the contract `split` is valid for writes.
    unsafe { split.write(ForeignRange::of_any(changed.defer())) };
    result
}

/// Splits the frames that hold the ends of `range`, unless `range` covers all of them; `changed` receives what changed.
fn split_ends(
    table: &ForeignTable,
    range: IovaRange,
    flags: AllocationFlags,
    changed: &mut Change,
) -> Result<(), SplitError> {
    let inside = |iova: u64| !iova.is_multiple_of(FrameSize::Size1M.bytes());
    let ends = [(range.start(), range.start().get()), (range.last(), range.last().get().wrapping_add(1))];
    for (end, boundary) in ends {
        if inside(boundary) {
            let split = table.with_flags(flags).split(end)?;
            *changed = core::mem::replace(changed, Change::NONE).merge(split);
        }
    }
    Ok(())
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
    let table = unsafe { &*table };
    // SAFETY: C frees tables after a grace period alone, which does not end before the caller's section does.
    let section = unsafe { ReadSide::new() };
    match table.reader(&section).translate_page(Iova::new(iova)) {
        Some(found) => found.map_or(0, |found| found.absolute.get()),
        None => translate_frame(table, iova),
    }
}

/// Where `iova` leads if there is no page table for it; 0 if nowhere.
#[cold]
#[inline(never)]
fn translate_frame(table: &ForeignTable, iova: u64) -> u64 {
    // SAFETY: the caller has one.
    let section = unsafe { ReadSide::new() };
    let found = table.reader(&section).translate(Iova::new(iova));
    found.map_or(0, |found| found.absolute.get())
}
