// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The number system of offsets, of which od and hexdump say nothing.
//!
//! The texts are those of od (GNU coreutils 9.1) and hexdump (util-linux 2.38).

use zpci::input::{Input, InputError, Radix, Reading, WordOrder};

fn read(text: &str, offsets: Option<Radix>) -> Result<Input, InputError> {
    let reading = Reading { offsets, words: Some(WordOrder::Little), ..Reading::default() };
    Input::parse("-", text.as_bytes().to_vec(), &reading)
}

/// Bytes and notes.
fn good(text: &str, offsets: Option<Radix>) -> (Vec<u8>, Vec<String>) {
    let input = read(text, offsets).unwrap_or_else(|error| panic!("{error}"));
    (input.bytes, input.notes)
}

/// Line and column of the error, and what it says.
fn refusal(text: &str, offsets: Option<Radix>) -> (usize, usize, String) {
    let error = read(text, offsets).expect_err(text);
    let position = error.position().unwrap_or_else(|| panic!("{error}"));
    (position.line, position.column, error.to_string())
}

/// The note or error has to name the option and the number systems.
fn names(text: &str, systems: &[&str]) {
    assert!(text.contains("--offsets"), "{text}");
    for system in ["hexadecimal", "octal", "decimal"] {
        let is_there = text.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == system);
        assert_eq!(is_there, systems.contains(&system), "{system}: {text}");
    }
}

const ROW: &str = " 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a";
const WORDS: &str = " 7a7a 7a7a 7a7a 7a7a 7a7a 7a7a 7a7a 7a7a";

/// 80 bytes that are alike, and seven more.
fn eighty_seven() -> Vec<u8> {
    let mut bytes = vec![b'z'; 80];
    bytes.extend(b"z C## C");
    bytes
}

#[test]
fn single_bytes_have_the_offsets_that_od_writes_by_default() {
    let text = format!("0000000{ROW}\n*\n0000120 7a 20 43 23 23 20 43\n0000127\n");
    let (bytes, notes) = good(&text, None);
    assert_eq!(bytes, eighty_seven());
    names(&notes[0], &["octal", "hexadecimal"]);
    let (bytes, notes) = good(&text, Some(Radix::Octal));
    assert_eq!(bytes, eighty_seven());
    assert_eq!(notes, ["4 rows that the text squeezes to `*` are repeated"]);
    let (bytes, _) = good(&text, Some(Radix::Hex));
    assert_eq!((bytes.len(), &bytes[0x120..]), (0x127, b"z C## C".as_slice()));
    // 104 bytes are no whole rows.
    let (line, column, message) = refusal(&text, Some(Radix::Decimal));
    assert!((line, column) == (3, 1) && message.contains("no number of whole rows"), "{message}");
}

/// Of decimal and hexadecimal neither is what a tool writes without being asked.
#[test]
fn decimal_offsets() {
    let text = format!("0000000{ROW}\n*\n0000080 7a 20 43 23 23 20 43\n0000087\n");
    let (line, column, message) = refusal(&text, None);
    assert_eq!((line, column), (3, 1), "{message}");
    names(&message, &["hexadecimal", "decimal"]);
    assert_eq!(good(&text, Some(Radix::Decimal)).0, eighty_seven());
    assert_eq!(good(&text, Some(Radix::Hex)).0.len(), 0x87);
    let (line, column, message) = refusal(&text, Some(Radix::Octal));
    assert!((line, column) == (3, 1) && message.contains("no octal number"), "{message}");
    // Where every row is there, one number system fits.
    let (bytes, notes) = good(&format!("0000000{ROW}\n0000016 7a 20\n0000018\n"), None);
    assert_eq!((bytes.len(), notes), (18, vec!["offsets are decimal, as od writes them".to_owned()]));
    let (bytes, notes) = good(&format!("0000000{WORDS}\n0000016 207a\n0000018\n"), None);
    assert_eq!((bytes.len(), notes), (18, vec!["offsets are decimal, as od writes them".to_owned()]));
}

