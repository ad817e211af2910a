// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any text; the last two bytes say how it is to be read.
//!
//! What must hold: an error has a place in the text; each byte that is read stands where it is said to stand, and nowhere else; what
//! is filled in is told; a text in the form of the fixtures has the bytes that another reader finds; offsets of seven digits are read
//! in another number system only where a note says so; and whatever came out can be decoded.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use zpci::decode::{decode, Kind};
use zpci::input::{Input, InputError, Position, Radix, Reading, WordOrder};
use zpci_fuzz::reports;

#[path = "../../../zpci/tests/corruptions/fixture_text.rs"]
mod fixture_text;

/// What a text may be made to have by rows that it leaves out, and a bit.
const MOST: usize = (1 << 26) + (1 << 16);

const OFFSETS: [Option<Radix>; 4] = [None, Some(Radix::Hex), Some(Radix::Octal), Some(Radix::Decimal)];

fuzz_target!(|input: &[u8]| {
    let [text @ .., how, lines] = input else { return };
    let reading = Reading {
        raw: how & 0xf0 == 0xf0,
        words: [None, Some(WordOrder::Big), Some(WordOrder::Little), None][usize::from(how & 3)],
        offsets: OFFSETS[usize::from(how >> 5 & 3)],
        lines: (*lines != 0).then(|| usize::from(lines & 15)..=usize::from(lines >> 4)),
        zero_fill: how & 4 != 0,
    };
    let result = Input::parse("fuzz", text.to_vec(), &reading);
    check_offsets(text, &reading, result.as_ref());
    let read = match result {
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
            if let Some(bytes) = fixture_text::bytes(text, reading.zero_fill, reading.offsets.map_or(16, base)) {
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

fn base(radix: Radix) -> u32 {
    match radix {
        Radix::Hex => 16,
        Radix::Octal => 8,
        Radix::Decimal => 10,
    }
}

/// Where nobody says the number system of offsets of seven digits, and no note says that there is another, each other one is
/// refused or means the same.
fn check_offsets(text: &[u8], reading: &Reading, result: Result<&Input, &InputError>) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let is_row = |line: &str| {
        let first = line.split(' ').next().unwrap_or_default();
        first.len() == 7 && first.bytes().all(|digit| digit.is_ascii_hexdigit()) || line == "*"
    };
    if reading.raw
        || reading.zero_fill
        || reading.offsets.is_some()
        || reading.lines.is_some()
        || !text.lines().all(is_row)
    {
        return;
    }
    let others = OFFSETS.into_iter().flatten().filter_map(|radix| {
        Input::parse("fuzz", text.as_bytes().to_vec(), &Reading { offsets: Some(radix), ..reading.clone() }).ok()
    });
    let others: Vec<Input> = others.collect();
    let means_another = |read: &Input| others.iter().any(|it| (it.start, &it.bytes) != (read.start, &read.bytes));
    match result {
        // One of two that fit may be refused, since it would leave out too much.
        Ok(read) if read.notes.iter().any(|note| note.contains("--offsets")) => {
            assert!(others.len() < 2 || means_another(read), "{:?}, and all mean the same", read.notes);
        }
        Ok(read) => assert!(!means_another(read), "read in one of two ways, without a word"),
        Err(error) if error.to_string().contains("--offsets") => {
            assert!(others.len() < 2 || means_another(&others[0]), "{error}, and all mean the same");
        }
        Err(error) => assert!(others.is_empty(), "{error}, and --offsets would help"),
    }
}

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
