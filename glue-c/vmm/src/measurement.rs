// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The measurement block of a guest's function.

use core::ffi::c_void;

use s390_iommu::{Measurement, Transfers};

/// What a function did since measurement was set, or as `ZPCI_RULES_QEMU` since it last ended: the counters that every format
/// has.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignMeasured {
    /// Number of the sample.
    pub sample: u32,
    /// Zero.
    pub reserved: u32,
    /// When the sample before was taken.
    pub time_before: u64,
    /// When this one was taken: another time, with 0 in the last bit.
    pub time: u64,
    /// Loads.
    pub loads: u64,
    /// Stores.
    pub stores: u64,
    /// Block stores.
    pub block_stores: u64,
    /// Refreshes: `zpci_function_refreshes()`.
    pub refreshes: u64,
}

/// Writes a block of format 0 with `length` bytes, by stores of doublewords at offsets in bytes in an order by which no guest
/// takes a half of it for whole. False if a store failed, which is the last; the guest gets an event 0x2a then.
///
/// # Safety
///
/// `measured` are counters, and `store` does as it says with `opaque`.
#[no_mangle]
pub unsafe extern "C" fn zpci_measurement_write(
    measured: *const ForeignMeasured,
    length: u16,
    opaque: *mut c_void,
    store: Option<unsafe extern "C" fn(opaque: *mut c_void, offset: u16, value: u64) -> bool>,
) -> bool {
    // SAFETY: by the contract.
    let (measured, Some(store)) = (unsafe { &*measured }, store) else {
        return false;
    };
    let sample = Measurement {
        format: 0,
        indicators: 0,
        sample: measured.sample,
        last_update: measured.time,
        loads: measured.loads,
        stores: measured.stores,
        block_stores: measured.block_stores,
        refreshes: measured.refreshes,
        transfers: Transfers::None,
    };
    let written = sample.write(length, measured.time_before, |offset, value| {
        // SAFETY: by the contract.
        unsafe { store(opaque, offset, value) }.then_some(()).ok_or(())
    });
    written.is_ok()
}
