// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! NVM Express: one controller, one namespace, one command at a time, without interrupts.
//!
//! NVM Express Base Specification 1.4.

mod command;
mod controller;
mod identify;
mod prp;
mod queue;
mod register;

pub use controller::Controller;
