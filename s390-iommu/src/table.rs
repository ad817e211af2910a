// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of a domain: the storage that holds them, the tree that they form, and every walk over it.
//!
//! All unsafe code of this crate that reaches into storage is here; what lets a device at it is beside it, in `attach.rs`
//! and `machine/`. It rests on one invariant: every designation in a table of a tree was stored by this module, of storage
//! that the tree's own allocator gave for that kind of table, and that storage is given back only when nobody can hold a
//! reference to it.

mod atomic;
mod cell;
pub(crate) mod change;
#[cfg(all(loom, test))]
mod concurrency;
mod cursor;
mod dump;
mod link;
pub(crate) mod map;
pub(crate) mod reader;
pub(crate) mod reclaim;
mod run;
pub(crate) mod seam;
mod slot;
mod spare;
mod sweep;
pub(crate) mod translation_table;
mod tree;
pub(crate) mod unmap;
pub(crate) mod walk;
pub(crate) mod with_flags;

/// Orders the stores into tables before what makes a machine read them.
#[inline]
pub(crate) fn fence_tables() {
    atomic::fence(atomic::Ordering::SeqCst);
}
