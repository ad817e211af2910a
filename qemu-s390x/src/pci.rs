// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! PCI as a program meets it: registers, configuration space, capabilities.
//!
//! PCI Local Bus Specification 3.0, chapter 6; how a function is reached on s390x: Linux `arch/s390/pci/pci_insn.c`.

mod access;
mod configuration;
mod msix;

pub use access::{Access, AccessError, PciFunction};
pub use configuration::{Capabilities, Capability, ClassCode, Configuration};
pub use msix::{MsiMessage, Msix};
pub use zpci_machine::{Space, Width};
