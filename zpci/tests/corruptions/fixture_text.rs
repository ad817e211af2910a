// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Another reader of texts in the form of the fixtures.

/// Most bytes that a text may leave out.
const MOST: usize = 1 << 16;

/// The bytes of a text, `None` if a line is of another form; `zero_fill` as for the reader itself, `base` that of offsets.
pub(crate) fn bytes(text: &str, zero_fill: bool, base: u32) -> Option<Vec<u8>> {
    let says_so =
        |line: &str| line.trim().starts_with('#') && line.to_lowercase().contains("rows of zeros are left out");
    let has_zeros = zero_fill || text.lines().any(says_so);
    let mut bytes: Vec<u8> = Vec::new();
    // Where the first row is far from 0, it is an address.
    let mut first = None;
    for line in text.lines() {
        let line = line.trim();
        // More than one digit behind it, and 0xcc is a byte of a row.
        let is_code = line.strip_prefix("cc ").is_some_and(|code| code.trim().len() == 1);
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") || is_code {
            continue;
        }
        let (offset, digits) = line.split_once(": ")?;
        let offset = offset.strip_prefix("0x").unwrap_or(offset);
        let is_hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal(offset) {
            return None;
        }
        let offset = usize::from_str_radix(offset, base).ok()?;
        let first = *first.get_or_insert(if has_zeros && offset < 4096 { 0 } else { offset });
        let gap = offset.checked_sub(first)?.checked_sub(bytes.len()).filter(|gap| *gap <= MOST)?;
        bytes.resize(bytes.len() + gap, 0);
        for word in digits.split(' ') {
            if !is_hexadecimal(word) || !word.len().is_multiple_of(2) {
                return None;
            }
            let pairs = word.as_bytes().chunks(2);
            bytes.extend(pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()));
        }
    }
    Some(bytes)
}
