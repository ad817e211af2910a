// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A table beside a model of it that is too simple to be wrong: an ordered map of pages.
//!
//! A [`Trial`] applies each [`Operation`] to both and to the fake machine, which judges the entries by its own walk
//! and by DMA. Property tests and fuzzing differ only in where the operations come from.

mod operation;
mod pages;
mod trial;

pub use operation::{Operation, Place};
pub use pages::{Page, Pages};
pub use trial::{Setup, Trial};
