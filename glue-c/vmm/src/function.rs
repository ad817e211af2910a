// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! MPCIFC, STPCIFC and RPCIT of a guest's function.

use ::clp::{DesignationTypes, FunctionHandle, FunctionId, FunctionType};
use s390_iommu::guest::{self, Configuration, FunctionControls, Mpcifc, Refreshed, Rpcit, Rules, State, Stpcifc};
use s390_iommu::{EventCode, Fib, Iova, IovaRange, Limits, Status};
use static_assertions::const_assert;
use zerocopy::{FromBytes, IntoBytes};

use crate::answer::{ForeignAnswer, ForeignEffect};
use crate::host::{Books, Calls, ForeignHost, Storage};

/// Doublewords of a `struct zpci_function`.
pub const ZPCI_FUNCTION_SIZE: usize = 56;
/// Doublewords of a `struct zpci_pending`.
pub const ZPCI_PENDING_SIZE: usize = 6;
/// Answer as Linux expects it of hardware.
pub const ZPCI_RULES_HARDWARE: u8 = 0;
/// Answer as QEMU 10.0.2 does.
pub const ZPCI_RULES_QEMU: u8 = 1;
/// The same, and RPCIT as QEMU goes over its range, with the pages that it maps and unmaps beside those that were meant: to
/// compare with it.
pub const ZPCI_RULES_QEMU_STEPS: u8 = 2;

/// Not enabled.
pub const ZPCI_STATE_DISABLED: u8 = 0;
/// In use.
pub const ZPCI_STATE_ENABLED: u8 = 1;
/// Its error was reset for loads and stores alone; it does DMA as `ZPCI_RULES_QEMU` alone.
pub const ZPCI_STATE_BLOCKED: u8 = 2;
/// In error: loads, stores and DMA are refused.
pub const ZPCI_STATE_ERROR: u8 = 3;
/// It does not come back.
pub const ZPCI_STATE_PERMANENT_ERROR: u8 = 4;

/// The controls of a function of a guest; `zpci_function_init()` makes one of any storage of this size.
#[derive(Debug)]
#[repr(C)]
pub struct ForeignFunction {
    opaque: [u64; ZPCI_FUNCTION_SIZE],
}

const_assert!(size_of::<FunctionControls>() <= size_of::<ForeignFunction>());
const_assert!(align_of::<FunctionControls>() <= align_of::<ForeignFunction>());

/// An RPCIT, or a refresh of the VMM's own, that is being carried out.
#[derive(Debug)]
#[repr(C)]
pub struct ForeignPending {
    opaque: [u64; ZPCI_PENDING_SIZE],
}

const_assert!(size_of::<guest::Pending>() <= size_of::<ForeignPending>());
const_assert!(align_of::<guest::Pending>() <= align_of::<ForeignPending>());

/// What the VMM gives a function.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ForeignFunctionConfiguration {
    /// First DMA address, as the guest was told by CLP.
    pub start_dma: u64,
    /// Last DMA address, inclusive.
    pub end_dma: u64,
    /// Identifier (FID).
    pub id: u32,
    /// Most interrupts.
    pub max_interrupts: u16,
    /// Roots that the guest may use: bit n, 0x80 for n = 0, for designation type n; 0x40 is region-third.
    pub designation_types: u8,
    /// Type (PFT).
    pub function_type: u8,
    /// `ZPCI_RULES_*`.
    pub rules: u8,
    /// Whether the guest may do without translation.
    pub relaxed_translation: bool,
    /// Whether the VMM writes a measurement block.
    pub has_measurement: bool,
}

