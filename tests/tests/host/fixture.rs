// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Fixtures as text: comments after `#`, then rows.

/// Reads rows of an offset and words in hexadecimal into a block of `N` zeros.
pub(crate) fn block<const N: usize>(text: &str) -> [u8; N] {
    let mut block = [0; N];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((offset, words)) = line.split_once(": ") else {
            continue;
        };
        let offset = usize::from_str_radix(offset, 16).expect(line);
        let words = words.split(' ').map(|word| u32::from_str_radix(word, 16).expect(line));
        for (word, bytes) in words.zip(block[offset..].chunks_exact_mut(4)) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
    }
    block
}

/// The rows of a table whose columns are separated by `|` with a space on either side.
pub(crate) fn rows<const N: usize>(text: &str) -> Vec<[&str; N]> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let columns: Vec<&str> = line.split(" | ").map(str::trim).collect();
        columns.try_into().unwrap_or_else(|_| panic!("not {N} columns: {line}"))
    })
    .collect()
}

/// A number, in hexadecimal after `0x`.
pub(crate) fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).expect(text),
        None => text.parse().expect(text),
    }
}
