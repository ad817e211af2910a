// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One block in every form that tools write, and what cannot be read.
//!
//! The texts in `texts/` are of `block.bin`, written by xxd 2023, hexdump and od of Debian on x86-64, and by hand in the form
//! of the kernel's log, s390dbf and crash.

use std::path::Path;

use zpci::input::{Input, InputError, Reading, WordOrder};

fn block() -> Vec<u8> {
    std::fs::read(path("block.bin")).unwrap()
}

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts").join(name)
}

fn read(name: &str, reading: &Reading) -> Result<Input, InputError> {
    Input::read(path(name).to_str().unwrap(), reading)
}

fn parse(text: &str) -> Result<Input, InputError> {
    Input::parse("-", text.as_bytes().to_vec(), &Reading::default())
}

/// Line and column of the error, and what it says.
fn refusal(text: &str) -> (usize, usize, String) {
    let error = parse(text).expect_err(text);
    let position = error.position().unwrap_or_else(|| panic!("{text}: {error}"));
    (position.line, position.column, error.to_string())
}

#[test]
fn every_form_gives_the_same_bytes() {
    let names = [
        "block.bin",
        "xxd.txt",
        "xxd-autoskip.txt",
        "xxd-i.txt",
        "xxd-p.txt",
        "crlf.txt",
        "hexdump-c.txt",
        "hexdump-vc.txt",
        "od-x1.txt",
        "od-x1z.txt",
        "od-octal.txt",
        "od-an.txt",
        "dmesg.txt",
        "dmesg-words.txt",
        "s390dbf.txt",
        "crash-rd.txt",
        "c-array.txt",
    ];
    for name in names {
        let input = read(name, &Reading::default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(input.word_size, None, "{name}");
        assert!(input.bytes == block(), "{name}: {:02x?}", input.bytes);
    }
    assert_eq!(read("crash-rd.txt", &Reading::default()).unwrap().start, 0x1f2e_3000);
}

#[test]
fn words_have_the_order_that_is_said() {
    let little = ["hexdump.txt", "od-x4.txt", "od-x8.txt", "od-ad-x2.txt"];
    let big = ["od-x4-big.txt", "rust-words.txt"];
    let orders = little.map(|name| (name, WordOrder::Little)).into_iter().chain(big.map(|name| (name, WordOrder::Big)));
    for (name, order) in orders {
        let reading = Reading { words: Some(order), ..Reading::default() };
        assert!(read(name, &reading).unwrap().bytes == block(), "{name}");
        // And without a word the input says that it does not know.
        assert!(read(name, &Reading::default()).unwrap().word_size.is_some(), "{name}");
    }
}

#[test]
fn words_are_recognised_by_what_they_are() {
    for name in ["hexdump.txt", "od-x4.txt", "od-x8.txt", "od-ad-x2.txt", "od-x4-big.txt", "rust-words.txt"] {
        let mut input = read(name, &Reading::default()).unwrap();
        let report = zpci::decode::decode(&mut input, None, None).unwrap();
        assert_eq!(report.value("response", "edma"), Some("0x1ffffffffffffff"), "{name}");
        assert!(report.notes.iter().any(|note| note.contains("taken for")), "{name}: {:?}", report.notes);
    }
}

#[test]
fn a_position_is_that_of_the_byte() {
    let input = parse("0000: 00200003 00000000\n0008: 0a0b0c0d 00000000\n").unwrap();
    let position = input.position(9).unwrap();
    assert_eq!((position.line, position.column, position.width), (2, 9, 2));
    let input = parse("00000000  0a 0b 0c 0d 0e 0f 10 11  12 13 14 15 16 17 18 19  |................|\n").unwrap();
    assert_eq!(input.position(8).map(|position| position.column), Some(36));
    let input = parse("x = {\n  0x0a, 0x0b,\n}").unwrap();
    assert_eq!(input.position(1).map(|position| (position.line, position.column)), Some((2, 11)));
    // What parts digits in Rust is no digit.
    let input = parse("[0x00_20_0003, 0x0_0ff_0_000]").unwrap();
    let places: Vec<_> = (0..8).filter_map(|at| input.position(at)).map(|it| (it.column, it.width)).collect();
    assert_eq!(places, [(4, 2), (7, 2), (10, 2), (12, 2), (18, 3), (21, 2), (24, 3), (27, 2)]);
    assert_eq!(input.bytes, [0, 0x20, 0, 3, 0, 0xff, 0, 0]);
    // Words of which the last is not whole, in the other order.
    let mut input = parse("0000000 0201 0403\n0000004\n").unwrap();
    input.reverse_words();
    assert_eq!(input.bytes, [1, 2, 3, 4]);
    let columns: Vec<_> = (0..4).filter_map(|at| input.position(at)).map(|position| position.column).collect();
    assert_eq!(columns, [11, 9, 16, 14]);
}

/// The bytes that a text leaves out take no more room than they are, and all of them together have a limit.
#[test]
fn what_is_left_out_has_a_limit() {
    let reading = Reading { zero_fill: true, ..Reading::default() };
    let read = |text: &str| Input::parse("-", text.as_bytes().to_vec(), &reading);
    let input = read("00000000: 01\n03ffffff: 02\n").unwrap();
    assert_eq!((input.bytes.len(), input.positions.iter().count()), (0x400_0000, 2));
    for text in [
        "00000000: 01\n04000002: 02\n",
        "00000000: 01\n03000000: 02\n06000000: 03\n",
        "00000000  01\n*\n03000000  02\n*\n06000000\n",
    ] {
        let error = read(text).expect_err(text);
        assert!(error.to_string().contains("too far"), "{error}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_line_and_column() {
    let cases = [
        // Odd digits, and what is no digit.
        ("0000: 00200003 0000000\n", (1, 16, "7 digits")),
        ("0000: 00200003 0000000g\n", (1, 23, "`g` is no hexadecimal digit")),
        ("hello world\n", (1, 1, "no row of a dump")),
        ("0000: 00200003\n\nxyz: 00\n", (3, 1, "no row of a dump")),
        // Offsets that jump, go back or start again.
        ("0000: 00200003\n0008: 00000000\n", (2, 1, "4 bytes are missing")),
        ("0000: 00200003\n0002: 00000000\n", (2, 1, "second dump")),
        ("0000: 00200003\n0000: 00000000\n", (2, 1, "second dump")),
        ("00000000  00 20 00 03  |. ..|\n00000020  00  |.|\n", (2, 1, "28 bytes are missing")),
        // `*` without a row before or an offset behind, and one that stands for no whole rows.
        ("*\n0000: 00\n", (1, 1, "none before")),
        ("00000000  00 20 00 03  |. ..|\n*\n", (2, 1, "there is none")),
        ("00000000  00 20 00 03  |. ..|\n*\n0000000a\n", (3, 1, "no number of whole rows")),
        // Characters that are not those of the bytes, and too many of them.
        ("00000000: 4142 4344  ABXD\n", (1, 24, "`X` stands for the byte 0x43")),
        ("00000000: 4142 4344  BADC\n", (1, 22, "words of 2 bytes in the other order")),
        ("00000000: 4142  ABC\n", (1, 17, "3 characters for 2 bytes")),
        // Words of different sizes.
        ("0000000 0000 0000\n0000010 00000000\n", (2, 9, "a word of 4 bytes among words of 2 bytes")),
        // Arrays.
        ("x = { 0x00, 0x123 };\n", (1, 13, "3 digits")),
        ("x = { 0x00, 0x1234 };\n", (1, 13, "2 bytes among numbers of 1")),
        ("x = { 0x00, 256 };\n", (1, 13, "no number of a byte")),
        ("x = { 0x00, 010 };\n", (1, 13, "no number of a byte")),
        ("x = { 0x00, A };\n", (1, 13, "no number of a byte")),
        ("x = { 0x00, /* 0x01 };\n", (1, 13, "comment without an end")),
        ("x = { 0x00, 0x01\n", (1, 5, "array without an end")),
        ("x = { 0x00, };\ny = { 0x01 };\n", (2, 5, "second array")),
        ("x[] = {\n 0x00, 0x01 };\nunsigned int x_len = 3;\n", (3, 22, "2 bytes")),
        // The kernel's log.
        ("[ 1.000000] 00000000: 00 20\n[ 1.000001] eth0: link up\n", (2, 13, "no row of a dump")),
        ("00 01764352000:123456 3 - 0001 000003ff8003a7b2  00 | .\n00 01764352000:123457 3 - 0001 000003ff8003a7b2  01 | .\n", (2, 1, "another record")),
        ("cc 4\n0000: 00\n", (1, 4, "condition code")),
    ];
    for (text, (line, column, message)) in cases {
        let found = refusal(text);
        assert!(found.0 == line && found.1 == column && found.2.contains(message), "{text:?}: {found:?}");
    }
    let error = read("bad-xxd-e.txt", &Reading::default()).unwrap_err();
    assert!(error.to_string().contains("words of 4 bytes in the other order"), "{error}");
}

#[test]
fn what_is_filled_in_is_told() {
    let input = parse("00000000  01 02  |..|\n*\n00000006\n").unwrap();
    assert_eq!((input.bytes.as_slice(), input.notes.len()), ([1, 2, 1, 2, 1, 2].as_slice(), 1));
    assert_eq!(input.position(2), None);
    let input = parse("# rows of zeros are left out\n0000: 0102\n0004: 0304\n").unwrap();
    assert_eq!((input.bytes.as_slice(), input.notes.len()), ([1, 2, 0, 0, 3, 4].as_slice(), 1));
    let reading = Reading { zero_fill: true, ..Reading::default() };
    let input = Input::parse("-", b"0000: 0102\n0004: 0304\n".to_vec(), &reading).unwrap();
    assert_eq!((input.bytes.as_slice(), input.notes.len()), ([1, 2, 0, 0, 3, 4].as_slice(), 1));
    // Colons are of xxd, whose offsets are hexadecimal: this is no octal 16.
    let input = parse("# rows of zeros are left out\n0000: 01010101 01010101 01010101 01010101\n0020: 02\n").unwrap();
    assert_eq!((input.bytes.len(), input.bytes[16], input.bytes[32]), (33, 0, 2));
    assert!(parse("0000000 01 02\n0000002\n").unwrap().notes.is_empty());
}

/// `xxd -i` of one byte has no comma.
#[test]
fn an_array_may_have_one_number() {
    let good: [(&str, &[u8]); 6] = [
        ("unsigned char block[] = {\n  0x63\n};\nunsigned int block_len = 1;\n", &[0x63]),
        ("const BLOCK: [u8; 1] = [0x63];\n", &[0x63]),
        ("x = {\n  0x63 // a byte\n};\n", &[0x63]),
        ("x = { 0x63u8 };\n", &[0x63]),
        ("u64 iota[] = { 0x0000_0000_0002_4804 };\n", &[0, 0, 0, 0, 0, 2, 0x48, 4]),
        // No array: an offset.
        ("0x0000: 63\n", &[0x63]),
    ];
    for (text, bytes) in good {
        let input = parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(input.bytes, bytes, "{text}");
    }
    let (line, column, message) = refusal("x = { 0x123 };\n");
    assert!((line, column) == (1, 7) && message.contains("3 digits"), "{message}");
    assert!(refusal("0x63\n").2.contains("no hexadecimal digit"));
}

/// Characters that look like marks, and blanks at their start.
#[test]
fn characters_may_be_any() {
    let good: [(&str, &[u8]); 10] = [
        ("00000000: 617c 7c  a||\n", b"a||"),
        ("00000000: 7c61 7c  |a|\n", b"|a|"),
        ("00000000: 3e61 3c  >a<\n", b">a<"),
        ("00000000: 2020 4142    AB\n", b"  AB"),
        ("00000000: 2020 4142                                  AB\n", b"  AB"),
        ("00000000: 4120 2042  A  B\n", b"A  B"),
        ("00000000  7c 61 7c  ||a||\n", b"|a|"),
        ("0000000 20 3e 3c  > ><<\n", b" ><"),
        ("0000000 30 20 20 7c 2e  >0  |.<\n", b"0  |."),
        ("00000000  30 20 20 3e 2e  |0  >.|\n", b"0  >."),
    ];
    for (text, bytes) in good {
        let input = parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(input.bytes, bytes, "{text}");
    }
    // A blank of another kind is not lost.
    let record = "00 01764352000:123456 3 - 0001 000003ff8003a7b2\u{a0} 01 02 | ..\n";
    assert_eq!(parse(record).unwrap().bytes, [1, 2]);
}

/// A condition code has one digit, a byte two.
#[test]
fn a_row_may_start_with_the_byte_cc() {
    assert_eq!(parse(" cc 30 20\n").unwrap().bytes, [0xcc, 0x30, 0x20]);
    assert_eq!(parse("cc 03\n").unwrap().bytes, [0xcc, 3]);
    assert_eq!(parse("cc 3\n0000: 00\n").unwrap().bytes, [0]);
}

/// The characters of a row may be anything, the time of a line of the kernel's log too.
#[test]
fn a_row_may_hold_a_line_of_the_log() {
    let bytes = *b"[   12.345600] 0";
    for text in [
        "00000020: 5b20 2020 3132 2e33 3435 3630 305d 2030  [   12.345600] 0\n",
        "00000020  5b 20 20 20 31 32 2e 33  34 35 36 30 30 5d 20 30  |[   12.345600] 0|\n",
        "0000040 5b 20 20 20 31 32 2e 33 34 35 36 30 30 5d 20 30  >[   12.345600] 0<\n",
    ] {
        assert_eq!(parse(text).unwrap().bytes, bytes, "{text}");
    }
}

#[test]
fn lines_are_chosen() {
    let text = "[ 1.0] eth0: link up\n[ 1.1] 00000000: 0102\n[ 1.2] 00000002: 0304\n[ 1.3] done\n";
    let reading = Reading { lines: Some(2..=3), ..Reading::default() };
    assert_eq!(Input::parse("-", text.into(), &reading).unwrap().bytes, [1, 2, 3, 4]);
}

#[test]
fn raw_bytes_stay_as_they_are() {
    let reading = Reading { raw: true, ..Reading::default() };
    assert_eq!(Input::parse("-", b"00 20\n".to_vec(), &reading).unwrap().bytes, b"00 20\n");
    assert_eq!(Input::parse("-", vec![0, 0x20, 0xff], &Reading::default()).unwrap().bytes, [0, 0x20, 0xff]);
    assert!(Input::parse("-", Vec::new(), &Reading::default()).is_err());
    assert!(parse("# nothing\n").is_err());
    assert!(Input::read("no such file", &Reading::default()).is_err());
}
