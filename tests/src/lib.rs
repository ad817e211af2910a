// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tests of `clp` and `s390-iommu`, written once and run in several places.
//!
//! A [`Case`] needs nothing but a [`Machine`]. The list of cases is run on the host against a fake machine, in the
//! bare-metal image and in a Linux guest; each place prints KTAP. This part needs neither `std` nor a heap. The
//! feature `std` adds what only a host has.
#![no_std]
#![expect(clippy::result_large_err, reason = "without a heap the message of a failure has no other place")]

#[cfg(feature = "std")]
extern crate std;

mod case;
mod cases;
#[cfg(feature = "std")]
pub mod fake;
mod ktap;
mod machine;
mod message;
pub mod middleware;
#[cfg(feature = "std")]
pub mod model;
mod read;
mod runner;

pub use case::{Case, Group, Stop, Verdict};
pub use cases::{cases, device_cases};
pub use ktap::Ktap;
pub use machine::{Device, DmaError, Machine};
pub use message::Message;
pub use read::read;
pub use runner::{run, Summary};
