// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How an instruction of the guest ends.

use core::fmt;

use clp::ConditionCode;

use crate::format::error_event::ErrorEvent;
use crate::machine::zpci::Status;

/// How an instruction ends, and what becomes of its request register.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "the guest waits for the end of its instruction"]
pub struct Answer {
    /// How the instruction ends.
    pub end: End,
    /// What R1 holds afterwards; what it held, after a program check.
    pub register: u64,
    /// An error event that the guest is to get, by an [`EventQueue`](crate::guest::EventQueue).
    pub event: Option<ErrorEvent>,
}

/// How an instruction ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum End {
    /// With a condition code.
    Condition(ConditionCode),
    /// With a program interruption; Linux has no fixup for it but on CLP, and loads and stores.
    ProgramCheck(ProgramInterruption),
}

/// Code of a program interruption, as z/Architecture numbers them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u16)]
pub enum ProgramInterruption {
    /// Operation exception: there is no such instruction.
    Operation = 0x01,
    /// Privileged-operation exception.
    PrivilegedOperation = 0x02,
    /// Specification exception: a register number or an address that is not aligned.
    Specification = 0x06,
    /// Operand exception.
    Operand = 0x15,
}

/// Where the status is in a request register.
const STATUS_SHIFT: u32 = 24;

impl Answer {
    /// Condition code `cc`; `register` as it was.
    pub const fn condition(register: u64, cc: ConditionCode) -> Self {
        Self { end: End::Condition(cc), register, event: None }
    }

    /// Condition code 0.
    pub const fn done(register: u64) -> Self {
        Self::condition(register, ConditionCode::Zero)
    }

    /// Condition code 3: no function has the handle. Also what a handle gets that no function of the guest has.
    pub const fn not_there(register: u64) -> Self {
        Self::condition(register, ConditionCode::Three)
    }

    /// Condition code 1, with `status` in byte 4 of the register, counted from the most significant.
    pub const fn status(register: u64, status: Status) -> Self {
        let others = register & !(0xff << STATUS_SHIFT);
        Self::condition(others | (status.0 as u64) << STATUS_SHIFT, ConditionCode::One)
    }

    /// A program interruption.
    pub const fn program_check(register: u64, code: ProgramInterruption) -> Self {
        Self { end: End::ProgramCheck(code), register, event: None }
    }

    /// The same answer, with an event.
    pub(super) const fn with_event(self, event: ErrorEvent) -> Self {
        Self { event: Some(event), ..self }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(cc) => cc.fmt(f),
            Self::ProgramCheck(code) => write!(f, "program interruption {:#06x}", *code as u16),
        }
    }
}
