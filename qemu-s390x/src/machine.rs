// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A real machine behind the seams: s390x with zPCI, in supervisor state.
//!
//! The bare-metal image runs on it, and so does the list of cases in a Linux kernel. What storage there is, and what an
//! absolute address differs from a pointer by, the program says in [`Region`].

mod clock;
mod event;
mod facility;
mod hardware;
mod load_store;
mod platform;
mod storage;

pub use clock::time_of_day;
pub use facility::is_installed as has_facility;
pub use hardware::Hardware;
pub use platform::RealMachine;
pub use storage::{BlockPage, Region, Tables};
