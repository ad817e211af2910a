// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The atomics of the tables: those of the machine, or those of a model that tries every order of accesses.

#[cfg(not(all(loom, test)))]
pub(crate) use core::sync::atomic::{fence, AtomicU64, Ordering};
#[cfg(all(loom, test))]
pub(crate) use loom::sync::atomic::{fence, AtomicU64, Ordering};
