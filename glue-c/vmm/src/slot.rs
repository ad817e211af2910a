// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function as the guest's CLP sees it.

use ::clp::responder::GuestFunction;
use ::clp::{Bar, Function, FunctionGroupId, FunctionHandle, FunctionId, FunctionType, Uid, UtilityString};
use static_assertions::const_assert;

/// Words of a `struct zpci_slot`.
pub const ZPCI_SLOT_SIZE: usize = 99;

/// A place for a function of the guest, or none; an array of them is what CLP is answered from.
#[derive(Debug)]
#[repr(C)]
pub struct ForeignSlot {
    opaque: [u32; ZPCI_SLOT_SIZE],
}

const_assert!(size_of::<Option<GuestFunction>>() == size_of::<ForeignSlot>());
const_assert!(align_of::<Option<GuestFunction>>() <= align_of::<ForeignSlot>());

/// What the guest is told of a function.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignFunctionValues {
    /// First DMA address.
    pub start_dma: u64,
    /// Last DMA address, inclusive.
    pub end_dma: u64,
    /// Identifier (FID).
    pub id: u32,
    /// User-defined identifier (UID).
    pub uid: u32,
    /// PCI vendor identifier.
    pub vendor: u16,
    /// PCI device identifier.
    pub device: u16,
    /// Physical channel identifier.
    pub pchid: u16,
    /// Length in bytes of the measurement block that the VMM writes, 0 if it writes none.
    pub fmb_length: u16,
    /// Group (PFGID), as `zpci_groups_add()` returned it.
    pub group: u8,
    /// Type (PFT).
    pub function_type: u8,
    /// Port.
    pub port: u8,
    /// Function identifier parameter.
    pub fidparm: u8,
    /// Function internal path.
    pub internal_path: [u8; 4],
    /// Sizes of the BARs as powers of two, 0 for none.
    pub bar_size_log2: [u8; 6],
    /// Whether there is a utility string.
    pub has_utility_string: bool,
    /// Zero.
    pub reserved: u8,
    /// The BARs as the configuration space has them, without addresses; little-endian bytes.
    pub bars: [[u8; 4]; 6],
    /// Utility string, in EBCDIC.
    pub utility_string: [u8; 64],
}

/// Makes an empty slot.
///
/// # Safety
///
/// `slot` is storage for one.
#[no_mangle]
pub unsafe extern "C" fn zpci_slot_clear(slot: *mut ForeignSlot) {
    // SAFETY: by the contract; the two have the same size, and neither owns anything.
    unsafe { slot.cast::<Option<GuestFunction>>().write(None) };
}

/// Puts a configured function with `handle` into a slot; false if there is no such function, and the slot is empty then.
///
/// # Safety
///
/// `slot` is storage for one, and `values` are values.
#[no_mangle]
pub unsafe extern "C" fn zpci_slot_init(
    slot: *mut ForeignSlot,
    handle: u32,
    values: *const ForeignFunctionValues,
) -> bool {
    // SAFETY: by the contract.
    let made = function(FunctionHandle(handle), unsafe { &*values });
    // SAFETY: by the contract; the two have the same size, and neither owns anything.
    unsafe { slot.cast::<Option<GuestFunction>>().write(made) };
    made.is_some()
}

/// The function in the slot has `handle` from now on, and is `configured` or in standby.
///
/// # Safety
///
/// `slot` was initialised and is used by nobody else meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_slot_set_handle(slot: *mut ForeignSlot, handle: u32, configured: bool) {
    // SAFETY: by the contract.
    if let Some(function) = unsafe { &mut *slot.cast::<Option<GuestFunction>>() } {
        function.handle = FunctionHandle(handle);
        function.configured = configured;
    }
}

fn function(handle: FunctionHandle, values: &ForeignFunctionValues) -> Option<GuestFunction> {
    let mut bars = [Bar::ABSENT; 6];
    for (bar, (register, size_log2)) in bars.iter_mut().zip(values.bars.iter().zip(values.bar_size_log2)) {
        *bar = Bar::new(*register, size_log2)?;
    }
    let function = Function {
        id: FunctionId(values.id),
        uid: Uid(values.uid),
        group: FunctionGroupId(values.group),
        function_type: FunctionType(values.function_type),
        is_physical: false,
        vfn: 0,
        pchid: values.pchid,
        port: values.port,
        internal_path: values.internal_path,
        fidparm: values.fidparm,
        rid: None,
        tid: None,
        bars,
        mio: None,
        start_dma: values.start_dma,
        end_dma: values.end_dma,
        fmb_length: values.fmb_length,
        utility_string: values.has_utility_string.then_some(UtilityString(values.utility_string)),
    };
    GuestFunction::new(values.vendor, values.device, handle, &function).ok()
}
