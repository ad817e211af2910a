// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! SIC of a guest, and which adapter interruptions it wants to hear of.

use s390_iommu::guest::{Sic, Suppression};
use static_assertions::const_assert;

/// Bytes of a `struct zpci_suppression`.
pub const ZPCI_SUPPRESSION_SIZE: usize = 2;

/// The modes of the eight interruption subclasses of a guest.
#[derive(Debug)]
#[repr(C)]
pub struct ForeignSuppression {
    opaque: [u8; ZPCI_SUPPRESSION_SIZE],
}

const_assert!(size_of::<Suppression>() <= size_of::<ForeignSuppression>());
const_assert!(align_of::<Suppression>() <= align_of::<ForeignSuppression>());

/// Makes the modes of a guest that was just reset: every interruption is presented.
///
/// # Safety
///
/// `suppression` is storage for them.
#[no_mangle]
pub unsafe extern "C" fn zpci_suppression_init(suppression: *mut ForeignSuppression) {
    // SAFETY: by the contract; the modes fit into the storage and own nothing.
    unsafe { suppression.cast::<Suppression>().write(Suppression::new()) };
}

/// SIC with `r1` and `r3`; 0 if it is done, with condition code 0, or the code of a program interruption.
///
/// # Safety
///
/// `suppression` was initialised and is used by nobody else meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_sic(suppression: *mut ForeignSuppression, r1: u64, r3: u64) -> u16 {
    match Sic::decode(r1, r3) {
        Ok(request) => {
            // SAFETY: by the contract.
            unsafe { &mut *suppression.cast::<Suppression>() }.set(request);
            0
        }
        Err(code) => code as u16,
    }
}

/// Takes note of an adapter interruption of `subclass`, 0 to 7; whether the guest gets it.
///
/// # Safety
///
/// As for `zpci_sic()`.
#[no_mangle]
pub unsafe extern "C" fn zpci_suppression_present(suppression: *mut ForeignSuppression, subclass: u8) -> bool {
    // SAFETY: by the contract.
    unsafe { &mut *suppression.cast::<Suppression>() }.present(subclass)
}
