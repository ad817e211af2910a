// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! MPCIFC until the machine is not busy.

use clp::{ConditionCode, FunctionHandle};
use s390_iommu::{Fib, FunctionControl, Instruction, Outcome, Zpci};

/// Issues an operation until the machine is not busy, or the seam says that it was for too long; returns the last answer.
///
/// # Safety
///
/// As for [`Zpci::mpcifc`].
pub(crate) unsafe fn modify<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    control: FunctionControl,
    fib: &Fib,
) -> Outcome {
    let mut busy = 1;
    loop {
        // SAFETY: by the contract of the caller.
        let outcome = unsafe { zpci.mpcifc(function, control, fib) };
        if outcome.cc != ConditionCode::Two || !zpci.pause(Instruction::Mpcifc, busy) {
            return outcome;
        }
        busy = busy.saturating_add(1);
    }
}
