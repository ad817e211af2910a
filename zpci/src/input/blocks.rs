// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Several blocks in one text, as `zpci list --blocks` writes them.

use std::ops::RangeInclusive;

/// How the line before a block starts.
const HEADING: &str = "# block ";

/// What starts the comment before the block with the number `number`.
pub(crate) fn block_heading(number: usize) -> String {
    format!("block {number}: ")
}

fn is_heading(line: &str) -> bool {
    let Some((number, _)) = line.strip_prefix(HEADING).and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a line says something about bytes.
fn is_said(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

/// The lines of each block among `lines`, of which those in `wanted` count: from its heading to the next. What stands before
/// the first heading belongs to the first block; a heading with nothing but comments behind it has none. Lines count from 1.
pub(super) fn ranges(lines: &[String], wanted: &RangeInclusive<usize>) -> Vec<RangeInclusive<usize>> {
    let first = (*wanted.start()).max(1);
    let last = (*wanted.end()).min(lines.len());
    let mut ranges = Vec::new();
    let mut start = first;
    let mut has_bytes = false;
    let mut has_heading = false;
    for (number, line) in (1..).zip(lines).take(last).skip(first - 1) {
        if is_heading(line) {
            if has_bytes && has_heading {
                ranges.push(start..=number - 1);
                has_bytes = false;
            }
            // Rows before the first heading are those of the first block.
            if !has_bytes {
                start = number;
            }
            has_heading = true;
        }
        has_bytes |= is_said(line);
    }
    if has_bytes {
        ranges.push(start..=last);
    }
    ranges
}
