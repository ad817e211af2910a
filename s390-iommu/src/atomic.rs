// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The atomics of the tables: those of the machine, or those of a model that tries every order of accesses.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{fence, AtomicU64, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{fence, AtomicU64, Ordering};
