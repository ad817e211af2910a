// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function that the kernel has found.

use core::marker::PhantomData;

use zpci_glue::function::ForeignFunction;
use zpci_glue::range::ForeignRange;

use crate::binding::*;
use crate::domain::Domain;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::StandIn;

/// A function; removed when dropped, which is before the kernel ends.
pub(crate) struct Function<'k>(*mut KernelFunction, PhantomData<&'k StandIn>);

impl<'k> Function<'k> {
    pub(crate) fn new(_: &'k StandIn, from: &ForeignFunction) -> Self {
        // SAFETY: C copies what it keeps.
        Self(unsafe { shim_function_new(from) }, PhantomData)
    }

    pub(crate) const fn pointer(&self) -> *mut KernelFunction {
        self.0
    }

    /// Attaches the function to `domain`; the error number.
    pub(crate) fn attach(&self, domain: &Domain<'k>) -> i32 {
        // SAFETY: both are valid.
        unsafe { shim_attach(domain.pointer(), self.0) }
    }

    /// Attaches the function without translation; the error number.
    pub(crate) fn attach_identity(&self) -> i32 {
        // SAFETY: the function is valid; there is no domain.
        unsafe { shim_attach(core::ptr::null_mut(), self.0) }
    }

    /// Blocks DMA, which does not fail.
    pub(crate) fn detach(&self) {
        assert_eq!(self.claim(), 0);
    }

    /// The same for a user or a reset; the error number.
    pub(crate) fn claim(&self) -> i32 {
        // SAFETY: the function is valid.
        unsafe { shim_detach(self.0) }
    }

    /// The same since the function goes; the error number.
    pub(crate) fn release(&self) -> i32 {
        // SAFETY: the function is valid.
        unsafe { shim_release(self.0) }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        // SAFETY: the function is valid.
        unsafe { shim_function_blocked(self.0) }
    }

    /// Gives the function another handle, as CLP does.
    pub(crate) fn set_handle(&self, handle: u32) {
        // SAFETY: the function is valid.
        unsafe { shim_function_handle(self.0, handle) }
    }

    /// Tells the shim that the function was disabled.
    pub(crate) fn disabled(&self) {
        // SAFETY: the function is valid.
        unsafe { shim_function_disabled(self.0) }
    }

    /// Whether somebody waits to disable the function.
    pub(crate) fn wanted(&self, wanted: bool) {
        // SAFETY: the function is valid.
        unsafe { shim_function_wanted(self.0, wanted) }
    }

    /// Tells the shim that the function was enabled again; condition code or error number, and status (0xa5 where there
    /// is none).
    pub(crate) fn reset(&self) -> (i32, u8) {
        let mut status = 0xa5;
        // SAFETY: the function and the status are valid.
        let rc = unsafe { shim_function_reset(self.0, &mut status) };
        (rc, status)
    }

    /// Has its error state cleared without a reset; condition code and status.
    pub(crate) fn clear_error(&self) -> (u8, u8) {
        let mut status = 0xa5;
        // SAFETY: the function and the status are valid.
        let cc = unsafe { shim_function_clear_error(self.0, &mut status) };
        (cc, status)
    }

    /// Enables it as the kernel does, which has mapped I/O or not; the error number or response code, and the handle that it is
    /// taken to have then.
    pub(crate) fn enable(&self, mio: bool) -> (i32, u32) {
        let mut handle = 0xa5a5_a5a5;
        // SAFETY: the function and the handle are valid.
        let rc = unsafe { shim_function_enable(self.0, mio, &mut handle) };
        (rc, handle)
    }

    /// Disables it as the kernel does, likewise.
    pub(crate) fn disable(&self) -> (i32, u32) {
        let mut handle = 0xa5a5_a5a5;
        // SAFETY: the function and the handle are valid.
        let rc = unsafe { shim_function_disable(self.0, &mut handle) };
        (rc, handle)
    }

    /// Has the kernel query it; the error number, and what the kernel has of it then.
    pub(crate) fn query(&self) -> (i32, ForeignFunction) {
        let mut now = QEMU;
        // SAFETY: the function and what is written are valid.
        let rc = unsafe { shim_function_query(self.0, &mut now) };
        (rc, now)
    }

    pub(crate) fn probe(&self) -> i32 {
        // SAFETY: the function is valid.
        unsafe { shim_probe(self.0) }
    }

    fn may_defer(&self) -> bool {
        // SAFETY: the function is valid.
        unsafe { shim_may_defer(self.0) }
    }

    /// What is reserved, first and last byte, and what of it is for interrupts.
    fn reserved(&self) -> (Vec<[u64; 2]>, Vec<[u64; 2]>) {
        let mut ranges = [ForeignRange::EMPTY; 3];
        let mut interrupts = 0xa5;
        // SAFETY: the function is valid, and there are at most three ranges.
        let count = unsafe { shim_reserved(self.0, ranges.as_mut_ptr(), &mut interrupts) };
        let mut reserved: Vec<_> = ranges[..count as usize].iter().map(|range| [range.start, range.last]).collect();
        // The one for interrupts comes last.
        let interrupts = reserved.split_off((count - interrupts) as usize);
        (reserved, interrupts)
    }
}

