// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of a domain: the storage that holds them, the tree that they form, and every walk over it.
//!
//! All unsafe code of this crate is here. It rests on one invariant: every designation in a table of a tree was stored
//! by this module, of storage that the tree's own allocator gave for that kind of table, and that storage is given back
//! only when nobody can hold a reference to it.

mod atomic;
#[cfg(all(loom, test))]
mod concurrency;
mod dump;
mod link;
pub(crate) mod map;
mod raw;
pub(crate) mod reclaim;
mod run;
pub(crate) mod seam;
mod slot;
mod spare;
pub(crate) mod translation_table;
mod tree;
pub(crate) mod unmap;
mod visit;
pub(crate) mod walk;

pub use reclaim::Reclaimed;
pub use seam::{PhysToVirt, TableAllocator, TableSize};
pub(crate) use spare::Spare;
pub(crate) use tree::{Absent, OutOfStorage, PageTable, Segment, SegmentTable, Tree};
pub(crate) use visit::Found;
