// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The C side as Rust sees it; `tests/header` compares it with `tests/c/stand_in.h`, `tests/c/shim.h`,
//! `tests/linux/kernel_test.h` and `tests/linux/rwlock.h`.

use core::ffi::{c_char, c_void};

use zpci_glue::container::{ForeignMember, ForeignRefusal};
use zpci_glue::function::ForeignFunction;
use zpci_glue::range::ForeignRange;

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

/// C: `struct shim_function`.
#[repr(C)]
pub(crate) struct KernelFunction {
    _opaque: [u8; 0],
}

/// C: `struct kernel_hooks`; a null pointer leaves the decision to C.
#[repr(C)]
pub(crate) struct KernelHooks {
    pub(crate) context: *mut c_void,
    pub(crate) yield_: Option<unsafe extern "C" fn(*mut c_void, u32)>,
    pub(crate) wait: Option<unsafe extern "C" fn(*mut c_void, *const c_void)>,
    pub(crate) section: Option<unsafe extern "C" fn(*mut c_void, u32) -> u32>,
    pub(crate) may_allocate: Option<unsafe extern "C" fn(*mut c_void) -> bool>,
}

/// C: `struct stand_in_machine`; a null pointer leaves the answer to the script.
#[repr(C)]
pub(crate) struct MachineHooks {
    pub(crate) context: *mut c_void,
    pub(crate) call: Option<unsafe extern "C" fn(*mut c_void, *mut c_void) -> u8>,
    pub(crate) mpcifc: Option<unsafe extern "C" fn(*mut c_void, u32, u8, *const c_void, *mut u8) -> u8>,
    pub(crate) rpcit: Option<unsafe extern "C" fn(*mut c_void, u32, u64, u64, *mut u8) -> u8>,
    pub(crate) pause: Option<unsafe extern "C" fn(*mut c_void, u32, u32) -> bool>,
    pub(crate) table: Option<unsafe extern "C" fn(*mut c_void, u64, u32, bool)>,
}

/// C: `rwlock_t`.
#[derive(Debug, Eq, PartialEq)]
#[repr(C)]
pub(crate) struct KernelLock {
    pub(crate) taken: i32,
    pub(crate) readers: i32,
}

