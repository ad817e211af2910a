// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the bare-metal image does, done by a module in a Linux kernel: the shared cases, the life of a function, and
//! DMA.
//!
//! The module gives it one function that Linux does not use for the time being, storage, and a place for the results.
//! All else is the image's: the instructions, the drivers, the checks. It is test code, which may panic; a panic ends
//! the thread it happens in, and each case has one of its own.
//!
//! On any other target than that of a kernel there is nothing in it.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod exports;
#[cfg(target_os = "none")]
mod output;
#[cfg(target_os = "none")]
mod thread;