/// Makes a function that is disabled and has `handle`; false if the window has no whole page or there are no such rules.
///
/// # Safety
///
/// `function` is storage for one, `configuration` a configuration.
#[no_mangle]
pub unsafe extern "C" fn zpci_function_init(
    function: *mut ForeignFunction,
    handle: u32,
    configuration: *const ForeignFunctionConfiguration,
) -> bool {
    // SAFETY: by the contract.
    let given = unsafe { *configuration };
    let Some(window) = IovaRange::within(Iova::new(given.start_dma), Iova::new(given.end_dma)) else {
        return false;
    };
    let rules = match given.rules {
        ZPCI_RULES_HARDWARE => Rules::HARDWARE,
        ZPCI_RULES_QEMU => Rules::QEMU,
        ZPCI_RULES_QEMU_STEPS => Rules::QEMU.with_steps_of_qemu(),
        _ => return false,
    };
    let configuration = Configuration {
        id: FunctionId(given.id),
        limits: Limits {
            window,
            designation_types: DesignationTypes(given.designation_types),
            relaxed_translation: given.relaxed_translation,
            refresh_on_map: true,
            function_type: FunctionType(given.function_type),
        },
        max_interrupts: given.max_interrupts,
        has_measurement: given.has_measurement,
        rules,
    };
    // SAFETY: by the contract; controls fit into the storage and own nothing that would have to be dropped.
    unsafe { function.cast::<FunctionControls>().write(FunctionControls::new(FunctionHandle(handle), configuration)) };
    true
}

/// Enables the function, which has `handle` from now on: what SET PCI FN was confirmed with.
///
/// # Safety
///
/// `function` was initialised and is used by nobody else meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_function_enable(function: *mut ForeignFunction, handle: u32) {
    // SAFETY: by the contract.
    if let Some(controls) = unsafe { controls(function) } {
        controls.enable(FunctionHandle(handle | FunctionHandle::ENABLED));
    }
}

/// Disables the function, which has `handle` from now on. The VMM unmaps everything.
///
/// # Safety
///
/// As for `zpci_function_enable()`.
#[no_mangle]
pub unsafe extern "C" fn zpci_function_disable(function: *mut ForeignFunction, handle: u32) {
    // SAFETY: by the contract.
    if let Some(controls) = unsafe { controls(function) } {
        // The caller unmaps everything, as the header says.
        let _ = controls.disable(FunctionHandle(handle & !FunctionHandle::ENABLED));
    }
}

/// The state of the function: `ZPCI_STATE_*`. Loads and stores are for the VMM to refuse by it.
///
/// # Safety
///
/// `function` was initialised and is changed by nobody meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_function_state(function: *const ForeignFunction) -> u8 {
    // SAFETY: by the contract.
    match unsafe { function.cast::<FunctionControls>().as_ref() }.map(FunctionControls::state) {
        None | Some(State::Disabled) => ZPCI_STATE_DISABLED,
        Some(State::Enabled) => ZPCI_STATE_ENABLED,
        Some(State::Blocked) => ZPCI_STATE_BLOCKED,
        Some(State::Error) => ZPCI_STATE_ERROR,
        Some(State::PermanentError) => ZPCI_STATE_PERMANENT_ERROR,
    }
}

/// Number of RPCITs as a measurement block counts them: what `zpci_measured` has as refreshes.
///
/// # Safety
///
/// As for `zpci_function_state()`.
#[no_mangle]
pub unsafe extern "C" fn zpci_function_refreshes(function: *const ForeignFunction) -> u64 {
    // SAFETY: by the contract.
    unsafe { function.cast::<FunctionControls>().as_ref() }.map_or(0, FunctionControls::refreshes)
}

/// Puts the function in error for the event `code` at the I/O virtual address `address`; `event` gets its 32 bytes.
///
/// # Safety
///
/// As for `zpci_function_enable()`; `event` is storage for 32 bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_function_fail(function: *mut ForeignFunction, code: u16, address: u64, event: *mut u8) {
    // SAFETY: by the contract.
    if let Some(controls) = unsafe { controls(function) } {
        let made = controls.fail(EventCode(code), Iova::new(address));
        // SAFETY: by the contract there is room for all bytes of an event.
        unsafe { event.copy_from_nonoverlapping(made.as_bytes().as_ptr(), made.as_bytes().len()) };
    }
}