/// C: `struct kernel_waited`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub(crate) struct KernelWaited {
    pub(crate) interruptible: u32,
    pub(crate) in_line: u32,
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
    pub(crate) fn stand_in_machine(machine: *const MachineHooks);
    pub(crate) fn stand_in_dma(iota: u64, iova: u64, write: bool) -> u64;
    pub(crate) fn stand_in_table_or_null(origin: u64, size: u32) -> *const c_void;

    pub(crate) fn kernel_reset(hooks: *const KernelHooks);
    pub(crate) fn kernel_last_log() -> *const c_char;
    pub(crate) fn kernel_warnings() -> u32;
    pub(crate) fn kernel_page_gfp() -> u32;
    pub(crate) fn kernel_callbacks() -> u32;
    pub(crate) fn kernel_grace_period_ended() -> bool;
    pub(crate) fn kernel_run_callback();
    pub(crate) fn kernel_works() -> u32;
    pub(crate) fn kernel_run_work();
    pub(crate) fn kernel_sections() -> u32;
    pub(crate) fn kernel_blocks() -> u32;
    pub(crate) fn kernel_blocks_given_up() -> u32;
    pub(crate) fn kernel_hold(lock: *mut KernelLock, ticks: u32);
    pub(crate) fn kernel_waited() -> KernelWaited;
    pub(crate) fn kernel_interrupts_are_on() -> bool;
    pub(crate) fn kernel_interrupts(on: bool);

    pub(crate) fn zpci_rust_gate_shared(gate: *mut c_void) -> u64;
    pub(crate) fn zpci_rust_gate_shared_end(gate: *mut c_void, flags: u64);
    pub(crate) fn zpci_rust_gate_exclusive(gate: *mut c_void) -> u64;
    pub(crate) fn zpci_rust_gate_exclusive_end(gate: *mut c_void, flags: u64);

    pub(crate) fn shim_settings(aperture_bytes: u64, large: bool);
    pub(crate) fn shim_large_frames(text: *const c_char, guest: bool) -> bool;
    pub(crate) fn shim_force_floating(force: bool);
    pub(crate) fn shim_trust_dtsm(trust: bool);
    pub(crate) fn shim_reclaims(reclaims: bool);
    pub(crate) fn shim_function_new(from: *const ForeignFunction) -> *mut KernelFunction;
    pub(crate) fn shim_function_free(function: *mut KernelFunction);
    pub(crate) fn shim_function_handle(function: *mut KernelFunction, handle: u32);
    pub(crate) fn shim_function_disabled(function: *mut KernelFunction);
    pub(crate) fn shim_function_wanted(function: *mut KernelFunction, wanted: bool);
    pub(crate) fn shim_function_reset(function: *mut KernelFunction, status: *mut u8) -> i32;
    pub(crate) fn shim_function_clear_error(function: *mut KernelFunction, status: *mut u8) -> u8;
    pub(crate) fn shim_function_blocked(function: *mut KernelFunction) -> bool;
    pub(crate) fn shim_probe(function: *mut KernelFunction) -> i32;
    pub(crate) fn shim_may_defer(function: *mut KernelFunction) -> bool;
    pub(crate) fn shim_reserved(function: *mut KernelFunction, ranges: *mut ForeignRange, interrupts: *mut u32) -> u32;

    pub(crate) fn shim_domain_new(function: *mut KernelFunction, rc: *mut i32) -> *mut ForeignDomain;
    pub(crate) fn shim_domain_of_dma_api(domain: *mut ForeignDomain);
    pub(crate) fn shim_domain_free(domain: *mut ForeignDomain);
    pub(crate) fn shim_grace_period();
    pub(crate) fn shim_domain_designation_type(domain: *const ForeignDomain) -> u8;
    pub(crate) fn shim_domain_origin(domain: *const ForeignDomain) -> u64;
    pub(crate) fn shim_domain_last(domain: *const ForeignDomain) -> u64;
    pub(crate) fn shim_domain_keeps(domain: *const ForeignDomain) -> bool;
    pub(crate) fn shim_domain_members(domain: *mut ForeignDomain) -> u32;
    pub(crate) fn shim_attach(domain: *mut ForeignDomain, function: *mut KernelFunction) -> i32;
    pub(crate) fn shim_detach(function: *mut KernelFunction) -> i32;
    pub(crate) fn shim_release(function: *mut KernelFunction) -> i32;
    pub(crate) fn shim_map(domain: *mut ForeignDomain, iova: u64, origin: u64, size: u64, writable: bool) -> i32;
    pub(crate) fn shim_map_io(domain: *mut ForeignDomain, iova: u64, origin: u64, size: u64) -> i32;
    pub(crate) fn shim_sync_map(domain: *mut ForeignDomain, iova: u64, size: u64, everything: *mut u32) -> i32;
    pub(crate) fn shim_unmap(
        domain: *mut ForeignDomain,
        iova: u64,
        size: u64,
        changed: *mut ForeignRange,
        pages: *mut u64,
    ) -> u64;
    pub(crate) fn shim_unmap_and_sync(domain: *mut ForeignDomain, iova: u64, size: u64) -> u64;
    pub(crate) fn shim_unmap_queued(domain: *mut ForeignDomain, iova: u64, size: u64) -> u64;
    pub(crate) fn shim_unmap_by_core(domain: *mut ForeignDomain, iova: u64, size: u64) -> u64;
    pub(crate) fn shim_domain_counters(
        domain: *const ForeignDomain,
        global: *mut u64,
        sync_map: *mut u64,
        sync: *mut u64,
    );
    pub(crate) fn shim_unmap_twice(domain: *mut ForeignDomain, first: u64, second: u64, size: u64) -> u32;
    pub(crate) fn shim_sync(domain: *mut ForeignDomain, start: u64, last: u64);
    pub(crate) fn shim_flush_all(domain: *mut ForeignDomain);
    pub(crate) fn shim_translate(domain: *const ForeignDomain, iova: u64) -> u64;

    pub(crate) fn shim_list(found: *mut u32, capacity: u32, count: *mut u32) -> i32;
    pub(crate) fn shim_state(id: u32, state: *mut u32) -> i32;
    pub(crate) fn shim_current_handle(id: u32, handle: *mut u32) -> i32;
    pub(crate) fn shim_set_write_back(mask: *mut u64) -> i32;
    pub(crate) fn shim_function_enable(function: *mut KernelFunction, mio: bool, handle: *mut u32) -> i32;
    pub(crate) fn shim_function_disable(function: *mut KernelFunction, handle: *mut u32) -> i32;
    pub(crate) fn shim_function_measure(function: *mut KernelFunction, enable: bool) -> i32;
    pub(crate) fn shim_function_sample(function: *mut KernelFunction, sample: *mut u8) -> i32;
    pub(crate) fn shim_function_close(function: *mut KernelFunction);
    pub(crate) fn shim_function_statistics(function: *mut KernelFunction, enable: bool) -> i32;
    pub(crate) fn shim_function_query(function: *mut KernelFunction, now: *mut ForeignFunction) -> i32;
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
        error_event_size: u32,
        proposed: i32,
        chain: *mut ForeignChain,
    ) -> i32;
    pub(crate) fn shim_container_capabilities(
        members: *const ForeignMember,
        count: u32,
        chain: *mut ForeignChain,
    ) -> i32;
    pub(crate) fn shim_info_accept(accept: u32);
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
