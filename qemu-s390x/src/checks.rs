// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the image does to each function, and how it judges the outcome.

mod any_device;
mod disk;
mod entropy;
mod interrupts;
mod life_cycle;
mod places;
mod recovery;
mod refusal;
mod together;
mod transfers;

pub(crate) use life_cycle::LifeCycle;
pub(crate) use together::{together, Candidates};
pub(crate) use transfers::{interrupts, refused, transfers, Driver};
