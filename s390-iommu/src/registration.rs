// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Registering a table for a function: every operand is checked before the instruction.
//!
//! MPCIFC ends in a program check, not in a condition code, when the designation type or the addresses do not suit
//! the function, and Linux has no fixup for it: QEMU's guests stop (measured).

use core::fmt;
use core::sync::atomic::{fence, Ordering};

use clp::{DesignationTypes, Function, FunctionGroup, FunctionHandle};

use crate::action::{Action, Request};
use crate::address::Iova;
use crate::fib::Fib;
use crate::iota::Iota;
use crate::range::IovaRange;
use crate::zpci::{FunctionControl, Outcome, Zpci};

/// What a function takes for translation, as CLP told it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// All addresses that the function can put on the bus.
    pub window: IovaRange,
    /// The kinds of roots that it understands.
    pub designation_types: DesignationTypes,
    /// Whether it may do without translation.
    pub relaxed_translation: bool,
}

impl Limits {
    /// The limits of a function and its group; nothing where the function has no whole page to address.
    pub fn new(function: &Function, group: &FunctionGroup) -> Option<Self> {
        Some(Self {
            window: IovaRange::within(Iova::new(function.start_dma), Iova::new(function.end_dma))?,
            designation_types: group.designation_types,
            relaxed_translation: group.relaxed_translation,
        })
    }
}

/// Makes `function` translate the addresses of `aperture` through `iota`.
///
/// The table must exist until [`deregister`] succeeded or the function is disabled. `again` is called with the number
/// of busy answers so far; it pauses and tells whether to ask again.
///
/// # Errors
///
/// * [`RegisterError::NotEnabled`], [`RegisterError::DesignationType`], [`RegisterError::Translation`],
///   [`RegisterError::OutsideWindow`] before any instruction is issued.
/// * [`RegisterError::Refused`] if the machine did not do it.
pub fn register<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    limits: &Limits,
    aperture: IovaRange,
    iota: Iota,
    again: impl FnMut(u32) -> bool,
) -> Result<(), RegisterError> {
    check(function, limits, aperture, iota)?;
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

/// Sees that the operands of a registration suit the function.
fn check(function: FunctionHandle, limits: &Limits, aperture: IovaRange, iota: Iota) -> Result<(), RegisterError> {
    if !function.is_enabled() {
        return Err(RegisterError::NotEnabled(function));
    }
    if iota.translation() {
        let designation_type = iota.designation_type();
        if !limits.designation_types.supports(designation_type) {
            return Err(RegisterError::DesignationType {
                wanted: designation_type,
                supported: limits.designation_types,
            });
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
    let mut busy = 0;
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
            Self::Refused { function, request, outcome, .. } => {
                write!(f, "{request:?} for function {function}: {outcome}")
            }
        }
    }
}

impl core::error::Error for RegisterError {}