/// hexdump writes words with hexadecimal offsets, od with octal ones.
#[test]
fn words_with_rows_that_are_left_out_want_to_be_told() {
    // 100 bytes by hexdump, 84 by od -tx2.
    let texts = [("0000060 207a 2343\n0000064\n", 96, Radix::Hex), ("0000120 207a 2343\n0000124\n", 80, Radix::Octal)];
    for (rest, count, radix) in texts {
        let text = format!("0000000{WORDS}\n*\n{rest}");
        let (line, column, message) = refusal(&text, None);
        assert_eq!((line, column), (3, 1), "{message}");
        names(&message, &["hexadecimal", "octal"]);
        let mut bytes = vec![b'z'; count];
        bytes.extend(b"z C#");
        assert_eq!(good(&text, Some(radix)).0, bytes);
    }
}

#[test]
fn a_page_of_one_row() {
    let text = format!("0000000{ROW}\n*\n0010000\n");
    let (bytes, notes) = good(&text, None);
    assert_eq!(bytes, [b'z'; 4096]);
    names(&notes[0], &["octal", "hexadecimal", "decimal"]);
    assert_eq!(good(&text, Some(Radix::Decimal)).0, [b'z'; 10000]);
    // Words: of hexdump, and of od.
    for (end, radix, systems) in [
        ("0001000", Radix::Hex, ["hexadecimal", "octal"].as_slice()),
        ("0010000", Radix::Octal, ["hexadecimal", "octal", "decimal"].as_slice()),
    ] {
        let text = format!("0000000{WORDS}\n*\n{end}\n");
        let (line, column, message) = refusal(&text, None);
        assert_eq!((line, column), (3, 1), "{message}");
        names(&message, systems);
        assert_eq!(good(&text, Some(radix)).0, [b'z'; 4096]);
    }
}

/// What is no whole row does not fit, and `*` stands for one at least.
#[test]
fn one_number_system_that_fits_is_taken() {
    // 32 bytes by hexdump: in octal nothing would be left out.
    assert_eq!(good(&format!("0000000{WORDS}\n*\n0000020\n"), None).0, [b'z'; 32]);
    let (line, column, message) = refusal(&format!("0000000{WORDS}\n*\n0000020\n"), Some(Radix::Octal));
    assert!((line, column) == (3, 1) && message.contains("`*` stands for no row"), "{message}");
    let (line, column, message) = refusal("00000000: 0102\n*\n00000002: 03\n", None);
    assert!((line, column) == (3, 1) && message.contains("`*` stands for no row"), "{message}");
    // A row that is there before or behind decides.
    let text = format!("0000000{WORDS}\n0000020 0000\n0000022\n");
    let (bytes, notes) = good(&text, None);
    assert_eq!((bytes.len(), notes), (18, vec!["offsets are octal, as od writes them".to_owned()]));
    let (bytes, notes) = good(&format!("0000000{WORDS}\n*\n0000120{WORDS}\n0000130\n"), None);
    assert_eq!((bytes.len(), notes.len()), (0x130, 1));
    // All agree.
    assert_eq!(good("0000000 0102 0304\n0000004\n", None), (vec![2, 1, 4, 3], Vec::new()));
}

/// One row alone says where it is, and several number systems do.
#[test]
fn where_a_text_starts_is_not_guessed_either() {
    let input = read("0024000 00 20\n", None).unwrap();
    assert_eq!((input.start, input.bytes.as_slice()), (0o24000, [0, 0x20].as_slice()));
    names(&input.notes[0], &["octal", "hexadecimal", "decimal"]);
    assert_eq!(read("0024000 00 20\n", Some(Radix::Hex)).unwrap().start, 0x24000);
    assert_eq!(read("0024000 00 20\n", Some(Radix::Decimal)).unwrap().start, 24000);
    let (line, column, message) = refusal("0024000 0020\n", None);
    assert_eq!((line, column), (1, 1), "{message}");
    names(&message, &["octal", "hexadecimal", "decimal"]);
    // A row behind it settles it.
    assert_eq!(read(&format!("0024000{WORDS}\n0024010\n"), None).unwrap().start, 0x24000);
    assert_eq!(read(&format!("0024000{WORDS}\n0024020\n"), None).unwrap().start, 0o24000);
}

