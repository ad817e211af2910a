// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Registering a table for a function: every operand is checked before the instruction.
//!
//! MPCIFC ends in a program check, not in a condition code, when the designation type or the addresses do not suit
//! the function, and Linux has no fixup for it: QEMU's guests stop (measured).

use core::fmt;
use core::sync::atomic::{fence, Ordering};

use clp::{DesignationTypes, FunctionHandle};

use crate::format::fib::Fib;
use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::format::table_type::Root;
use crate::machine::action::{Action, Request};
use crate::machine::limits::Limits;
use crate::machine::zpci::{FunctionControl, Outcome, Zpci};

/// Makes `function` translate the addresses of `aperture` through `iota`.
///
/// The table must exist until [`deregister`] succeeded or the function is disabled. `again` is called with the number
/// of busy answers so far, 1 or more; it pauses and tells whether to ask again.
///
/// # Errors
///
/// * [`RegisterError::NotEnabled`], or what [`check_registration`] says, before any instruction is issued.
/// * [`RegisterError::Refused`] if the machine did not do it.
pub fn register<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    limits: &Limits,
    aperture: IovaRange,
    iota: Iota,
    again: impl FnMut(u32) -> bool,
) -> Result<(), RegisterError> {
    if !function.is_enabled() {
        return Err(RegisterError::NotEnabled(function));
    }
    check_registration(limits, aperture, iota)?;
    // The stores that built the table come before the machine reads it.
    fence(Ordering::SeqCst);
    let fib = Fib::translation(aperture, iota);
    control(zpci, function, FunctionControl::REGISTER_IOAT, &fib, Request::Register, again)
}

/// Ends translation for `function`; it can do no DMA then.
///
/// # Errors
///
/// [`RegisterError::Refused`] if the machine did not do it. That nothing was registered is no error.
pub fn deregister<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    again: impl FnMut(u32) -> bool,
) -> Result<(), RegisterError> {
    match control(zpci, function, FunctionControl::DEREGISTER_IOAT, &Fib::ZERO, Request::Deregister, again) {
        Err(RegisterError::Refused { action: Action::AlreadyDone, .. }) => Ok(()),
        result => result,
    }
}

/// Brings `function` out of its error state.
///
/// # Errors
///
/// [`RegisterError::Refused`] if the machine did not do it, also where there was no error to reset.
pub fn reset_error<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    again: impl FnMut(u32) -> bool,
) -> Result<(), RegisterError> {
    control(zpci, function, FunctionControl::RESET_ERROR, &Fib::ZERO, Request::ResetError, again)
}

/// Sees that a function with `limits` can translate the addresses of `aperture` through `iota`.
///
/// [`register`] does this by itself; it is here for those who want to know before they detach from something else.
///
/// # Errors
///
/// * [`RegisterError::DesignationType`] if the function does not understand this kind of root.
/// * [`RegisterError::Translation`] if `iota` is [`Iota::IDENTITY`] and the function cannot do without translation.
/// * [`RegisterError::OutsideWindow`] if the function cannot address all of `aperture`.
/// * [`RegisterError::OutsideTable`] if the table cannot translate all of `aperture`.
pub fn check_registration(limits: &Limits, aperture: IovaRange, iota: Iota) -> Result<(), RegisterError> {
    if iota.translation() {
        let wanted = iota.designation_type();
        let root = Root::ALL.into_iter().find(|root| root.designation_type() == wanted);
        let (Some(root), true) = (root, limits.designation_types.supports(wanted)) else {
            return Err(RegisterError::DesignationType { wanted, supported: limits.designation_types });
        };
        let table = IovaRange::up_to(root.last());
        if !table.contains(aperture) {
            return Err(RegisterError::OutsideTable { aperture, table });
        }
    } else if !limits.relaxed_translation {
        return Err(RegisterError::Translation);
    }
    if !limits.window.contains(aperture) {
        return Err(RegisterError::OutsideWindow { aperture, window: limits.window });
    }
    Ok(())
}

fn control<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    control: FunctionControl,
    fib: &Fib,
    request: Request,
    mut again: impl FnMut(u32) -> bool,
) -> Result<(), RegisterError> {
    let mut busy = 1;
    loop {
        let outcome = zpci.mpcifc(function, control, fib);
        match Action::of(request, outcome) {
            Action::Done => return Ok(()),
            Action::Again if again(busy) => busy = busy.saturating_add(1),
            action => return Err(RegisterError::Refused { function, request, action, outcome }),
        }
    }
}

/// Why a function does not translate as asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The handle is that of a function which is not enabled.
    NotEnabled(FunctionHandle),
    /// The function does not understand this kind of root.
    DesignationType {
        /// Designation type of the table.
        wanted: u8,
        /// What the function understands.
        supported: DesignationTypes,
    },
    /// The function cannot do without translation.
    Translation,
    /// The function cannot address all of the aperture.
    OutsideWindow {
        /// What was to be translated.
        aperture: IovaRange,
        /// What the function can address.
        window: IovaRange,
    },
    /// The table cannot translate all of the aperture.
    OutsideTable {
        /// What was to be translated.
        aperture: IovaRange,
        /// What the table can translate.
        table: IovaRange,
    },
    /// The machine refused.
    Refused {
        /// The function.
        function: FunctionHandle,
        /// What was asked.
        request: Request,
        /// What the answer asks for; [`Action::Again`] when the caller stopped asking.
        action: Action,
        /// The answer.
        outcome: Outcome,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnabled(function) => write!(f, "function {function} is not enabled"),
            Self::DesignationType { wanted, supported } => {
                write!(f, "designation type {wanted} is not among those of the function (DTSM {:#04x})", supported.0)
            }
            Self::Translation => f.write_str("the function cannot do without translation"),
            Self::OutsideWindow { aperture, window } => {
                write!(f, "{aperture} is not within {window}, what the function can address")
            }
            Self::OutsideTable { aperture, table } => {
                write!(f, "{aperture} is not within {table}, what the table can translate")
            }
            Self::Refused { function, request, outcome, .. } => {
                write!(f, "{request:?} for function {function}: {outcome}")
            }
        }
    }
}

impl core::error::Error for RegisterError {}
