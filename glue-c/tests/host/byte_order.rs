// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Literal bytes, written big-endian and expected in the order of the host.

/// The bytes of `text`, with fields of these widths turned into the order of the host.
pub(crate) fn native(text: &str, widths: &[usize]) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let byte = |index| u8::from_str_radix(&digits[index..index + 2], 16).expect("a byte");
    let mut bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    let mut rest = &mut bytes[..];
    for width in widths {
        let (field, after) = rest.split_at_mut(*width);
        if cfg!(target_endian = "little") {
            field.reverse();
        }
        rest = after;
    }
    assert!(rest.is_empty());
    bytes
}
