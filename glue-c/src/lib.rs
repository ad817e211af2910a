// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The C boundary: exports for a kernel shim, and nothing else.
//!
//! `include/zpci_rust.h` is the truth about what crosses; this crate implements it. C holds kernel objects, locks and
//! lists; the crates below hold decisions and bytes. Every export takes integers and pointers with a documented
//! extent, returns 0 or a negative errno unless it says otherwise, never unwinds, and calls C only through the
//! functions of [`kernel`], which are ordinary symbols, so that the object has no indirect branch.
#![no_std]

pub mod attachment;
mod capability;
pub mod commands;
pub mod container;
mod errno;
pub mod function;
pub mod interrupts;
pub mod kernel;
pub mod limits;
pub mod measurement;
pub mod range;
pub mod reclaim;
pub mod table;
pub mod user_commands;
pub mod vfio;
