// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Wire structures, byte for byte: one module for each command.

pub mod immediate;
pub mod list_pci;
pub mod mio;
pub mod query_pci_fn;
pub mod query_pci_fngrp;
pub mod set_pci_fn;
pub mod slpc;
