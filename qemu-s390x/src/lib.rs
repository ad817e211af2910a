// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the bare-metal image does, apart from the machine: it asks CLP for the functions, runs the shared cases, and
//! lets devices move data through translation tables made by `s390-iommu`.
//!
//! Everything but the module `machine` needs no more of the machine than the trait [`Platform`] and is compiled for the
//! host as well, where its parts are tested. The program for the machine is in `main.rs`; the same is done by a module
//! in a Linux kernel.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
#![expect(clippy::result_large_err, reason = "without a heap the message of a failure has no other place")]

#[expect(unsafe_code, reason = "here devices are let at storage")]
pub mod address_space;
pub mod audit;
mod checks;
#[expect(unsafe_code, reason = "an instruction that is unsafe is handed on")]
pub mod counting;
pub mod device;
pub mod disk;
pub mod dma;
pub mod enabled;
pub mod facts;
#[cfg(test)]
mod fake;
pub mod frames;
#[expect(unsafe_code, reason = "here the machine is let at storage")]
pub mod interrupts;
pub mod json;
#[cfg(target_os = "none")]
#[expect(unsafe_code, reason = "here is storage that devices share")]
pub mod machine;
#[expect(unsafe_code, reason = "here the machine is let at storage")]
pub mod measured;
pub mod nvme;
pub mod pattern;
pub mod pci;
pub mod platform;
pub mod processor;
pub mod report;
pub mod requests;
mod run;
pub mod selection;
mod stop;
pub mod virtio;

pub use frames::Frames;
pub use pci::{Space, Width};
pub use platform::Platform;
pub use processor::{Processor, Taken};
pub use run::{find, has_zpci, list, refuse, run, Functions};
pub use selection::{Refusal, Selection};