/// od makes an offset longer when seven digits are not enough.
#[test]
fn offsets_of_more_digits() {
    let (bytes, notes) = good(&format!("0000000{ROW}\n*\n13343300\n"), None);
    assert_eq!(bytes.len(), 3_000_000);
    names(&notes[0], &["octal", "hexadecimal"]);
    let input = read(&format!("7777760{ROW}\n10000000{ROW}\n10000020\n"), None).unwrap();
    assert_eq!((input.start, input.bytes.len()), (0o7777760, 32));
    // Those of hexdump -C and of od -Ax say what they are.
    for (text, count) in [
        (format!("00000000 {ROW}  |zzzzzzzzzzzzzzzz|\n*\n00000120\n"), 0x120),
        (format!("10000000 {ROW}  |zzzzzzzzzzzzzzzz|\n*\n10000120\n"), 0x120),
        (format!("000000{ROW}\n*\n000120\n"), 0x120),
        (format!("00000000: {}\n*\n00000120: 7a\n", &ROW[1..]), 0x121),
    ] {
        let input = read(&text, None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(input.bytes.len(), count, "{text}");
        assert!(input.notes.iter().all(|note| !note.contains("--offsets")), "{:?}", input.notes);
    }
}

/// Who says it is obeyed, whatever the form.
#[test]
fn what_is_said_is_done() {
    let text = "0000: 000102030405060708090a0b0c0d0e0f\n0020: 10\n";
    assert_eq!(good(text, Some(Radix::Octal)).0.len(), 17);
    let (line, column, message) = refusal(text, Some(Radix::Hex));
    assert!((line, column) == (2, 1) && message.contains("16 bytes are missing"), "{message}");
    // What has no offsets is not concerned.
    assert_eq!(good("00 20 00 03\n", Some(Radix::Octal)).0, [0, 0x20, 0, 3]);
    assert_eq!(good("x = { 0x00, 0x20 };\n", Some(Radix::Decimal)).0, [0, 0x20]);
}

/// Where none fits, the error is told in that which goes furthest.
#[test]
fn a_row_that_is_missing_is_named_in_the_offsets_of_the_text() {
    let (line, _, message) = refusal(&format!("0000000{ROW}\n0000020{ROW}\n0000060{ROW}\n"), None);
    assert!(line == 3 && message.contains("offset 0o60 where 0o40 comes next: 16 bytes are missing"), "{message}");
    let (line, _, message) = refusal(&format!("0000000{WORDS}\n0000016{WORDS}\n0000048{WORDS}\n"), None);
    assert!(line == 3 && message.contains("offset 48 where 32 comes next: 16 bytes are missing"), "{message}");
    let (line, _, message) = refusal(&format!("0000000{WORDS}\n0000010{WORDS}\n0000030{WORDS}\n"), None);
    assert!(line == 3 && message.contains("offset 0x30 where 0x20 comes next: 16 bytes are missing"), "{message}");
    // Of two rows none goes further: hexdump for words, od for bytes.
    let (_, _, message) = refusal(&format!("0000000{WORDS}\n0000040{WORDS}\n"), None);
    assert!(message.contains("offset 0x40 where 0x10 comes next: 48 bytes are missing"), "{message}");
    let (_, _, message) = refusal(&format!("0000000{ROW}\n0000040{ROW}\n"), None);
    assert!(message.contains("offset 0o40 where 0o20 comes next: 16 bytes are missing"), "{message}");
}

/// With zeros for what is left out more fits; what leaves nothing out comes first.
#[test]
fn rows_of_zeros() {
    let read = |text: &str| {
        let reading = Reading { zero_fill: true, words: Some(WordOrder::Big), ..Reading::default() };
        Input::parse("-", text.as_bytes().to_vec(), &reading)
    };
    let input = read(&format!("0000000{WORDS}\n0000020{WORDS}\n0000040\n")).unwrap();
    assert_eq!((input.bytes, input.notes), (vec![b'z'; 32], vec!["offsets are octal, as od writes them".to_owned()]));
    let text = format!("0000000{ROW}\n0000040{ROW}\n0000060\n");
    let input = read(&text).unwrap();
    assert_eq!((input.bytes.len(), input.bytes[16], input.bytes[32]), (48, 0, b'z'));
    names(&input.notes[0], &["octal", "hexadecimal", "decimal"]);
    let error = read(&format!("0000000{WORDS}\n0000040{WORDS}\n0000060\n")).unwrap_err();
    assert_eq!(error.position().map(|position| (position.line, position.column)), Some((2, 1)), "{error}");
    names(&error.to_string(), &["octal", "hexadecimal", "decimal"]);
}
