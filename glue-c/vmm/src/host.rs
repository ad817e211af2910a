// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The VMM's side of a refresh: guest storage, and what is mapped on the host.

use core::ffi::c_void;
use core::fmt;

use s390_iommu::guest::{Exhausted, GuestMemory, Mapped, Mappings, RefreshNumber, Run};
use s390_iommu::{AbsoluteAddress, Iova, IovaRange, Protection};

/// Pages with addresses in a row that lead to guest storage in a row.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ForeignMapping {
    /// First I/O virtual address, of a page.
    pub first: u64,
    /// Last I/O virtual address, inclusive, of a page.
    pub last: u64,
    /// Where the first leads in guest storage.
    pub absolute: u64,
    /// Which refresh made it: kept with the mapping; mappings with different numbers are not joined.
    pub refresh: u64,
    /// Whether the device may read alone.
    pub read_only: bool,
}

/// What the VMM does for a refresh; all functions are called with `opaque`, from within `zpci_rpcit_proceed()`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ForeignHost {
    /// The VMM's own.
    pub opaque: *mut c_void,
    /// Loads the big-endian doubleword at an absolute address of the guest, at once, into `value` in the byte order of the
    /// host; false if the guest has no storage there.
    pub read_entry: Option<unsafe extern "C" fn(opaque: *mut c_void, address: u64, value: *mut u64) -> bool>,
    /// Finds the mapping with the lowest address that has a page from `first` to `last`, inclusive; false if there is none.
    pub first_in:
        Option<unsafe extern "C" fn(opaque: *mut c_void, first: u64, last: u64, found: *mut ForeignMapping) -> bool>,
    /// Maps, all of it or nothing; false if the host can map no more. What is no storage of the guest stays unmapped.
    pub map: Option<unsafe extern "C" fn(opaque: *mut c_void, mapping: *const ForeignMapping) -> bool>,
    /// Unmaps whatever is mapped from `first` to `last`, inclusive.
    pub unmap: Option<unsafe extern "C" fn(opaque: *mut c_void, first: u64, last: u64)>,
}

impl fmt::Debug for ForeignHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignHost").finish_non_exhaustive()
    }
}

/// The functions of a [`ForeignHost`], all there.
pub(crate) struct Calls {
    opaque: *mut c_void,
    read_entry: unsafe extern "C" fn(*mut c_void, u64, *mut u64) -> bool,
    first_in: unsafe extern "C" fn(*mut c_void, u64, u64, *mut ForeignMapping) -> bool,
    map: unsafe extern "C" fn(*mut c_void, *const ForeignMapping) -> bool,
    unmap: unsafe extern "C" fn(*mut c_void, u64, u64),
}

impl Calls {
    /// The functions, `None` if one is missing.
    ///
    /// # Safety
    ///
    /// The functions must do as [`ForeignHost`] says, with its `opaque`, as long as the result is used.
    pub(crate) const unsafe fn new(host: &ForeignHost) -> Option<Self> {
        match (host.read_entry, host.first_in, host.map, host.unmap) {
            (Some(read_entry), Some(first_in), Some(map), Some(unmap)) => {
                Some(Self { opaque: host.opaque, read_entry, first_in, map, unmap })
            }
            _ => None,
        }
    }
}

/// Guest storage alone, to be read while the mappings change.
pub(crate) struct Storage<'a>(pub(crate) &'a Calls);

impl GuestMemory for Storage<'_> {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let mut value = 0;
        // SAFETY: by the contract of `Calls::new`; the place for the value is ours.
        unsafe { (self.0.read_entry)(self.0.opaque, address.get(), &mut value) }.then_some(value)
    }
}

/// The mappings.
pub(crate) struct Books<'a>(pub(crate) &'a Calls);

impl Mappings for Books<'_> {
    fn first_in(&self, range: IovaRange) -> Option<Mapped> {
        let mut found = ForeignMapping::default();
        let (first, last) = (range.start().get(), range.last().get());
        // SAFETY: by the contract of `Calls::new`; the place for the mapping is ours.
        if !unsafe { (self.0.first_in)(self.0.opaque, first, last, &mut found) } {
            return None;
        }
        let (first, last) = (Iova::new(found.first), Iova::new(found.last));
        // One that consists of no whole pages was not mapped so; what it touches may be, and must not be taken for unmapped.
        let range = IovaRange::new(first, last).unwrap_or_else(|_| {
            debug_assert!(false, "a mapping that does not consist of pages: {first} to {last}");
            IovaRange::page(first).hull(IovaRange::page(last))
        });
        let protection = if found.read_only { Protection::ReadOnly } else { Protection::ReadWrite };
        let run = Run { range, absolute: AbsoluteAddress::new(found.absolute), protection };
        Some(Mapped { run, refresh: RefreshNumber(found.refresh) })
    }

    fn map(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
        let mapping = ForeignMapping {
            first: run.range.start().get(),
            last: run.range.last().get(),
            absolute: run.absolute.get(),
            refresh: refresh.0,
            read_only: run.protection == Protection::ReadOnly,
        };
        // SAFETY: by the contract of `Calls::new`; the mapping is there for the call.
        unsafe { (self.0.map)(self.0.opaque, &mapping) }.then_some(()).ok_or(Exhausted)
    }

    fn unmap(&mut self, range: IovaRange) {
        // SAFETY: by the contract of `Calls::new`.
        unsafe { (self.0.unmap)(self.0.opaque, range.start().get(), range.last().get()) }
    }
}
