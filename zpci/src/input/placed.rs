// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A row of a text, with what stands before it.

use super::line::Row;
use super::{Position, Radix};

/// A row, and the lines before it that belong to it.
pub(super) struct Placed {
    /// The line of the row.
    pub(super) line: usize,
    /// Whether `*` stands before it.
    pub(super) is_squeezed: bool,
    /// What the line says.
    pub(super) row: Row,
    /// The bytes of its groups.
    pub(super) bytes: Vec<(u8, Position)>,
}

impl Placed {
    /// Its offset, read in a number system; `None` if it has none, or none in that system.
    pub(super) fn offset(&self, radix: Radix) -> Option<u64> {
        let (digits, _, _) = self.row.offset.as_ref()?;
        u64::from_str_radix(digits, radix.base()).ok()
    }
}