/// MPCIFC with `r1` and the FIB that was copied from `address`; `function` is that with the handle in the upper half of `r1`,
/// NULL if there is none.
///
/// # Safety
///
/// As for `zpci_function_enable()`; `fib` has 80 bytes, a copy of the guest's that nobody changes meanwhile, and there is
/// storage for the answer and the effect.
#[no_mangle]
pub unsafe extern "C" fn zpci_mpcifc(
    function: *mut ForeignFunction,
    r1: u64,
    address: u64,
    fib: *const u8,
    answer: *mut ForeignAnswer,
    effect: *mut ForeignEffect,
) {
    let (found, done) = match Mpcifc::decode(r1, address) {
        Err(refused) => (refused, guest::Effect::None),
        Ok(request) => {
            // SAFETY: by the contract.
            let (controls, block) = unsafe { (controls(function), &*fib.cast::<[u8; 80]>()) };
            match (controls, Fib::read_from_bytes(block)) {
                (Some(controls), Ok(fib)) => controls.modify(&request, &fib),
                _ => (guest::Answer::not_there(r1), guest::Effect::None),
            }
        }
    };
    // SAFETY: by the contract.
    unsafe {
        answer.write(found.into());
        effect.write(done.into());
    }
}

/// Takes back the MPCIFC that `zpci_mpcifc()` answered last: the VMM cannot do what its effect asks for. `answer`, which that
/// function wrote, becomes condition code 1 with `status`: 4 if a resource is not available, 16 if there is not enough of it.
///
/// The function is as if the instruction had not been issued, but for an error that happened meanwhile. What the VMM did for it,
/// it undoes; what was unmapped of a registration that holds again is mapped by `zpci_function_refresh_all()`, or without
/// translation as for `ZPCI_EFFECT_REGISTERED`. To be called before the guest goes on: after an MPCIFC of another processor
/// nothing is taken back.
///
/// # Safety
///
/// As for `zpci_function_enable()`; `answer` is an answer.
#[no_mangle]
pub unsafe extern "C" fn zpci_mpcifc_take_back(function: *mut ForeignFunction, status: u8, answer: *mut ForeignAnswer) {
    // SAFETY: by the contract.
    let (controls, given) = unsafe { (controls(function), &mut *answer) };
    let (found, status) = (guest::Answer::done(given.r1), Status(status));
    *given = match controls {
        Some(controls) => controls.take_back(found, status),
        None => guest::Answer::status(found.register, status),
    }
    .into();
}

/// STPCIFC with `r1` for the address `address`; true if `fib`, 80 bytes, is to be copied there. `function` is as for
/// `zpci_mpcifc()`; as `ZPCI_RULES_QEMU` it is found by the low halfword of the handle alone.
///
/// # Safety
///
/// As for `zpci_function_enable()`; there is storage for 80 bytes, not the guest's, and for the answer.
#[no_mangle]
pub unsafe extern "C" fn zpci_stpcifc(
    function: *mut ForeignFunction,
    r1: u64,
    address: u64,
    fib: *mut u8,
    answer: *mut ForeignAnswer,
) -> bool {
    let (found, stored) = match Stpcifc::decode(r1, address) {
        Err(refused) => (refused, None),
        // SAFETY: by the contract.
        Ok(request) => match unsafe { controls(function) } {
            Some(controls) => controls.store(&request),
            None => (guest::Answer::not_there(r1), None),
        },
    };
    // SAFETY: by the contract.
    unsafe { answer.write(found.into()) };
    if let Some(block) = &stored {
        // SAFETY: by the contract there is room for all bytes of a FIB.
        unsafe { fib.copy_from_nonoverlapping(block.as_bytes().as_ptr(), block.as_bytes().len()) };
    }
    stored.is_some()
}

/// RPCIT with `r1` and, of the registers `r2` and `r2` + 1, the values `start` and `length`; true if there is more to do:
/// call `zpci_rpcit_proceed()` with `pending`. `function` is as for `zpci_mpcifc()`.
///
/// # Safety
///
/// As for `zpci_function_enable()`; there is storage for `pending` and for the answer.
#[no_mangle]
pub unsafe extern "C" fn zpci_rpcit(
    function: *mut ForeignFunction,
    r1: u64,
    r2: u8,
    start: u64,
    length: u64,
    pending: *mut ForeignPending,
    answer: *mut ForeignAnswer,
) -> bool {
    let refreshed = match Rpcit::decode(r1, r2, [start, length]) {
        Err(refused) => Refreshed::Done(refused),
        // SAFETY: by the contract.
        Ok(request) => match unsafe { controls(function) } {
            Some(controls) => controls.refresh(&request),
            None => Refreshed::Done(guest::Answer::not_there(r1)),
        },
    };
    // SAFETY: by the contract.
    unsafe { report(refreshed, pending, answer) }
}

