// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage in an ELF core of s390x, read by offsets.

use std::collections::HashMap;

/// The words of storage at multiples of 8, by address; `None` if it is no such core, or has more than `most` bytes.
pub fn words(file: &[u8], most: usize) -> Option<HashMap<u64, u64>> {
    let number = |at: usize, length: usize| {
        let bytes = file.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte)))
    };
    // 64 bits, big-endian, a core, of s390.
    if !file.starts_with(b"\x7fELF\x02\x02") || number(16, 2)? != 4 || number(18, 2)? != 22 {
        return None;
    }
    let (table, size, count) = (number(32, 8)? as usize, number(54, 2)? as usize, number(56, 2)? as usize);
    if size != 56 || count == 0xffff {
        return None;
    }
    let mut words = HashMap::new();
    let mut total = 0;
    for index in 0..count {
        let header = table.checked_add(index * size)?;
        if number(header, 4)? != 1 {
            continue;
        }
        let (offset, address, length) = (number(header + 8, 8)?, number(header + 24, 8)?, number(header + 32, 8)?);
        let data = file.get(offset as usize..(offset as usize).checked_add(length as usize)?)?;
        total += data.len();
        if total > most {
            return None;
        }
        insert(&mut words, address, data);
    }
    Some(words)
}

/// The words of `data`, which starts at `address`.
pub fn insert(words: &mut HashMap<u64, u64>, address: u64, data: &[u8]) {
    let first = address.wrapping_neg() as usize % 8;
    for (index, word) in data.get(first..).unwrap_or_default().chunks_exact(8).enumerate() {
        let value = word.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        words.insert(address.wrapping_add((first + 8 * index) as u64), value);
    }
}
