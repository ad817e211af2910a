// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any text; the last two bytes say how it is to be read.
//!
//! What must hold: an error has a place in the text; each byte that is read stands where it is said to stand, and nowhere else; what
//! is filled in is told; a text in the form of the fixtures has the bytes that another reader finds; and whatever came out can be
//! decoded.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use zpci::decode::{decode, Kind};
use zpci::input::{Input, Position, Reading, WordOrder};
use zpci_fuzz::reports;

#[path = "../../../zpci/tests/corruptions/fixture_text.rs"]
mod fixture_text;

/// What a text may be made to have by rows that it leaves out, and a bit.
const MOST: usize = (1 << 26) + (1 << 16);

fuzz_target!(|input: &[u8]| {
    let [text @ .., how, lines] = input else { return };
    let reading = Reading {
        raw: how & 0xf0 == 0xf0,
        words: [None, Some(WordOrder::Big), Some(WordOrder::Little), None][usize::from(how & 3)],
        lines: (*lines != 0).then(|| usize::from(lines & 15)..=usize::from(lines >> 4)),
        zero_fill: how & 4 != 0,
    };
    let read = match Input::parse("fuzz", text.to_vec(), &reading) {
        Ok(read) => read,
        Err(error) => return check_error(&error, text),
    };
    assert!(read.bytes.len() <= text.len() + MOST, "{} bytes of {}", read.bytes.len(), text.len());
    if read.lines.is_empty() {
        assert_eq!(read.bytes, text, "raw bytes");
        assert_eq!(read.positions.iter().count(), 0);
    } else {
        check_positions(&read);
        if let (None, Ok(text)) = (&reading.lines, std::str::from_utf8(text)) {
            if let Some(bytes) = fixture_text::bytes(text, reading.zero_fill) {
                assert!(read.word_size.is_some() || read.bytes == bytes, "{:02x?} {bytes:02x?}", read.bytes);
            }
        }
    }
    // Whatever it is, also where the reader is told. What is too long for anything would take most of the time.
    let kinds = [None, Some(Kind::Clp), Some(Kind::Fib), Some(Kind::EventInformation), Some(Kind::VfioDevice)];
    if read.bytes.len() < 1 << 16 {
        let mut input = read.clone();
        match decode(&mut input, kinds[usize::from(how >> 3) % kinds.len()], None) {
            Ok(report) => reports::check(&report, &input),
            Err(error) => assert!(!error.is_empty()),
        }
    }
});

fn check_error(error: &zpci::input::InputError, text: &[u8]) {
    let said = error.to_string();
    assert!(said.starts_with("fuzz:"), "{said}");
    let Some(Position { line, column, .. }) = error.position() else { return };
    let text = std::str::from_utf8(text).expect("an error with a place is that of a text");
    let found = line.checked_sub(1).and_then(|index| text.lines().nth(index));
    let found = found.unwrap_or_else(|| panic!("no such line: {said}"));
    assert!((1..=found.chars().count() + 1).contains(&column), "no such column: {said}");
}

fn check_positions(read: &Input) {
    let mut places = HashSet::new();
    let mut count = 0;
    let mut before = None;
    for (offset, position) in read.positions.iter() {
        let Position { line, column, width } = position;
        assert!(before.is_none_or(|before| before < offset) && offset < read.bytes.len());
        before = Some(offset);
        assert!(places.insert((line, column)), "two bytes at {position:?}");
        let line: Vec<char> = read.lines[line - 1].chars().collect();
        let digits: String = line[column - 1..column - 1 + width].iter().filter(|c| **c != '_').collect();
        let is_byte = |radix| u8::from_str_radix(&digits, radix).ok() == Some(read.bytes[offset]);
        assert!(is_byte(16) || is_byte(10), "byte {offset} is {:#04x}, and {digits} stands there", read.bytes[offset]);
        assert_eq!(read.position(offset), Some(position));
        count += 1;
    }
    assert!(count == read.bytes.len() || !read.notes.is_empty(), "{} bytes are filled in", read.bytes.len() - count);
}