/// Begins a refresh of everything that is registered, of the VMM's own; true if there is something to do: call
/// `zpci_rpcit_proceed()` with `pending`. The answer that it ends with is the VMM's, but for an event in it, which the guest
/// gets.
///
/// It brings back what was unmapped because of an error, and ends what the guest took back since, when `ZPCI_EFFECT_RESET` says
/// that DMA may go on; the guest neither registers nor refreshes anew. QEMU does not look at the tables there. With any answer but
/// condition code 0 not all is mapped: 2 if something came in between, and it is begun again; status 40 if the function is in
/// error or blocked again; status 16 if the host can map no more, and then `zpci_mpcifc_take_back()` with 16 takes the reset
/// back. False also for a function without translation.
///
/// # Safety
///
/// As for `zpci_function_enable()`; there is storage for `pending`.
#[no_mangle]
pub unsafe extern "C" fn zpci_function_refresh_all(
    function: *mut ForeignFunction,
    pending: *mut ForeignPending,
) -> bool {
    // SAFETY: by the contract.
    let begun = unsafe { controls(function) }.and_then(FunctionControls::refresh_all);
    if let Some(token) = begun {
        // SAFETY: by the contract; a token fits into the storage.
        unsafe { pending.cast::<guest::Pending>().write(token) };
    }
    begun.is_some()
}

/// Goes on with an RPCIT for about `budget` entries that are read and pages that are mapped or unmapped; true if there is
/// more to do.
///
/// # Safety
///
/// `function` was initialised and is used by nobody else meanwhile, nor by what `host` calls; `pending` is what
/// `zpci_rpcit()` or `zpci_function_refresh_all()` wrote for it. `host` has all functions, and they do as it says. There is
/// storage for the answer.
#[no_mangle]
pub unsafe extern "C" fn zpci_rpcit_proceed(
    function: *mut ForeignFunction,
    pending: *mut ForeignPending,
    host: *const ForeignHost,
    budget: u64,
    answer: *mut ForeignAnswer,
) -> bool {
    // SAFETY: by the contract.
    let (controls, token, calls) =
        unsafe { (controls(function), pending.cast::<guest::Pending>().read(), Calls::new(&*host)) };
    let (Some(controls), Some(calls)) = (controls, calls) else {
        debug_assert!(false, "a refresh without a function or a host");
        // SAFETY: by the contract.
        unsafe { answer.write(ForeignAnswer { condition_code: 3, ..ForeignAnswer::default() }) };
        return false;
    };
    let refreshed = controls.proceed(token, &Storage(&calls), &mut Books(&calls), budget);
    // SAFETY: by the contract.
    unsafe { report(refreshed, pending, answer) }
}

/// The controls in `function`; `None` for NULL.
///
/// # Safety
///
/// `function` is NULL, or was initialised and is used by nobody else as long as the result is.
unsafe fn controls<'a>(function: *mut ForeignFunction) -> Option<&'a mut FunctionControls> {
    // SAFETY: by the contract.
    unsafe { function.cast::<FunctionControls>().as_mut() }
}

/// Writes how far RPCIT got; whether there is more.
///
/// # Safety
///
/// There is storage for both.
unsafe fn report(refreshed: Refreshed, pending: *mut ForeignPending, answer: *mut ForeignAnswer) -> bool {
    match refreshed {
        Refreshed::More(token) => {
            // SAFETY: by the contract; a token fits into the storage.
            unsafe { pending.cast::<guest::Pending>().write(token) };
            true
        }
        Refreshed::Done(found) => {
            // SAFETY: by the contract.
            unsafe { answer.write(found.into()) };
            false
        }
    }
}
