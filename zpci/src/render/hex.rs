// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Bytes as rows of a dump, in the form of this project's fixtures.

/// Bytes in a row.
const ROW: usize = 16;

/// The row of the 16 bytes with the number `index`, or of as many as there are.
fn row(index: usize, bytes: &[u8]) -> String {
    let words: Vec<String> =
        bytes.chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    format!("{:04x}: {}\n", ROW * index, words.join(" "))
}

fn is_zero(row: &[u8]) -> bool {
    row.iter().all(|byte| *byte == 0)
}

/// `bytes` as rows, without those of zeros, but for the first.
pub(crate) fn rows_without_zeros(bytes: &[u8]) -> String {
    let rows = bytes.chunks(ROW).enumerate().filter(|(index, row)| *index == 0 || !is_zero(row));
    rows.map(|(index, bytes)| row(index, bytes)).collect()
}

/// `bytes` as rows, all of them.
pub(crate) fn rows(bytes: &[u8]) -> String {
    bytes.chunks(ROW).enumerate().map(|(index, bytes)| row(index, bytes)).collect()
}

/// `bytes` without the rows of zeros at their end, but for the first.
pub(crate) fn without_zeros_at_the_end(bytes: &[u8]) -> &[u8] {
    let count = bytes.chunks(ROW).rposition(|row| !is_zero(row)).map_or(1, |last| last + 1);
    bytes.get(..ROW * count).unwrap_or(bytes)
}
