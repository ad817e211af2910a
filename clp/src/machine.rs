// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The seam between this crate and the machine.

use crate::{Block, ConditionCode, LogicalProcessor};

/// The CLP instruction, and nothing else.
///
/// Implemented with inline assembly on s390x and in memory by the fake machine of the tests.
pub trait Clp {
    /// Executes CLP with `block` as the command block; the machine stores the response in place.
    ///
    /// The result is the condition code. An implementation that takes a program check instead returns
    /// [`ConditionCode::Three`], as Linux does (`arch/s390/pci/pci_clp.c`).
    fn call(&self, processor: LogicalProcessor, block: &mut Block) -> ConditionCode;

    /// Executes the immediate form of CLP, which has no block: `command` is the value in R2.
    ///
    /// # Errors
    ///
    /// The condition code when it is not zero; [`ConditionCode::Three`] stands for a program check too.
    fn immediate(&self, command: u64) -> Result<u64, ConditionCode>;
}
