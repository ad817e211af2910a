// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The C boundary for a VMM: a guest's CLP, MPCIFC, STPCIFC, RPCIT and SIC, its events and measurement blocks.
//!
//! `include/zpci_vmm.h` is made of these sources. Storage is the caller's, nothing is allocated, and there is no state
//! beside what the caller holds. No function is called for the same object by two threads at a time. Numbers are in the
//! byte order of the host; what is a block of the machine is an array of bytes.
//!
//! What each function does is in [`s390_iommu::guest`] and [`clp::responder`], of which this is a thin shell.
#![no_std]

pub mod answer;
pub mod commands;
pub mod event;
pub mod function;
pub mod groups;
pub mod host;
pub mod measurement;
pub mod slot;
pub mod suppression;

/// The standard library has one; a kernel has no use for this library.
extern crate std as _;
