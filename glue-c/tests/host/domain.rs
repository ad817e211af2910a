// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A domain of the shim, and what becomes of it when there is no storage or no root that reaches.

use core::marker::PhantomData;

use zpci_glue::function::ForeignFunction;
use zpci_glue::range::ForeignRange;

use crate::binding::*;
use crate::function::Function;
use crate::sample::{GIB, HARDWARE, QEMU};
use crate::stand_in::StandIn;

/// A domain; given back when dropped, which is before the kernel ends.
pub(crate) struct Domain<'k>(*mut ForeignDomain, PhantomData<&'k StandIn>);

/// What an unmap did: the bytes that are not mapped any more, first and last byte changed, pages that were mapped.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Unmapped {
    pub(crate) size: u64,
    pub(crate) changed: [u64; 2],
    pub(crate) pages: u64,
}

impl Unmapped {
    /// Nothing changed.
    pub(crate) const NONE: [u64; 2] = [1, 0];
}

impl<'k> Domain<'k> {
    /// A domain for `function`, or the error number.
    pub(crate) fn new(_: &'k StandIn, function: &Function<'k>) -> Result<Self, i32> {
        let mut rc = 1;
        // SAFETY: both are valid.
        let domain = unsafe { shim_domain_new(function.pointer(), &mut rc) };
        assert_eq!(domain.is_null(), rc != 0);
        if domain.is_null() {
            Err(rc)
        } else {
            Ok(Self(domain, PhantomData))
        }
    }

    /// Gives it up, without a grace period.
    pub(crate) fn free(self) {
        // SAFETY: this is the last use of the domain by its owner.
        unsafe { shim_domain_free(self.0) };
        core::mem::forget(self);
    }

    pub(crate) const fn pointer(&self) -> *mut ForeignDomain {
        self.0
    }

    /// Absolute address of the root.
    pub(crate) fn origin(&self) -> u64 {
        // SAFETY: the domain is valid.
        unsafe { shim_domain_origin(self.0) }
    }

    /// Designation type of the root.
    pub(crate) fn designation_type(&self) -> u8 {
        // SAFETY: the domain is valid.
        unsafe { shim_domain_designation_type(self.0) }
    }

    /// What the registration of the domain has to name, for a root of that designation type.
    pub(crate) fn iota(&self, designation_type: u64) -> u64 {
        let origin = self.origin();
        assert_eq!(origin % 0x4000, 0);
        origin | 0x800 | designation_type << 2
    }

    fn last(&self) -> u64 {
        // SAFETY: the domain is valid.
        unsafe { shim_domain_last(self.0) }
    }

    /// Whether tables are kept that a function may still see.
    pub(crate) fn keeps(&self) -> bool {
        // SAFETY: the domain is valid.
        unsafe { shim_domain_keeps(self.0) }
    }

    /// How many functions user space is told of.
    pub(crate) fn members(&self) -> u32 {
        // SAFETY: the domain is valid.
        unsafe { shim_domain_members(self.0) }
    }

    pub(crate) fn map(&self, iova: u64, origin: u64, size: u64, writable: bool) -> i32 {
        // SAFETY: the domain is valid; nobody does DMA.
        unsafe { shim_map(self.0, iova, origin, size, writable) }
    }

    /// Maps a BAR; the error number.
    pub(crate) fn map_io(&self, iova: u64, origin: u64, size: u64) -> i32 {
        // SAFETY: as for `map`.
        unsafe { shim_map_io(self.0, iova, origin, size) }
    }

    /// Tells the functions of a mapping; the error number, and what was counted as refreshes of everything.
    pub(crate) fn sync_map(&self, iova: u64, size: u64) -> (i32, u32) {
        let mut everything = 0xa5;
        // SAFETY: the domain and the number are valid.
        let rc = unsafe { shim_sync_map(self.0, iova, size, &mut everything) };
        (rc, everything)
    }

    pub(crate) fn unmap(&self, iova: u64, size: u64) -> Unmapped {
        let mut changed = ForeignRange { start: 0xa5, last: 0xa5 };
        let mut pages = 0xa5;
        // SAFETY: the domain and both places are valid.
        let size = unsafe { shim_unmap(self.0, iova, size, &mut changed, &mut pages) };
        Unmapped { size, changed: [changed.start, changed.last], pages }
    }

    /// Tells the functions of an unmap, and reclaims empty tables.
    pub(crate) fn sync(&self, start: u64, last: u64) {
        // SAFETY: the domain is valid, and nobody else uses it.
        unsafe { shim_sync(self.0, start, last) }
    }

    /// Unmaps, and syncs the whole range if anything was mapped in it; the bytes that are not mapped any more.
    pub(crate) fn unmap_and_sync(&self, iova: u64, size: u64) -> u64 {
        // SAFETY: the domain is valid, and nobody else uses it.
        unsafe { shim_unmap_and_sync(self.0, iova, size) }
    }

    /// Makes it one for drivers of devices.
    pub(crate) fn for_dma_api(&self) {
        // SAFETY: the domain is valid, and nobody else uses it.
        unsafe { shim_domain_of_dma_api(self.0) }
    }

    /// Unmaps as with a flush queue, which refreshes everything later; the bytes that are not mapped any more.
    pub(crate) fn unmap_queued(&self, iova: u64, size: u64) -> u64 {
        // SAFETY: the domain is valid, and nobody else uses it.
        unsafe { shim_unmap_queued(self.0, iova, size) }
    }

    /// Unmaps and syncs as the core of the kernel does; the bytes that are not mapped any more.
    pub(crate) fn unmap_by_core(&self, iova: u64, size: u64) -> u64 {
        // SAFETY: the domain is valid, and nobody else uses it.
        unsafe { shim_unmap_by_core(self.0, iova, size) }
    }

