// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The seam to the two instructions that translation needs.

use core::fmt;

use clp::{ConditionCode, FunctionHandle};

use crate::format::fib::Fib;
use crate::format::range::IovaRange;

/// MODIFY PCI FUNCTION CONTROLS and REFRESH PCI TRANSLATIONS, each issued once and as given, and the wait between two.
///
/// The callers in this crate check every operand before they call: neither instruction has a fixup in Linux, so an
/// operand that makes it trap stops the kernel.
pub trait Zpci {
    /// Issues MPCIFC with operation `control` for address space 0 of `function`.
    ///
    /// # Safety
    ///
    /// The caller answers for what the device can do afterwards. With [`FunctionControl::REGISTER_IOAT`] and
    /// [`FunctionControl::REREGISTER_IOAT`], `fib` must be one that the function takes without a program check, and
    /// what its anchor designates must exist until the function is deregistered or disabled. With the other operations,
    /// storage that `fib` names must be the machine's to write until the operation is undone.
    #[doc(alias = "zpci_mod_fc")]
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome;

    /// Issues RPCIT for `range`, of at most 2^63 bytes; the operands are its start and its size in bytes.
    #[doc(alias = "zpci_refresh_trans")]
    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome;

    /// Waits after the `busy`th busy answer to one `instruction`, 1 or more; returns whether to try again.
    ///
    /// This is the only bound of a wait, so an implementation returns `false` at some time.
    fn pause(&self, instruction: Instruction, busy: u32) -> bool;
}

impl<Z: Zpci + ?Sized> Zpci for &Z {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        // SAFETY: the contract is the same.
        unsafe { (**self).mpcifc(function, control, fib) }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        (**self).rpcit(function, range)
    }

    fn pause(&self, instruction: Instruction, busy: u32) -> bool {
        (**self).pause(instruction, busy)
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Instruction {
    /// MODIFY PCI FUNCTION CONTROLS. The caller may sleep.
    Mpcifc,
    /// REFRESH PCI TRANSLATIONS. The caller may not sleep.
    Rpcit,
}

/// What an instruction answered, in the machine's own terms.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Outcome {
    /// Condition code.
    pub cc: ConditionCode,
    /// Status; it means something only with condition code 1.
    pub status: Status,
}

/// Status of a zPCI instruction that ended with condition code 1; every value is representable.
///
/// Linux: `arch/s390/include/asm/pci_insn.h`.
#[doc(alias = "ZPCI_PCI_ST")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct Status(pub u8);

/// Operation control of MPCIFC, the low halfword of its request register; every value is representable.
///
/// Linux: `arch/s390/include/asm/pci_insn.h`.
#[doc(alias("ZPCI_MOD_FC", "oc"))]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct FunctionControl(pub u8);

impl Outcome {
    /// Condition code 0.
    pub const DONE: Self = Self { cc: ConditionCode::Zero, status: Status(0) };
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cc {
            ConditionCode::Zero => f.write_str("done"),
            ConditionCode::One => write!(f, "condition code 1, status {}", self.status.0),
            ConditionCode::Two => f.write_str("condition code 2 (busy)"),
            ConditionCode::Three => f.write_str("condition code 3 (function not there)"),
        }
    }
}

impl Status {
    /// A resource is not available (`4`).
    pub const NO_RESOURCE: Self = Self(4);
    /// The function is in error (`8`).
    pub const IN_ERROR: Self = Self(8);
    /// Resources do not suffice (`16`).
    pub const INSUFFICIENT_RESOURCE: Self = Self(16);
    /// Registered already, or not registered (`24`).
    pub const SEQUENCE: Self = Self(24);
    /// The DMA address space is not valid (`28`).
    pub const ADDRESS_SPACE: Self = Self(28);
    /// The function is being recovered (`40`).
    pub const RECOVERY: Self = Self(40);
}

impl FunctionControl {
    /// Register adapter interruptions (`2`).
    #[doc(alias = "ZPCI_MOD_FC_REG_INT")]
    pub const REGISTER_INTERRUPTS: Self = Self(2);
    /// Deregister adapter interruptions (`3`).
    #[doc(alias = "ZPCI_MOD_FC_DEREG_INT")]
    pub const DEREGISTER_INTERRUPTS: Self = Self(3);
    /// Register I/O address translation parameters (`4`).
    #[doc(alias = "ZPCI_MOD_FC_REG_IOAT")]
    pub const REGISTER_IOAT: Self = Self(4);
    /// Deregister I/O address translation parameters (`5`).
    #[doc(alias = "ZPCI_MOD_FC_DEREG_IOAT")]
    pub const DEREGISTER_IOAT: Self = Self(5);
    /// Replace I/O address translation parameters (`6`).
    #[doc(alias = "ZPCI_MOD_FC_REREG_IOAT")]
    pub const REREGISTER_IOAT: Self = Self(6);
    /// Reset the error state and the load/store block (`7`).
    #[doc(alias = "ZPCI_MOD_FC_RESET_ERROR")]
    pub const RESET_ERROR: Self = Self(7);
    /// Reset the load/store block only; DMA stays blocked (`9`).
    #[doc(alias = "ZPCI_MOD_FC_RESET_BLOCK")]
    pub const RESET_BLOCK: Self = Self(9);
    /// Set the measurement parameters (`10`).
    #[doc(alias = "ZPCI_MOD_FC_SET_MEASURE")]
    pub const SET_MEASUREMENT: Self = Self(10);
}
