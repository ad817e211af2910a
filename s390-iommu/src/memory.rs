// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where tables live: the seams to the storage that holds them, and the tree they form.
//!
//! All unsafe code of this crate is in this module. What makes it sound is one invariant: every designation in a
//! table of a [`Tree`] was stored by this module, of storage that the tree's own allocator gave for that kind of
//! table, and that storage is given back only when nobody can hold a reference to it.

#[cfg(all(loom, test))]
mod concurrency;
mod link;
mod raw;
mod reclaim;
mod seam;
mod spare;
mod tree;
mod visit;

pub use reclaim::Reclaimed;
pub use seam::{PhysToVirt, TableAllocator, TableSize};
pub(crate) use spare::Spare;
pub(crate) use tree::{Absent, OutOfStorage, PageTable, Segment, SegmentTable, Tree};
pub(crate) use visit::Found;
