// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The C side as Rust sees it; `tests/header` compares it with `tests/c/stand_in.h` and `tests/c/shim.h`.

use core::ffi::{c_char, c_void};

use zpci_glue::container::{ForeignMember, ForeignRefusal};
use zpci_glue::function::ForeignFunction;

/// C: `struct stand_in_event`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct ForeignEvent {
    pub(crate) numbers: [u64; 4],
    pub(crate) kind: u32,
    pub(crate) size: u32,
    pub(crate) bytes: [u8; 80],
}

/// C: `struct shim_domain`.
#[repr(C)]
pub(crate) struct ForeignDomain {
    _opaque: [u8; 0],
}

/// C: `struct shim_chain`.
#[repr(C)]
pub(crate) struct ForeignChain {
    pub(crate) buffer: *mut u8,
    pub(crate) capacity: u64,
    pub(crate) size: u64,
    pub(crate) last: u64,
    pub(crate) accept: u32,
    pub(crate) calls: u32,
}

unsafe extern "C" {
    pub(crate) fn stand_in_reset();
    pub(crate) fn stand_in_fault() -> *const c_char;
    pub(crate) fn stand_in_base() -> u64;
    pub(crate) fn stand_in_tables(size: u32) -> u32;
    pub(crate) fn stand_in_gfp() -> u32;
    pub(crate) fn stand_in_fail_allocation(n: u32);
    pub(crate) fn stand_in_events(events: *mut *const ForeignEvent) -> u32;
    pub(crate) fn stand_in_answer(kind: u32, cc: u8, status: u8, bytes: *const c_void, size: u32);
    pub(crate) fn stand_in_always(kind: u32, cc: u8, status: u8);
    pub(crate) fn stand_in_answers_left() -> u32;
    pub(crate) fn stand_in_patience(kind: u32, pauses: u32);
    pub(crate) fn stand_in_dma(iota: u64, iova: u64, write: bool) -> u64;

    pub(crate) fn shim_domain_new(
        function: *const ForeignFunction,
        aperture: u64,
        large: bool,
        rc: *mut i32,
    ) -> *mut ForeignDomain;
    pub(crate) fn shim_domain_free(domain: *mut ForeignDomain);
    pub(crate) fn shim_domain_origin(domain: *const ForeignDomain) -> u64;
    pub(crate) fn shim_domain_last(domain: *const ForeignDomain) -> u64;
    pub(crate) fn shim_attach(
        domain: *mut ForeignDomain,
        function: *const ForeignFunction,
        aperture: u64,
        answer: *mut u8,
    ) -> i32;
    pub(crate) fn shim_detach(domain: *mut ForeignDomain, handle: u32, gisa: u32) -> i32;
    pub(crate) fn shim_map(domain: *mut ForeignDomain, iova: u64, origin: u64, size: u64, writable: bool) -> i32;
    pub(crate) fn shim_sync_map(domain: *mut ForeignDomain, iova: u64, size: u64, everything: *mut u32) -> i32;
    pub(crate) fn shim_unmap(
        domain: *mut ForeignDomain,
        iova: u64,
        size: u64,
        changed: *mut u64,
        pages: *mut u64,
    ) -> u64;
    pub(crate) fn shim_sync(domain: *mut ForeignDomain, start: u64, last: u64) -> bool;
    pub(crate) fn shim_grace_period(domain: *mut ForeignDomain);
    pub(crate) fn shim_translate(domain: *const ForeignDomain, iova: u64) -> u64;

    pub(crate) fn shim_window(function: *const ForeignFunction, aperture: u64, window: *mut u64) -> i32;
    pub(crate) fn shim_reserved(function: *const ForeignFunction, aperture: u64, reserved: *mut [u64; 2]) -> u32;
    pub(crate) fn shim_interrupts(function: *const ForeignFunction, aperture: u64, interrupts: *mut u64) -> bool;
    pub(crate) fn shim_refresh(handle: u32, start: u64, last: u64) -> i32;
    pub(crate) fn shim_refresh_all(handle: u32, start: u64, last: u64) -> i32;
    pub(crate) fn shim_refresh_mapped(handle: u32, start: u64, last: u64, first: u64, end: u64) -> i32;
    pub(crate) fn shim_may_defer(function_type: u8) -> bool;

    pub(crate) fn shim_list(context: *mut c_void) -> i32;
    pub(crate) fn shim_find(id: u32, handle: *mut u32, configured: *mut bool) -> i32;
    pub(crate) fn shim_query(id: u32, handle: u32, function: *mut ForeignFunction) -> i32;
    pub(crate) fn shim_enable(handle: u32, spaces: u8, gisa: u32, mio: bool, now: *mut u32) -> i32;
    pub(crate) fn shim_disable(handle: u32, disabled: *mut u32) -> i32;
    pub(crate) fn shim_write_back() -> i32;
    pub(crate) fn shim_user_call(processor: u8, data: *mut u8) -> i32;
    pub(crate) fn shim_user_installed(installed: *mut u64) -> i32;

    pub(crate) fn shim_vfio_capabilities(
        function: *const ForeignFunction,
        aperture: u64,
        chain: *mut ForeignChain,
    ) -> i32;
    pub(crate) fn shim_container_capabilities(
        members: *const ForeignMember,
        count: u32,
        chain: *mut ForeignChain,
    ) -> i32;
    pub(crate) fn shim_get_info(members: *const ForeignMember, count: u32, buffer: *mut u8, argsz: u32) -> i32;
    pub(crate) fn shim_may_join(before: u32, has_operation: bool) -> i32;
    pub(crate) fn shim_container_one_format(
        members: *const ForeignMember,
        count: u32,
        joining: u32,
        refusal: *mut ForeignRefusal,
    ) -> i32;
    pub(crate) fn shim_hardware_information(function: *const ForeignFunction, large: bool, buffer: *mut u8) -> u32;
}
