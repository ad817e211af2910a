// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A real machine behind the seams: s390x with zPCI, in supervisor state. The instructions are those of `zpci-machine`.
//!
//! The bare-metal image runs on it, and so does the list of cases in a Linux kernel. What storage there is, and what an
//! absolute address differs from a pointer by, the program says in [`Region`].

mod platform;
mod storage;

pub use platform::RealMachine;
pub use storage::{BlockPage, Region, Tables};
