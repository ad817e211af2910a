// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Reports as text for people, and as JSON for programs.

mod hex;
mod json;
mod table;
mod text;

pub(crate) use hex::{rows, rows_without_zeros, without_zeros_at_the_end};
pub use json::report as report_json;
pub(crate) use table::Table;
pub use text::{problems, report as report_text};
