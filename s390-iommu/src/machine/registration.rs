// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Registering a table for a function: every operand is checked before the instruction.
//!
//! MPCIFC ends in a program check, not in a condition code, when the designation type or the addresses do not suit
//! the function, and Linux has no fixup for it: QEMU's guests stop (measured).

use core::fmt;

use clp::{DesignationTypes, FunctionHandle};

use crate::format::fib::Fib;
use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::format::table_type::Root;
use crate::machine::action::{Action, Request};
use crate::machine::gate::{Gate, NoGate};
use crate::machine::limits::Limits;
use crate::machine::zpci::{FunctionControl, Instruction, Outcome, Zpci};
use crate::table::fence_tables;

/// Makes `function` translate the addresses of `aperture` through `iota`.
///
/// [`Attachment`](crate::Attachment) does this for a table, and more; this is for who keeps the state of a function
/// itself.
///
/// # Errors
///
/// * [`RegisterError::NotEnabled`], or what [`check_registration`] returns, before any instruction is issued.
/// * [`RegisterError::Refused`] if the machine did not do it.
///
/// # Safety
///
/// `limits` must be those of the function, as CLP reports them: MPCIFC traps for others. If `iota` designates a table, it
/// must be that of a [`TranslationTable`](crate::TranslationTable), which must not be dropped until [`deregister`]
/// succeeded or the function was disabled. What is mapped in it meanwhile is the device's to read and write, and with
/// [`Iota::IDENTITY`] all of storage is.
#[doc(alias = "zpci_register_ioat")]
pub unsafe fn register<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    limits: &Limits,
    aperture: IovaRange,
    iota: Iota,
) -> Result<(), RegisterError> {
    if !function.is_enabled() {
        return Err(RegisterError::NotEnabled(function));
    }
    check_registration(limits, aperture, iota)?;
    let fib = limits.registration(aperture, iota);
    // SAFETY: the operands were checked; the caller answers for what the anchor designates.
    unsafe { control(zpci, &NoGate, || function, FunctionControl::REGISTER_IOAT, &fib, Request::Register, |_| {}) }
}

/// Ends translation for `function`; it can do no DMA then.
///
/// # Errors
///
/// [`RegisterError::Refused`] if the machine did not do it. That nothing was registered is no error.
#[doc(alias = "zpci_unregister_ioat")]
pub fn deregister<Z: Zpci>(zpci: &Z, function: FunctionHandle) -> Result<(), RegisterError> {
    match take_back(zpci, &NoGate, || function, FunctionControl::DEREGISTER_IOAT, Request::Deregister, |_| {}) {
        Err(RegisterError::Refused { action: Action::AlreadyDone, .. }) => Ok(()),
        result => result,
    }
}

/// Brings `function` out of its error state.
///
/// # Errors
///
/// [`RegisterError::Refused`] if the machine did not do it, also if there was no error to reset.
pub fn reset_error<Z: Zpci>(zpci: &Z, function: FunctionHandle) -> Result<(), RegisterError> {
    take_back(zpci, &NoGate, || function, FunctionControl::RESET_ERROR, Request::ResetError, |_| {})
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

/// Issues an operation that takes something from the function, and so needs no parameter.
pub(crate) fn take_back<Z: Zpci, G: Gate>(
    zpci: &Z,
    gate: &G,
    function: impl Fn() -> FunctionHandle,
    operation: FunctionControl,
    request: Request,
    answered: impl FnMut(Action),
) -> Result<(), RegisterError> {
    debug_assert!(matches!(operation, FunctionControl::DEREGISTER_IOAT | FunctionControl::RESET_ERROR));
    // SAFETY: neither operation reads the block, and both only end what a device may do or let it go on with what it
    // is registered for.
    unsafe { control(zpci, gate, function, operation, &Fib::ZERO, request, answered) }
}

/// Issues an operation until the machine is not busy, each try behind the closed `gate`, where `function` says for whom,
/// and hands each answer to `answered` before the gate opens again. The wait between two tries is outside of it.
///
/// # Safety
///
/// As for [`Zpci::mpcifc`].
pub(crate) unsafe fn control<Z: Zpci, G: Gate>(
    zpci: &Z,
    gate: &G,
    function: impl Fn() -> FunctionHandle,
    operation: FunctionControl,
    fib: &Fib,
    request: Request,
    mut answered: impl FnMut(Action),
) -> Result<(), RegisterError> {
    let mut busy = 1;
    loop {
        let (function, outcome, action) = gate.exclusive(|| {
            let function = function();
            // The stores that built the table come before the machine reads it.
            fence_tables();
            // SAFETY: by the contract of the caller.
            let outcome = unsafe { zpci.mpcifc(function, operation, fib) };
            let action = Action::of(request, outcome);
            answered(action);
            (function, outcome, action)
        });
        match action {
            Action::Done => return Ok(()),
            Action::Again if zpci.pause(Instruction::Mpcifc, busy) => busy = busy.saturating_add(1),
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
        /// What the answer asks for; [`Action::Again`] if the wait ended.
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
