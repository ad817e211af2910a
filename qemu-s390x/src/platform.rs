// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The seam between what the image does and the machine it does it on.

use clp::FunctionHandle;
use s390_iommu::{ErrorEvent, Fib, Outcome};
use zpci_machine::LoadStoreError;
use zpci_tests::Machine;

use crate::frames::Frames;
use crate::pci::{Space, Width};
use crate::processor::Processor;

/// What the image needs beyond what the shared cases need: the instructions that reach a device, a clock, and a place to
/// run a case in.
pub trait Platform: Machine + Frames {
    /// Whether facility `number` is installed.
    fn has_facility(&self, number: u16) -> bool;

    /// A clock in microseconds.
    fn microseconds(&self) -> u64;

    /// PCILG; the value is in the program's byte order.
    ///
    /// # Errors
    ///
    /// [`LoadStoreError`] with what came instead of condition code 0.
    fn load(&self, function: FunctionHandle, space: Space, offset: u64, width: Width) -> Result<u64, LoadStoreError>;

    /// PCISTG of the low bytes of `value`, given in the program's byte order.
    ///
    /// # Errors
    ///
    /// [`LoadStoreError`] with what came instead of condition code 0.
    fn store(
        &self,
        function: FunctionHandle,
        space: Space,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), LoadStoreError>;

    /// PCISTB of `block`, whose bytes are in the order of storage, to base address register `bar`; at most `longest` bytes.
    ///
    /// # Errors
    ///
    /// [`LoadStoreError`] with what came instead of condition code 0.
    fn store_block(
        &self,
        function: FunctionHandle,
        bar: u8,
        offset: u64,
        block: &[u64],
        longest: u16,
    ) -> Result<(), LoadStoreError>;

    /// STPCIFC.
    ///
    /// # Errors
    ///
    /// The answer, if the condition code is not zero.
    fn controls(&self, function: FunctionHandle) -> Result<Fib, Outcome>;

    /// Runs a case, and returns whether it came to its end: where the stack is small, on one of its own, so that a case
    /// which panics ends nothing else.
    fn apart(&self, case: &mut dyn FnMut()) -> bool {
        case();
        true
    }

    /// The next pending event that says why a function is in error; others are passed over.
    fn error_event(&self) -> Option<ErrorEvent>;

    /// Whether the program goes on after a device was refused an access.
    fn survives_refusals(&self) -> bool {
        true
    }

    /// The processor, if its interruptions are the program's and nobody else's.
    fn processor(&self) -> Option<&dyn Processor>;
}
