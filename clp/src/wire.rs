// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Wire structures, byte for byte: one module for each command.

use crate::field::Layout;
use crate::header::{REQUEST_HEADER, RESPONSE_HEADER};

pub mod immediate;
pub mod list_pci;
pub mod mio;
pub mod query_pci_fn;
pub mod query_pci_fngrp;
pub mod set_pci_fn;
pub mod slpc;

/// The fields of every structure of CLP.
pub static LAYOUTS: [&Layout; 15] = [
    &REQUEST_HEADER,
    &RESPONSE_HEADER,
    &list_pci::REQUEST,
    &list_pci::RESPONSE,
    &list_pci::ENTRY,
    &query_pci_fn::REQUEST,
    &query_pci_fn::RESPONSE,
    &query_pci_fngrp::REQUEST,
    &query_pci_fngrp::RESPONSE,
    &set_pci_fn::REQUEST,
    &set_pci_fn::RESPONSE,
    &slpc::REQUEST,
    &slpc::RESPONSE,
    &mio::MIO_INFO,
    &mio::MIO_ADDRESS,
];