    /// Unmaps two ranges of `size` bytes, and syncs once; refreshes of functions so far.
    pub(crate) fn unmap_twice(&self, first: u64, second: u64, size: u64) -> u32 {
        // SAFETY: the domain is valid, and nobody else uses it.
        unsafe { shim_unmap_twice(self.0, first, second, size) }
    }

    /// What the statistics of the function say: global refreshes, refreshes after a map, and after an unmap.
    pub(crate) fn counters(&self) -> [u64; 3] {
        let [mut global, mut sync_map, mut sync] = [0xa5; 3];
        // SAFETY: the domain and the numbers are valid.
        unsafe { shim_domain_counters(self.0, &mut global, &mut sync_map, &mut sync) };
        [global, sync_map, sync]
    }

    pub(crate) fn flush_all(&self) {
        // SAFETY: the domain is valid.
        unsafe { shim_flush_all(self.0) }
    }

    pub(crate) fn translate(&self, iova: u64) -> u64 {
        // SAFETY: the domain is valid.
        unsafe { shim_translate(self.0, iova) }
    }
}

/// A function, and a domain for it; `large`: with frames of 1 MiB.
pub(crate) fn pair<'k>(
    kernel: &'k StandIn,
    from: &ForeignFunction,
    aperture_bytes: u64,
    large: bool,
) -> (Function<'k>, Domain<'k>) {
    kernel.settings(aperture_bytes, large);
    let function = Function::new(kernel, from);
    let domain = Domain::new(kernel, &function).expect("a domain");
    (function, domain)
}

impl Drop for Domain<'_> {
    fn drop(&mut self) {
        // SAFETY: this is the last use of the domain by its owner, and nobody walks its tables. Functions that are
        // attached keep it.
        unsafe {
            shim_domain_free(self.0);
            shim_grace_period();
        }
    }
}

/// The VMM of a guest may leave what was unmapped by one entry mapped on its host, so that has to be insisted on.
#[test]
fn frames_of_1_mib_in_a_guest_have_to_be_insisted_on() {
    let kernel = StandIn::new();
    for (text, guest, large) in [
        (c"0", false, false),
        (c"1", false, true),
        (c"x", false, false),
        (c"force", false, true),
        (c"0", true, false),
        (c"force", true, true),
    ] {
        assert_eq!(kernel.large_frames(text, guest), large, "{text:?}");
    }
    assert_eq!(kernel.log(), "");
    assert!(!kernel.large_frames(c"1", true));
    assert!(kernel.log().starts_with("s390_iommu_large_frames=1 is ignored in a guest"), "{}", kernel.log());
}

#[test]
fn the_root_is_the_shallowest_that_reaches() {
    let kernel = StandIn::new();
    let (hardware, qemu) = (Function::new(&kernel, &HARDWARE), Function::new(&kernel, &QEMU));
    for (aperture_bytes, last) in
        [(GIB, 0x3ff_ffff_ffff), (1 << 43, 0x1f_ffff_ffff_ffff), (1 << 54, u64::MAX), (u64::MAX, u64::MAX)]
    {
        kernel.settings(aperture_bytes, false);
        let domain = Domain::new(&kernel, &hardware).unwrap();
        assert_eq!(domain.last(), last, "{aperture_bytes:#x}");
        assert_eq!(kernel.tables(), (1, 0));
        assert_eq!(kernel.gfp(), 0x11);
    }
    let domain = Domain::new(&kernel, &qemu).unwrap();
    assert_eq!(domain.last(), 0x3ff_ffff_ffff);
}

#[test]
fn no_domain_without_a_page_a_root_that_reaches_or_storage() {
    let kernel = StandIn::new();
    let high = ForeignFunction { start_dma: 1 << 42, ..QEMU };
    let empty = ForeignFunction { start_dma: 0x1001, end_dma: 0x1ffe, ..QEMU };
    let backwards = ForeignFunction { start_dma: 0x2000, end_dma: 0xfff, ..QEMU };
    for (from, aperture_bytes) in [(QEMU, 0), (QEMU, 0xfff), (high, GIB), (empty, GIB), (backwards, GIB)] {
        kernel.settings(aperture_bytes, false);
        let function = Function::new(&kernel, &from);
        assert_eq!(Domain::new(&kernel, &function).err(), Some(-22));
    }
    kernel.settings(GIB, false);
    let function = Function::new(&kernel, &QEMU);
    kernel.fail_allocation(1);
    assert_eq!(Domain::new(&kernel, &function).err(), Some(-12));
    kernel.fail_allocation(0);
    assert_eq!(kernel.without_memory(|| Domain::new(&kernel, &function).err()), Some(-12));
    assert_eq!(kernel.tables(), (0, 0));
}

#[test]
fn a_domain_that_functions_use_goes_with_the_last_of_them() {
    let kernel = StandIn::new();
    let (first, second) = (Function::new(&kernel, &HARDWARE), Function::new(&kernel, &QEMU));
    kernel.settings(GIB, false);
    let domain = Domain::new(&kernel, &first).unwrap();
    assert_eq!(domain.map(0x1_0000_0000, 0x5_0000, 0x1000, true), 0);
    assert_eq!((first.attach(&domain), second.attach(&domain)), (0, 0));
    drop(domain);
    first.detach();
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 1));
    second.detach();
    assert_eq!(kernel.tables(), (2, 1), "a walk may be on the way");
    kernel.grace_period();
    assert_eq!(kernel.tables(), (0, 0));
}
