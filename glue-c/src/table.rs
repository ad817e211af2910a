// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Translation tables of a domain.

use core::mem::ManuallyDrop;
use core::ops::Deref;

use s390_iommu::{
    AbsoluteAddress, Choice, FrameSizes, Iova, IovaRange, Protection, Refresh, Root, TranslationTable, UnmapError,
    Unmapped, PAGE_SIZE,
};
use static_assertions::const_assert_eq;

use crate::errno;
use crate::function::ForeignFunction;
use crate::kernel::KernelStorage;

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
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignUnmapped {
    /// First byte of what was mapped.
    pub start: u64,
    /// Last byte of it, inclusive; less than `start` where there was none.
    pub last: u64,
    /// How many pages of 4 KiB were mapped in between.
    pub pages: u64,
}

const_assert_eq!(size_of::<ForeignUnmapped>(), 24);

impl ForeignUnmapped {
    /// Nothing was mapped.
    const NOTHING: Self = Self { start: 1, last: 0, pages: 0 };

    /// What an unmap did; the refresh becomes the affair of C.
    #[inline]
    fn of(pages: u64, refresh: Refresh) -> Self {
        let range = refresh.range();
        refresh.forgo(LATER);
        Self { start: range.start().get(), last: range.last().get(), pages }
    }
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

/// A range of pages, as C gives it; nothing where it is none.
#[inline]
pub(crate) fn range(iova: u64, size: u64) -> Option<IovaRange> {
    IovaRange::with_size(Iova::new(iova), size).ok()
}

/// Makes an empty table for a domain of `function`, of which at most `aperture` bytes are used.
///
/// # Safety
///
/// `table` and `function` must be valid; `base` must be what absolute addresses differ from pointers by.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_table_init(
    table: *mut ForeignTable,
    base: u64,
    function: *const ForeignFunction,
    aperture: u64,
    large: bool,
    gfp: u32,
) -> i32 {
    // SAFETY: by the contract `function` is valid.
    let function = unsafe { &*function };
    let Some(Choice { root, .. }) = function.choice(aperture) else {
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

/// Why the refresh after a change is given up here.
const LATER: &str = "the IOMMU core asks for it when it has all parts together";

#[inline]
fn protection(writable: bool) -> Protection {
    if writable {
        Protection::ReadWrite
    } else {
        Protection::ReadOnly
    }
}

/// Maps `size` bytes from `iova` to `origin`: all of it or nothing.
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
    if size == PAGE_SIZE && Iova::new(iova).is_aligned(PAGE_SIZE) {
        // SAFETY: by the contract `table` is valid and stays so.
        let table = unsafe { (*table).borrow(gfp) };
        let mapped = table.map_page(Iova::new(iova), AbsoluteAddress::new(origin), protection(writable));
        if let Some(refresh) = mapped {
            refresh.forgo(LATER);
            return 0;
        }
    }
    // SAFETY: the contract is the same.
    unsafe { map_range(table, iova, origin, size, writable, gfp) }
}

/// Maps what is more than one entry.
///
/// A call of its own, so that the one above needs no room on the stack.
///
/// # Safety
///
/// As for `zpci_rust_map`.
#[inline(never)]
unsafe extern "C" fn map_range(
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
        Ok(refresh) => {
            refresh.forgo(LATER);
            0
        }
        Err(error) => errno::of_map(error),
    }
}

/// Unmaps `size` bytes from `iova`; the number of bytes that are not mapped any more, 0 when it was refused.
///
/// `unmapped` receives what was mapped in the range and is not any more. A frame of 1 MiB that the range only cuts is
/// split into pages first, which is all that allocates here, as `gfp` says.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile; `unmapped` must be valid.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_unmap(
    table: *const ForeignTable,
    iova: u64,
    size: u64,
    unmapped: *mut ForeignUnmapped,
    gfp: u32,
) -> u64 {
    if size == PAGE_SIZE && Iova::new(iova).is_aligned(PAGE_SIZE) {
        // SAFETY: by the contract `table` is valid and stays so.
        let table = unsafe { (*table).borrow(gfp) };
        if let Some(refresh) = table.unmap_page(Iova::new(iova)) {
            // SAFETY: by the contract `unmapped` is valid.
            unsafe { unmapped.write(ForeignUnmapped::of(1, refresh)) };
            return size;
        }
    }
    // SAFETY: the contract is the same.
    unsafe { unmap_range(table, iova, size, unmapped, gfp) }
}

/// Unmaps what is more than one entry.
///
/// A call of its own, so that the one above needs no room on the stack.
///
/// # Safety
///
/// As for `zpci_rust_unmap`.
#[inline(never)]
unsafe extern "C" fn unmap_range(
    table: *const ForeignTable,
    iova: u64,
    size: u64,
    unmapped: *mut ForeignUnmapped,
    gfp: u32,
) -> u64 {
    let mut found = ForeignUnmapped::NOTHING;
    let mut result = 0;
    if let Some(range) = range(iova, size) {
        // SAFETY: by the contract `table` is valid and stays so.
        let table = unsafe { (*table).borrow(gfp) };
        let done = loop {
            match table.unmap(range) {
                Err(UnmapError::PartOfFrame { frame, .. }) if split(&table, frame) => {}
                done => break done,
            }
        };
        if let Ok(Unmapped { pages, refresh }) = done {
            found = refresh.map_or(ForeignUnmapped::NOTHING, |refresh| ForeignUnmapped::of(pages, refresh));
            result = size;
        }
    }
    // SAFETY: by the contract `unmapped` is valid.
    unsafe { unmapped.write(found) };
    result
}

/// Splits `frame` of 1 MiB; whether there was storage for that.
#[cold]
fn split(table: &TranslationTable<KernelStorage>, frame: IovaRange) -> bool {
    match table.split(frame.start()) {
        Ok(Some(refresh)) => {
            refresh.forgo("what is unmapped is refreshed, and the rest leads where it did by either entry");
            true
        }
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Where `iova` leads, to the byte; 0 where nothing is mapped.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_translate(table: *const ForeignTable, iova: u64) -> u64 {
    // SAFETY: by the contract `table` is valid and stays so.
    let pages = unsafe { (*table).borrow(0) };
    match pages.translate_page(Iova::new(iova)) {
        Some(found) => found.map_or(0, |found| found.absolute.get()),
        // SAFETY: the contract is the same.
        None => unsafe { translate_frame(table, iova) },
    }
}

/// Where `iova` leads if there is no page table for it.
///
/// # Safety
///
/// As for `zpci_rust_translate`.
#[cold]
#[inline(never)]
unsafe extern "C" fn translate_frame(table: *const ForeignTable, iova: u64) -> u64 {
    // SAFETY: by the contract `table` is valid and stays so.
    let table = unsafe { (*table).borrow(0) };
    table.translate(Iova::new(iova)).map_or(0, |found| found.absolute.get())
}