impl Drop for Function<'_> {
    fn drop(&mut self) {
        // SAFETY: this is the last use of the function.
        unsafe { shim_function_free(self.0) }
    }
}

#[test]
fn what_is_reserved_around_the_aperture() {
    let kernel = StandIn::new();
    let reserved = |from: &ForeignFunction, aperture_bytes| {
        kernel.settings(aperture_bytes, false);
        let (reserved, interrupts) = Function::new(&kernel, from).reserved();
        assert_eq!(interrupts, [[0; 2]; 0]);
        reserved
    };
    assert_eq!(reserved(&QEMU, GIB), [[0, 0xffff_ffff], [0x1_4000_0000, u64::MAX]]);
    // The only root that it understands ends the aperture.
    assert_eq!(reserved(&QEMU, u64::MAX), [[0, 0xffff_ffff], [0x400_0000_0000, u64::MAX]]);
    assert_eq!(reserved(&HARDWARE, u64::MAX), [[0, 0xffff_ffff], [0x0200_0000_0000_0000, u64::MAX]]);
    let from_zero = ForeignFunction { start_dma: 0, end_dma: 0xffff_fffe, ..QEMU };
    assert_eq!(reserved(&from_zero, u64::MAX), [[0xffff_f000, u64::MAX]]);
    // The last page of 2^64 is nobody's.
    let whole = ForeignFunction { start_dma: 0, end_dma: u64::MAX, msi_address: 0, max_interrupts: 0, ..HARDWARE };
    assert_eq!(reserved(&whole, u64::MAX), [[0xffff_ffff_ffff_f000, u64::MAX]]);
    for (from, aperture_bytes) in [(QEMU, 0), (QEMU, 0xfff), (ForeignFunction { start_dma: 1 << 42, ..QEMU }, GIB)] {
        assert_eq!(reserved(&from, aperture_bytes), [[0; 2]; 0]);
    }
}

#[test]
fn interrupts_within_the_aperture() {
    let kernel = StandIn::new();
    let interrupts = |from: &ForeignFunction, aperture_bytes| {
        kernel.settings(aperture_bytes, false);
        Function::new(&kernel, from).reserved().1
    };
    let none = [[0; 2]; 0];
    assert_eq!(interrupts(&QEMU, u64::MAX), none);
    let low = ForeignFunction { msi_address: START + GIB - 0x1000 + 8, ..QEMU };
    assert_eq!(interrupts(&low, GIB), [[START + GIB - 0x1000, START + GIB - 1]]);
    assert_eq!(interrupts(&low, GIB / 2), none);
    assert_eq!(interrupts(&low, 0), none);
    // Numbers of processors reach further than the aperture.
    let directed = ForeignFunction { directed_interrupts: 1, ..low };
    assert_eq!(interrupts(&directed, GIB), [[START + GIB - 0x100_0000, START + GIB - 1]]);
    assert_eq!(interrupts(&ForeignFunction { max_interrupts: 0, ..low }, GIB), none);
    // Unless they are not directed, though the machine could: pci=force_floating.
    // SAFETY: the parameter belongs to the thread.
    unsafe { shim_force_floating(true) };
    assert_eq!(interrupts(&directed, GIB), [[START + GIB - 0x1000, START + GIB - 1]]);
    // SAFETY: as above.
    unsafe { shim_force_floating(false) };
}

#[test]
fn only_ism_may_not_put_a_refresh_off() {
    let kernel = StandIn::new();
    for function_type in 0..=255 {
        let function = Function::new(&kernel, &ForeignFunction { function_type, ..HARDWARE });
        assert_eq!(function.may_defer(), function_type != 5, "type {function_type}");
    }
}

#[test]
fn only_a_window_that_ends_before_it_starts_is_not_probed() {
    let kernel = StandIn::new();
    let window = |start_dma, end_dma| ForeignFunction { start_dma, end_dma, ..QEMU };
    for (from, rc) in [
        (QEMU, 0),
        // No root reaches it, or it has no whole page: both serve without translation, or not at all.
        (window(1 << 42, (1 << 43) - 1), 0),
        (window(0x1001, 0x1ffe), 0),
        (window(0x1000, 0x1000), 0),
        (window(0, u64::MAX), 0),
        (window(0x1000, 0xfff), -22),
        (window(u64::MAX, 0), -22),
    ] {
        let function = Function::new(&kernel, &from);
        assert_eq!(function.probe(), rc, "{:#x}..={:#x}", from.start_dma, from.end_dma);
        assert!(function.is_blocked());
    }
    assert_eq!(kernel.events(), []);
}
