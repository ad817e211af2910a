// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Layers between the code under test and a machine, each an implementation of the same seam.

mod limited;
mod scripted;
mod trace;

pub use limited::{Limited, Usage};
pub use scripted::Scripted;
pub use trace::{Instruction, Trace};
