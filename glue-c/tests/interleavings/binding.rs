// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The C side as Rust sees it: `tests/c/stand_in.h`, `tests/c/shim.h`, `tests/linux/kernel_test.h`.

use core::ffi::{c_char, c_void};

use zpci_glue::function::ForeignFunction;

/// C: `struct shim_domain`.
#[repr(C)]
pub(crate) struct ForeignDomain {
    _opaque: [u8; 0],
}

/// C: `struct shim_function`.
#[repr(C)]
pub(crate) struct KernelFunction {
    _opaque: [u8; 0],
}

/// C: `struct stand_in_machine`.
#[repr(C)]
pub(crate) struct MachineHooks {
    pub(crate) context: *mut c_void,
    pub(crate) call: unsafe extern "C" fn(*mut c_void, *mut c_void) -> u8,
    pub(crate) mpcifc: unsafe extern "C" fn(*mut c_void, u32, u8, *const c_void, *mut u8) -> u8,
    pub(crate) rpcit: unsafe extern "C" fn(*mut c_void, u32, u64, u64, *mut u8) -> u8,
    pub(crate) pause: unsafe extern "C" fn(*mut c_void, u32, u32) -> bool,
    pub(crate) table: unsafe extern "C" fn(*mut c_void, u64, u32, bool),
}

/// C: `struct kernel_hooks`.
#[repr(C)]
pub(crate) struct KernelHooks {
    pub(crate) context: *mut c_void,
    pub(crate) yield_: unsafe extern "C" fn(*mut c_void, u32),
    pub(crate) wait: unsafe extern "C" fn(*mut c_void, *const c_void),
    pub(crate) section: unsafe extern "C" fn(*mut c_void, u32) -> u32,
    pub(crate) may_allocate: unsafe extern "C" fn(*mut c_void) -> bool,
}

/// C: `KERNEL_SECTIONS`.
pub(crate) const SECTIONS: u32 = 8;

unsafe extern "C" {
    pub(crate) fn stand_in_reset();
    pub(crate) fn stand_in_fault() -> *const c_char;
    pub(crate) fn stand_in_tables(size: u32) -> u32;
    pub(crate) fn stand_in_machine(machine: *const MachineHooks);
    pub(crate) fn stand_in_table_or_null(origin: u64, size: u32) -> *const c_void;

    pub(crate) fn kernel_reset(hooks: *const KernelHooks);
    pub(crate) fn kernel_grace_period_ended() -> bool;
    pub(crate) fn kernel_run_callback();
    pub(crate) fn kernel_works() -> u32;
    pub(crate) fn kernel_mutex_is_taken(mutex: *const c_void) -> bool;

    pub(crate) fn shim_settings(aperture_bytes: u64, large: bool);
    pub(crate) fn shim_function_new(from: *const ForeignFunction) -> *mut KernelFunction;
    pub(crate) fn shim_function_free(function: *mut KernelFunction);
    pub(crate) fn shim_function_current(function: *const KernelFunction) -> u32;
    pub(crate) fn shim_function_handle(function: *mut KernelFunction, handle: u32);
    pub(crate) fn shim_function_enable(function: *mut KernelFunction, mio: bool, handle: *mut u32) -> i32;
    pub(crate) fn shim_function_disable(function: *mut KernelFunction, handle: *mut u32) -> i32;
    pub(crate) fn shim_function_disabled(function: *mut KernelFunction);
    pub(crate) fn shim_function_is_wanted(function: *mut KernelFunction) -> bool;
    pub(crate) fn shim_function_blocked(function: *mut KernelFunction) -> bool;
    pub(crate) fn shim_function_reset(function: *mut KernelFunction, status: *mut u8) -> i32;
    pub(crate) fn shim_function_clear_error(function: *mut KernelFunction, status: *mut u8) -> u8;
    pub(crate) fn shim_domain_new(function: *mut KernelFunction, rc: *mut i32) -> *mut ForeignDomain;
    pub(crate) fn shim_domain_of_dma_api(domain: *mut ForeignDomain);
    pub(crate) fn shim_domain_free(domain: *mut ForeignDomain);
    pub(crate) fn shim_domain_origin(domain: *const ForeignDomain) -> u64;
    pub(crate) fn shim_attach(domain: *mut ForeignDomain, function: *mut KernelFunction) -> i32;
    pub(crate) fn shim_detach(function: *mut KernelFunction) -> i32;
    pub(crate) fn shim_map(domain: *mut ForeignDomain, iova: u64, origin: u64, size: u64, writable: bool) -> i32;
    pub(crate) fn shim_sync_map(domain: *mut ForeignDomain, iova: u64, size: u64, everything: *mut u32) -> i32;
    pub(crate) fn shim_unmap_and_sync(domain: *mut ForeignDomain, iova: u64, size: u64) -> u64;
    pub(crate) fn shim_unmap_queued(domain: *mut ForeignDomain, iova: u64, size: u64) -> u64;
    pub(crate) fn shim_flush_all(domain: *mut ForeignDomain);
    pub(crate) fn shim_translate(domain: *const ForeignDomain, iova: u64) -> u64;
}
