// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities of VFIO_DEVICE_GET_INFO.

use s390_iommu::vfio::{ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString};
use static_assertions::const_assert;
use zerocopy::IntoBytes;

use crate::function::ForeignFunction;

/// C: `ZPCI_RUST_CAPABILITY_SIZE`, the largest capability.
pub const CAPABILITY_SIZE: usize = 80;

const_assert!(size_of::<ZpciBase>() <= CAPABILITY_SIZE);
const_assert!(size_of::<ZpciGroup>() <= CAPABILITY_SIZE);
const_assert!(size_of::<ZpciUtilityString>() <= CAPABILITY_SIZE);
const_assert!(size_of::<ZpciPath>() <= CAPABILITY_SIZE);

/// Writes capability number `index` of `function`, of which at most `aperture` bytes are used.
///
/// The number of bytes written: 0 for a capability that does not apply, -1 when `index` is past the last one.
///
/// # Safety
///
/// `function` must be valid; `buffer` must have room for `CAPABILITY_SIZE` bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_vfio_capability(
    function: *const ForeignFunction,
    aperture: u64,
    index: u32,
    buffer: *mut u8,
) -> i32 {
    // SAFETY: by the contract `function` is valid.
    let foreign = unsafe { &*function };
    // SAFETY: by the contract `buffer` has this room.
    let buffer = unsafe { core::slice::from_raw_parts_mut(buffer, CAPABILITY_SIZE) };
    match index {
        0 => match foreign.plan(aperture) {
            Some(plan) => put(buffer, &ZpciBase::new(&foreign.function(), foreign.handle(), plan.aperture)),
            None => 0,
        },
        1 => put(buffer, &ZpciGroup::new(&foreign.group())),
        2 => ZpciUtilityString::new(&foreign.function()).map_or(0, |capability| put(buffer, &capability)),
        3 => put(buffer, &ZpciPath::new(&foreign.function())),
        _ => -1,
    }
}

fn put<T: IntoBytes + zerocopy::Immutable>(buffer: &mut [u8], capability: &T) -> i32 {
    match capability.write_to_prefix(buffer) {
        Ok(()) => size_of::<T>() as i32,
        Err(_) => 0,
    }
}
