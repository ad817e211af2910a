// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Why the records of the stock driver and of this one differ, where they do.

/// Pieces that differ.
struct Known {
    /// How the rows start.
    rows: &'static [&'static str],
    cause: &'static str,
}

const KNOWN: [Known; 0] = [];

/// Why the records of what was done in `row` differ between `drivers`; `None` if nobody has said so.
pub(super) fn cause(drivers: [&str; 2], row: &str) -> Option<&'static str> {
    if drivers != ["stock", "rust"] {
        return None;
    }
    let known = KNOWN.iter().find(|known| known.rows.iter().any(|start| row.starts_with(start)))?;
    Some(known.cause)
}
