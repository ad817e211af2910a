// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities of VFIO_DEVICE_GET_INFO.

use core::ffi::c_void;

use s390_iommu::vfio::{ProposedZpciBase, ProposedZpciGroup, Sink, ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString};

use crate::capability::KernelChain;
use crate::function::ForeignFunction;

/// Hands the capabilities of `function`, of whose window at most `aperture` bytes are used, to
/// `zpci_rust_add_capability()`. A capability that does not apply is left out. `error_event_size` is how many bytes C has
/// of an error event for user space, 0 if it hands out none. With `proposed` not 0, function and group are in the versions that
/// are only proposed to Linux.
///
/// Returns 0 or the first error of C.
///
/// # Safety
///
/// `function` must be valid; C must take capabilities with `chain`.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_vfio_capabilities(
    function: *const ForeignFunction,
    aperture: u64,
    error_event_size: u32,
    proposed: i32,
    chain: *mut c_void,
) -> i32 {
    // SAFETY: by the contract `function` is valid, and C takes capabilities with `chain`.
    let (foreign, mut chain) = unsafe { (&*function, KernelChain::new(chain)) };
    append(foreign, aperture, error_event_size, proposed != 0, &mut chain).err().unwrap_or(0)
}

fn append(
    foreign: &ForeignFunction,
    aperture: u64,
    error_event_size: u32,
    proposed: bool,
    chain: &mut KernelChain,
) -> Result<(), i32> {
    let function = foreign.function();
    if let Some(plan) = foreign.plan(aperture) {
        let base = ZpciBase::new(&function, foreign.handle(), plan.aperture);
        let base = if error_event_size == 0 { base } else { base.with_error_events(error_event_size) };
        if proposed {
            chain.append(ProposedZpciBase::new(base, &function))?;
        } else {
            chain.append(base)?;
        }
    }
    if proposed {
        chain.append(ProposedZpciGroup::new(&foreign.group()))?;
    } else {
        chain.append(ZpciGroup::new(&foreign.group()))?;
    }
    if let Some(string) = ZpciUtilityString::new(&function) {
        chain.append(string)?;
    }
    chain.append(ZpciPath::new(&function))
}
