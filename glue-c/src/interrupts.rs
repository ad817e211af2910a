// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where interrupts are written to.

use s390_iommu::MsiWindow;

use crate::function::ForeignFunction;
use crate::range::ForeignRange;

/// Whether interrupts are written to addresses that are used otherwise; `interrupts` receives them.
///
/// They cannot be mapped like the others. Of QEMU's functions none are.
///
/// # Safety
///
/// `function` must be valid; `interrupts` must be valid for writes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_interrupts(
    function: *const ForeignFunction,
    aperture_bytes: u64,
    interrupts: *mut ForeignRange,
) -> bool {
    // SAFETY: by the contract `function` is valid.
    let function = unsafe { &*function };
    let window = MsiWindow::of_group(&function.group());
    let used = function.plan(aperture_bytes).zip(window);
    let Some(range) = used.and_then(|(plan, window)| plan.aperture.intersection(window.range)) else {
        return false;
    };
    // SAFETY: by the contract `interrupts` is valid for writes.
    unsafe { interrupts.write(ForeignRange::of(range)) };
    true
}
