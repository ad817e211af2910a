// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the machine counts what a function does.

use core::fmt;

use clp::{ConditionCode, FunctionHandle};
use s390_iommu::{AbsoluteAddress, Fib, FunctionControl, Outcome, Zpci, PAGE_SIZE};

use crate::modify::modify;

/// What a measurement block must be aligned to: the low four bits of its address are a storage key.
const ALIGNMENT: u64 = 16;

/// Bytes that every format has, and that QEMU 10.0.2 writes though it says that a block has none.
const COMMON: u16 = 48;

/// Has the machine update a measurement block of `function` every
/// [interval](clp::FunctionGroup::measurement_interval_ms), by MPCIFC with operation control 10.
///
/// `length` is that of the block in bytes, as the function says ([`fmb_length`](clp::Function::fmb_length)). QEMU 10.0.2 says 0
/// and writes the [48 bytes](s390_iommu::Measurement) that all formats have; it counts from the last [`stop_measurement`] or
/// reset on, not from here.
///
/// # Errors
///
/// * [`MeasureError::NotEnabled`] for the handle of a disabled function.
/// * [`MeasureError::Block`] if `block` is 0, no multiple of 16, or does not lie in one page, 48 bytes of it at least. No
///   instruction is issued.
/// * [`MeasureError::Refused`] with what the machine answered.
///
/// # Safety
///
/// The block, of `length` bytes and 48 at least, is storage that the machine may write until [`stop_measurement`] succeeded
/// or the function was disabled; the program reads it doubleword by doubleword
/// ([`Measurement::read`](s390_iommu::Measurement::read)) meanwhile.
pub unsafe fn set_measurement<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    block: AbsoluteAddress,
    length: u16,
) -> Result<(), MeasureError> {
    if !function.is_enabled() {
        return Err(MeasureError::NotEnabled(function));
    }
    let at = block.get();
    let length = u64::from(length.max(COMMON));
    if at == 0 || !at.is_multiple_of(ALIGNMENT) || at % PAGE_SIZE + length > PAGE_SIZE {
        return Err(MeasureError::Block(block));
    }
    let fib = Fib { measurement_block: at.into(), ..Fib::ZERO };
    // SAFETY: the operand was checked; the caller answers for the storage.
    answer(unsafe { modify(zpci, function, FunctionControl::SET_MEASUREMENT, &fib) })
}

/// Ends the measurement of `function`, by the same operation without a block.
///
/// # Errors
///
/// [`MeasureError::Refused`] with what the machine answered. That nothing was measured is no error.
pub fn stop_measurement<Z: Zpci>(zpci: &Z, function: FunctionHandle) -> Result<(), MeasureError> {
    // SAFETY: the operation only ends what the machine may write.
    answer(unsafe { modify(zpci, function, FunctionControl::SET_MEASUREMENT, &Fib::ZERO) })
}

fn answer(outcome: Outcome) -> Result<(), MeasureError> {
    match outcome.cc {
        ConditionCode::Zero => Ok(()),
        _ => Err(MeasureError::Refused(outcome)),
    }
}

/// Why a function is not measured, or still is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MeasureError {
    /// The handle is that of a function which is not enabled.
    NotEnabled(FunctionHandle),
    /// No place for a measurement block.
    Block(AbsoluteAddress),
    /// The machine refused; condition code 2 if it was busy for too long.
    Refused(Outcome),
}

impl fmt::Display for MeasureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnabled(function) => write!(f, "function {function} is not enabled"),
            Self::Block(block) => write!(f, "no measurement block can lie at {block}"),
            Self::Refused(outcome) => write!(f, "measurement: {outcome}"),
        }
    }
}

impl core::error::Error for MeasureError {}
