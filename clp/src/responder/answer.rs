// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the guest's instruction gets.

use super::SetRequest;
use crate::code::ConditionCode;
use crate::wire::immediate::InstalledProcessors;
use core::ops::Range;

/// What an instruction with a block gets.
#[derive(Debug)]
#[must_use = "the guest waits for the end of its instruction"]
pub enum Answer<'b> {
    /// The instruction ends; the response is in the block.
    Done(Done),
    /// The instruction ends with an operand exception, program interruption code 0x15; the block is as it was.
    OperandException,
    /// The VMM enables or disables a function and says how that went; until then the response in the block is that the
    /// function is busy.
    Set(SetRequest<'b>),
}

/// The end of an instruction with a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "the guest waits for the end of its instruction"]
pub struct Done {
    /// The condition code.
    pub condition: ConditionCode,
    /// Offset in the block of the first byte that was written.
    pub(super) offset: usize,
    /// Number of bytes that were written.
    pub(super) length: usize,
}

impl Done {
    /// Condition code `condition`, with nothing written.
    pub(super) const fn unwritten(condition: ConditionCode) -> Self {
        Self { condition, offset: 0, length: 0 }
    }

    /// Which bytes of the block the VMM copies back into guest storage; none if it is empty.
    ///
    /// All others are as they were. A VMM that copies back more undoes what other processors of the guest stored there
    /// meanwhile: a guest's block is often 4096 bytes, and what lies behind it is somebody else's.
    pub const fn written(&self) -> Range<usize> {
        self.offset..self.offset.saturating_add(self.length)
    }
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
