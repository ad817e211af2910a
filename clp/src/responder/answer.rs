// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the guest's instruction gets.

use super::SetRequest;
use crate::code::ConditionCode;
use crate::wire::immediate::InstalledProcessors;

/// What an instruction with a block gets.
#[derive(Debug)]
#[must_use = "the guest waits for the end of its instruction"]
pub enum Answer<'b> {
    /// The instruction ends with this condition code; the response is in the block.
    Done(ConditionCode),
    /// The instruction ends with an operand exception, program interruption code 0x15; the block is as it was.
    OperandException,
    /// The VMM enables or disables a function and says how that went; until then the response in the block is that the
    /// function is busy.
    Set(SetRequest<'b>),
}

/// What an instruction without a block gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "the guest waits for the end of its instruction"]
pub enum ImmediateAnswer {
    /// The instruction ends with condition code 0 and this value in R1.
    Installed(InstalledProcessors),
    /// The instruction ends with this condition code.
    Condition(ConditionCode),
    /// The instruction ends with an operand exception, program interruption code 0x15.
    OperandException,
}
