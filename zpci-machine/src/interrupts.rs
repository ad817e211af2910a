// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the interrupts of a function are noted: registered with every operand checked, and taken back.

use core::fmt;

use clp::{ConditionCode, FunctionGroup, FunctionHandle};
use s390_iommu::{
    AbsoluteAddress, Fib, FunctionControl, InterruptParameters, InterruptVector, InterruptVectorError, Outcome, Status,
    Zpci,
};

use crate::modify::modify;

/// Adapter interrupts of one function: which subclass presents them, and where their bits are.
///
/// A device sends interrupt n by writing n to the group's [MSI address](clp::FunctionGroup::msi_address), as its MSI-X table
/// says. The machine sets bit `vector_offset` + n of the vector, then the summary bit, and presents an interruption if that
/// was 0: QEMU looks at the whole byte of it, so a program takes all the summary bits of a byte at once, as
/// [`take_all`](s390_iommu::InterruptBits::take_all) does.
///
/// Several functions may share a subclass and a vector of summary bits, each with its own bit. Bits count from the most
/// significant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InterruptRegistration {
    /// Interruption subclass (ISC), 0 to 7.
    pub subclass: u8,
    /// Number of interrupts (NOI), 1 to what the group has.
    pub count: u16,
    /// The vector (AIBV), at a multiple of 8.
    pub vector: AbsoluteAddress,
    /// Bit of the vector that stands for interrupt 0 (AIBVO), 0 to 63.
    pub vector_offset: u8,
    /// The doubleword with the summary bit (AISB), at a multiple of 8.
    pub summary: AbsoluteAddress,
    /// The summary bit in it (AISBO), 0 to 63.
    pub summary_offset: u8,
}

impl InterruptRegistration {
    /// Checks everything that can be known beforehand, for a function of `group`.
    ///
    /// # Errors
    ///
    /// * [`InterruptError::Count`] if there are no interrupts, or more than the group has.
    /// * [`InterruptError::Unaligned`] if the vector or the summary bit is not at a multiple of 8. Linux puts both there; no
    ///   public source says what a machine does otherwise.
    /// * [`InterruptError::Vector`] if a field does not hold its value, or the vector leaves its page.
    /// * [`InterruptError::Overlap`] if the summary bit is in a byte of the vector.
    pub fn parameters(&self, group: &FunctionGroup) -> Result<InterruptParameters, InterruptError> {
        let Self { subclass, count, vector, vector_offset, summary, summary_offset } = *self;
        if !(1..=group.max_interrupts).contains(&count) {
            return Err(InterruptError::Count { wanted: count, most: group.max_interrupts });
        }
        for address in [vector, summary] {
            if !address.get().is_multiple_of(8) {
                return Err(InterruptError::Unaligned(address));
            }
        }
        let parameters =
            InterruptVector::parameters(subclass, count, (vector, vector_offset), (summary, summary_offset))
                .map_err(InterruptError::Vector)?;
        let checked = InterruptVector::new(&parameters).map_err(InterruptError::Vector)?;
        if let (Some(first), Some(last), Some(bit)) = (checked.bit(0), checked.bit(count - 1), checked.summary()) {
            if (first.byte.get()..=last.byte.get()).contains(&bit.byte.get()) {
                return Err(InterruptError::Overlap(bit.byte));
            }
        }
        Ok(parameters)
    }
}

/// Registers the interrupts of `function`, which is of `group`, by MPCIFC with operation control 2.
///
/// # Errors
///
/// * [`InterruptError::NotEnabled`], or what [`InterruptRegistration::parameters`] returns, before any instruction is issued.
/// * [`InterruptError::AlreadyRegistered`] if the function has interrupts, which stay as they are.
/// * [`InterruptError::Refused`] with what the machine answered else.
///
/// # Safety
///
/// The bytes of the vector and of the summary bit are storage that the machine may write until [`deregister_interrupts`]
/// succeeded or the function was disabled; the program accesses them by atomic operations meanwhile.
pub unsafe fn register_interrupts<Z: Zpci>(
    zpci: &Z,
    function: FunctionHandle,
    group: &FunctionGroup,
    registration: &InterruptRegistration,
) -> Result<(), InterruptError> {
    if !function.is_enabled() {
        return Err(InterruptError::NotEnabled(function));
    }
    let interrupts = registration.parameters(group)?;
    let fib = Fib { interrupts, ..Fib::ZERO };
    // SAFETY: the operands were checked; the caller answers for the storage.
    match unsafe { modify(zpci, function, FunctionControl::REGISTER_INTERRUPTS, &fib) } {
        Outcome { cc: ConditionCode::Zero, .. } => Ok(()),
        Outcome { cc: ConditionCode::One, status: Status::SEQUENCE } => Err(InterruptError::AlreadyRegistered),
        outcome => Err(InterruptError::Refused(outcome)),
    }
}

/// Ends the interrupts of `function`, by MPCIFC with operation control 3.
///
/// The device is made to send none before, by the mask of its MSI-X capability: QEMU 10.0.2 takes what a device sends then for
/// an interrupt whose bits are at absolute address 0, of subclass 0 (`s390_msi_ctrl_write()`, `hw/s390x/s390-pci-bus.c`).
///
/// # Errors
///
/// [`InterruptError::Refused`] if the machine did not do it. That none were registered, or that the function is not there any
/// more, is no error, as in Linux (`arch/s390/pci/pci_irq.c`).
pub fn deregister_interrupts<Z: Zpci>(zpci: &Z, function: FunctionHandle) -> Result<(), InterruptError> {
    // SAFETY: the operation reads nothing of the block, and only ends what the machine may write.
    match unsafe { modify(zpci, function, FunctionControl::DEREGISTER_INTERRUPTS, &Fib::ZERO) } {
        Outcome { cc: ConditionCode::Zero | ConditionCode::Three, .. }
        | Outcome { cc: ConditionCode::One, status: Status::SEQUENCE } => Ok(()),
        outcome => Err(InterruptError::Refused(outcome)),
    }
}

/// Why a function has, or still has, no interrupts as asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InterruptError {
    /// The handle is that of a function which is not enabled.
    NotEnabled(FunctionHandle),
    /// A number of interrupts that the group does not have.
    Count {
        /// How many were wanted.
        wanted: u16,
        /// How many there can be.
        most: u16,
    },
    /// Not a multiple of 8.
    Unaligned(AbsoluteAddress),
    /// The parameters describe no vector.
    Vector(InterruptVectorError),
    /// The summary bit is in this byte of the vector.
    Overlap(AbsoluteAddress),
    /// The function has interrupts already.
    AlreadyRegistered,
    /// The machine refused; condition code 2 if it was busy for too long.
    Refused(Outcome),
}

impl fmt::Display for InterruptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnabled(function) => write!(f, "function {function} is not enabled"),
            Self::Count { wanted, most } => write!(f, "{wanted} interrupts, of 1 to {most}"),
            Self::Unaligned(address) => write!(f, "{address} is no multiple of 8"),
            Self::Vector(error) => error.fmt(f),
            Self::Overlap(byte) => write!(f, "the summary bit is in byte {byte} of the vector"),
            Self::AlreadyRegistered => f.write_str("the function has interrupts already"),
            Self::Refused(outcome) => write!(f, "interrupts: {outcome}"),
        }
    }
}

impl core::error::Error for InterruptError {}
