// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The rules once more, by offsets, from `docs/src/clp.md` and `docs/src/translation.md`: they share nothing with the tables
//! that `decode` uses.
//!
//! Each function says whether bytes of any length break a rule.

use std::ops::Range;

fn zero(bytes: &[u8], range: Range<usize>) -> bool {
    bytes.get(range).is_none_or(|bytes| bytes.iter().all(|byte| *byte == 0))
}

fn be(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// A CLP block, answered or not.
pub(crate) fn block_is_wrong(block: &[u8]) -> bool {
    if block.len() < 16 {
        return true;
    }
    let length = be(block, 0, 2) as usize;
    let command = be(block, 2, 2);
    let has_length = length == 32 || length == 16 && command == 1;
    if !has_length || length > block.len() || !(1..=5).contains(&command) {
        return true;
    }
    let request = &block[..length];
    let mut wrong = !zero(request, 4..16);
    wrong |= match command {
        1 => !zero(request, 16..32),
        2 => !zero(request, 24..32),
        3 => !zero(request, 20..32),
        4 => !zero(request, 16..19) || !zero(request, 20..32),
        _ => !zero(request, 20..22) || request[22] > 3 || request[23] > 1 || !zero(request, 24..28),
    };
    let answer = &block[length..];
    if answer.len() < 4 {
        return wrong;
    }
    let code = be(answer, 2, 2);
    if code == 0 && zero(answer, 4..answer.len()) {
        // Not answered yet, which is said.
        return wrong;
    }
    // A command that was refused is none that went well.
    if code != 0x10 {
        return true;
    }
    let stored = be(answer, 0, 2) as usize;
    if stored > answer.len() || stored < 16 {
        return true;
    }
    let answer = &answer[..stored];
    wrong |= !zero(answer, 4..16);
    wrong |= match command {
        1 => {
            stored < 81
                || !zero(answer, 16..32)
                || !zero(answer, 64..80)
                || answer[80] & 0x40 != 0
                || !zero(answer, 81..96.min(stored))
                || !zero(answer, 128..stored)
        }
        2 => list_is_wrong(answer),
        3 => {
            stored < 128
                || answer[18] & 0xc4 != 0
                || answer[24..30].iter().any(|log2| *log2 > 63)
                || answer[61] & 0xf0 != 0
                || be(answer, 64, 8) > be(answer, 72, 8)
                || !zero(answer, 82..86)
                || !zero(answer, 88..124)
                || !zero(answer, 192..256.min(stored))
                || answer.get(256).is_some_and(|valid| valid & 3 != 0)
                || !zero(answer, 257..264.min(stored))
                || !zero(answer, 360..384.min(stored))
                || !zero(answer, 384..stored)
        }
        4 => {
            stored < 48
                || answer[16] & 0xf0 != 0
                || answer[19] & 0xdc != 0
                || answer[20] & 0xe0 != 0
                || answer[25] != 0
                || answer[28] & 0xf0 != 0
                || !zero(answer, 48..stored)
        }
        _ => {
            let handle = if stored < 20 { 0 } else { be(answer, 16, 4) };
            let enables = matches!(request[22], 0 | 2);
            handle == 0
                || enables && handle & 0x8000_0000 == 0
                || !zero(answer, 20..32.min(stored))
                || answer.get(32).is_some_and(|valid| valid & 3 != 0)
                || !zero(answer, 33..40.min(stored))
                || !zero(answer, 136..160.min(stored))
                || !zero(answer, 160..stored)
        }
    };
    wrong
}

fn list_is_wrong(answer: &[u8]) -> bool {
    if answer.len() < 32 {
        return true;
    }
    let size = usize::from(answer[31]);
    let entries = &answer[32..];
    if !matches!(be(answer, 24, 4), 0 | 0x00ff_0000)
        || answer[30] & 0xfe != 0
        || size < 16
        || !entries.len().is_multiple_of(size)
    {
        return true;
    }
    entries.len() / size > be(answer, 28, 2) as usize
        || entries.chunks(size).any(|entry| {
            be(entry, 4, 4) & 0x7fff_ffff != 0
                || !zero(entry, 16..size)
                || be(entry, 2, 2) != 0 && be(entry, 12, 4) == 0
        })
}

/// A FIB; bytes behind it must be zero.
pub(crate) fn fib_is_wrong(fib: &[u8]) -> bool {
    if fib.len() < 80 || !zero(fib, 80..fib.len()) {
        return true;
    }
    // As `struct zpci_fib_fmt0` and `fmt1` have them.
    let interrupts = match fib[0] {
        1 => be(fib, 40, 4) & 0xf000_ffff != 0 || !zero(fib, 48..64),
        _ => be(fib, 40, 4) & 0x8000_c040 != 0 || !zero(fib, 44..46),
    };
    fib[0] > 1
        || !zero(fib, 1..8)
        || fib[8] & 0x0f != 0
        || !zero(fib, 9..16)
        || be(fib, 24, 8) < be(fib, 16, 8)
        || anchor_is_wrong(be(fib, 32, 8))
        || interrupts
        || !zero(fib, 46..48)
        || !zero(fib, 72..76)
}

/// A measurement block with the counters of its format, or a part of them.
pub(crate) fn measurement_is_wrong(fmb: &[u8]) -> bool {
    if fmb.len() < 48 || !zero(fmb, 80..fmb.len().max(80)) {
        return true;
    }
    let cut_off = !zero(fmb, fmb.len() & !7..fmb.len());
    let counters = [2, 4, 2, 1].get(usize::from(fmb[0])).map(|count| 48 + 8 * count);
    cut_off
        || counters.is_none_or(|end| !zero(fmb, end..fmb.len().clamp(end, 80)))
        || fmb[1] & 0x7f != 0
        || !zero(fmb, 2..4)
}

/// An I/O translation anchor.
pub(crate) fn anchor_is_wrong(iota: u64) -> bool {
    iota != 0 && (iota & 0x800 == 0 || !(1..=3).contains(&(iota >> 2 & 7)) || iota & 0x3000 != 0 || iota & 0x7e3 != 0)
}

/// An entry of a region table of type `table_type`: 1 region-third, 2 region-second, 3 region-first.
pub(crate) fn region_is_wrong(entry: u64, table_type: u64) -> bool {
    entry & 0x20 == 0 && (entry & 3 != 3 || entry >> 2 & 3 != table_type || entry & 0x3dd0 != 0)
}

/// An entry of a segment table.
pub(crate) fn segment_is_wrong(entry: u64) -> bool {
    entry & 0x20 == 0 && (entry & 0x1df != 0 || entry & 0x400 != 0 && entry & 0xf_f800 != 0)
}

/// An entry of a page table.
pub(crate) fn page_is_wrong(entry: u64) -> bool {
    entry & 0x400 == 0 && entry & 0x9ff != 0
}

/// An entry of a table that is not said.
pub(crate) fn entry_is_wrong(entry: u64) -> bool {
    match entry >> 2 & 3 {
        0 => entry == 0 || segment_is_wrong(entry) && page_is_wrong(entry),
        table_type => region_is_wrong(entry, table_type),
    }
}

/// An error event; bytes behind it must be zero.
pub(crate) fn error_event_is_wrong(event: &[u8]) -> bool {
    event.len() < 32
        || !zero(event, 32..event.len())
        || !zero(event, 0..4)
        || event[15] & 0xfc != 0
        || !zero(event, 24..30)
}

/// An availability event; bytes behind it must be zero.
pub(crate) fn availability_event_is_wrong(event: &[u8]) -> bool {
    event.len() < 32 || !zero(event, 32..event.len()) || !zero(event, 0..4) || !zero(event, 12..30)
}

/// The block of CHSC "store event information" and the event in it; an answer that is neither an event nor none is a refusal.
pub(crate) fn information_is_wrong(block: &[u8]) -> bool {
    if block.len() < 112 || !zero(block, 112..block.len()) || be(block, 2, 2) != 0x0e {
        return true;
    }
    let reserved = [4..8, 20..23, 25..27, 28..80].into_iter().any(|range| !zero(block, range));
    let response = be(block, 18, 2);
    let event = match (response, block[23], block[27]) {
        (1, 2, 1) => error_event_is_wrong(&block[80..112]),
        (1, 2, 2) => availability_event_is_wrong(&block[80..112]),
        _ => false,
    };
    reserved || block[24] & 0x7f != 0 || !matches!(response, 0 | 1 | 5) || event
}
