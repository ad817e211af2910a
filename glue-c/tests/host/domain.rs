// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A domain of the shim, and what becomes of it when there is no storage or no root that reaches.

use core::marker::PhantomData;

use zpci_glue::function::ForeignFunction;

use crate::binding::*;
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
    pub(crate) fn new(_: &'k StandIn, function: &ForeignFunction, aperture: u64, large: bool) -> Result<Self, i32> {
        let mut rc = 1;
        // SAFETY: both are valid.
        let domain = unsafe { shim_domain_new(function, aperture, large, &mut rc) };
        assert_eq!(domain.is_null(), rc != 0);
        if domain.is_null() {
            Err(rc)
        } else {
            Ok(Self(domain, PhantomData))
        }
    }

    /// What the registration of the domain has to name, for a root of that designation type.
    pub(crate) fn iota(&self, designation_type: u64) -> u64 {
        // SAFETY: the domain is valid.
        let origin = unsafe { shim_domain_origin(self.0) };
        assert_eq!(origin % 0x4000, 0);
        origin | 0x800 | designation_type << 2
    }

    pub(crate) fn last(&self) -> u64 {
        // SAFETY: the domain is valid.
        unsafe { shim_domain_last(self.0) }
    }

    /// Attaches `function`; the error number, and the answer of the registration (0xa5 where there was none).
    pub(crate) fn attach(&self, function: &ForeignFunction, aperture: u64) -> (i32, [u8; 2]) {
        let mut answer = [0xa5; 2];
        // SAFETY: the domain, the function and the answer are valid; the C side copies what it keeps.
        let rc = unsafe { shim_attach(self.0, function, aperture, answer.as_mut_ptr()) };
        (rc, answer)
    }

    pub(crate) fn detach(&self, function: &ForeignFunction) -> i32 {
        // SAFETY: the domain is valid.
        unsafe { shim_detach(self.0, function.handle, function.gisa) }
    }

    pub(crate) fn map(&self, iova: u64, origin: u64, size: u64, writable: bool) -> i32 {
        // SAFETY: the domain is valid; nobody does DMA.
        unsafe { shim_map(self.0, iova, origin, size, writable) }
    }

    /// Tells the functions of a mapping; the error number, and how many functions were refreshed all over.
    pub(crate) fn sync_map(&self, iova: u64, size: u64) -> (i32, u32) {
        let mut everything = 0xa5;
        // SAFETY: the domain and the number are valid.
        let rc = unsafe { shim_sync_map(self.0, iova, size, &mut everything) };
        (rc, everything)
    }

    pub(crate) fn unmap(&self, iova: u64, size: u64) -> Unmapped {
        let mut changed = [0xa5; 2];
        let mut pages = 0xa5;
        // SAFETY: the domain and both places are valid.
        let size = unsafe { shim_unmap(self.0, iova, size, changed.as_mut_ptr(), &mut pages) };
        Unmapped { size, changed, pages }
    }

    /// Tells the functions of an unmap and reclaims empty tables; whether some wait for a grace period.
    pub(crate) fn sync(&self, start: u64, last: u64) -> bool {
        // SAFETY: the domain is valid, and nobody else uses it.
        unsafe { shim_sync(self.0, start, last) }
    }

    pub(crate) fn grace_period(&self) {
        // SAFETY: the domain is valid, and nobody walks its tables.
        unsafe { shim_grace_period(self.0) }
    }

    pub(crate) fn translate(&self, iova: u64) -> u64 {
        // SAFETY: the domain is valid.
        unsafe { shim_translate(self.0, iova) }
    }
}

impl Drop for Domain<'_> {
    fn drop(&mut self) {
        // SAFETY: this is the last use of the domain; no machine walks its tables.
        unsafe { shim_domain_free(self.0) }
    }
}

#[test]
fn the_root_is_the_shallowest_that_reaches() {
    let kernel = StandIn::new();
    for (aperture, last) in
        [(GIB, 0x3ff_ffff_ffff), (1 << 43, 0x1f_ffff_ffff_ffff), (1 << 54, u64::MAX), (u64::MAX, u64::MAX)]
    {
        let domain = Domain::new(&kernel, &HARDWARE, aperture, false).unwrap();
        assert_eq!(domain.last(), last, "{aperture:#x}");
        assert_eq!(kernel.tables(), (1, 0));
        assert_eq!(kernel.gfp(), 0x11);
    }
    let domain = Domain::new(&kernel, &QEMU, u64::MAX, false).unwrap();
    assert_eq!(domain.last(), 0x3ff_ffff_ffff);
}

#[test]
fn no_domain_without_a_page_a_root_that_reaches_or_storage() {
    let kernel = StandIn::new();
    let high = ForeignFunction { start_dma: 1 << 42, ..QEMU };
    let empty = ForeignFunction { start_dma: 0x1001, end_dma: 0x1ffe, ..QEMU };
    let backwards = ForeignFunction { start_dma: 0x2000, end_dma: 0xfff, ..QEMU };
    for (function, aperture) in [(QEMU, 0), (QEMU, 0xfff), (high, GIB), (empty, GIB), (backwards, GIB)] {
        assert_eq!(Domain::new(&kernel, &function, aperture, false).err(), Some(-22));
    }
    kernel.fail_allocation(1);
    assert_eq!(Domain::new(&kernel, &QEMU, GIB, false).err(), Some(-12));
}
