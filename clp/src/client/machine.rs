// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The seam between this crate and the machine.

use crate::code::{ConditionCode, LogicalProcessor};
use crate::command::Command;

/// The CLP instruction, and the pause after a busy answer.
///
/// Implemented with inline assembly on s390x and in memory by the fake machine of the tests.
pub trait Clp {
    /// Executes `command` for `processor`; the machine stores the response in its block.
    ///
    /// Returns the condition code. An implementation that takes a program check instead returns
    /// [`ConditionCode::Three`], as Linux does (`arch/s390/pci/pci_clp.c`).
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode;

    /// Executes the immediate form of CLP, which has no block: `command` is the value in R2.
    ///
    /// # Errors
    ///
    /// The condition code when it is not zero; [`ConditionCode::Three`] stands for a program check too.
    fn immediate(&self, command: u64) -> Result<u64, ConditionCode>;

    /// Waits before a function that was busy is asked again; `busy` is how many answers to the same SET PCI FN were
    /// busy so far, 1 or more.
    ///
    /// Returns `false` to give up: nothing else bounds how often a busy function is asked. Linux waits for 20 ms, up to
    /// 100 times (`clp_set_pci_fn`, `arch/s390/pci/pci_clp.c`). Lists and queries never wait.
    fn pause(&self, busy: u32) -> bool;
}
