// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Bytes as tools print them, written once more.

use std::fmt::Write;

use zpci::input::{Radix, WordOrder};

/// A text, and what it does not say of itself.
#[derive(Debug)]
pub struct Text {
    pub form: &'static str,
    pub text: String,
    /// The order of the bytes in its words, where it has words.
    pub words: Option<WordOrder>,
    /// The number system of its offsets, where more than one may fit.
    pub offsets: Option<Radix>,
}

fn text(form: &'static str, text: String) -> Text {
    Text { form, text, words: None, offsets: None }
}

fn counted(form: &'static str, text: String, offsets: Radix) -> Text {
    Text { form, text, words: None, offsets: Some(offsets) }
}

fn words(form: &'static str, text: String, order: WordOrder, offsets: Radix) -> Text {
    Text { form, text, words: Some(order), offsets: Some(offsets) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Digits in groups of `size` bytes.
fn groups(row: &[u8], size: usize) -> String {
    row.chunks(size).map(hex).collect::<Vec<_>>().join(" ")
}

fn printable(row: &[u8]) -> String {
    row.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect()
}

/// The rows of 16 bytes, with `*` for those like the one before, as hexdump and od print them; the offset behind the last
/// byte ends them.
fn squeezed(bytes: &[u8], offset: impl Fn(usize) -> String, row: impl Fn(&[u8]) -> String) -> String {
    let mut text = String::new();
    let (mut before, mut is_star): (Option<&[u8]>, bool) = (None, false);
    for (index, bytes) in bytes.chunks(16).enumerate() {
        if before == Some(bytes) && bytes.len() == 16 {
            if !is_star {
                text.push_str("*\n");
            }
            is_star = true;
            continue;
        }
        (before, is_star) = (Some(bytes), false);
        let _ = writeln!(text, "{}{}", offset(16 * index), row(bytes));
    }
    let _ = writeln!(text, "{}", offset(bytes.len()));
    text
}

/// Words of `size` bytes, padded with zeros as od and hexdump do; the number of bytes has to be a multiple, or a zero is
/// added.
fn numbers(row: &[u8], size: usize, order: WordOrder) -> String {
    let mut text = String::new();
    for word in row.chunks(size) {
        let mut word = word.to_vec();
        word.resize(size, 0);
        if order == WordOrder::Little {
            word.reverse();
        }
        let _ = write!(text, " {}", hex(&word));
    }
    text
}

/// `bytes`, not none of them, in every form; `marked` puts blanks and marks of other tools where there may be some.
pub fn all(bytes: &[u8]) -> Vec<Text> {
    let mut all = Vec::new();
    let rows = || bytes.chunks(16).enumerate().map(|(index, row)| (16 * index, row));
    let lines =
        |line: &dyn Fn(usize, &[u8]) -> String| rows().map(|(at, row)| line(at, row) + "\n").collect::<String>();

    let xxd = |group: usize| {
        let width = 32 + 16usize.div_ceil(group) - 1;
        lines(&|at, row| format!("{at:08x}: {:<width$}  {}", groups(row, group), printable(row)))
    };
    all.push(text("xxd", xxd(2)));
    all.push(text("xxd -g1", xxd(1)));
    all.push(text("xxd -g4", xxd(4)));
    all.push(text("xxd -g8", xxd(8)));
    all.push(text("xxd, CRLF", xxd(2).replace('\n', "\r\n")));
    all.push(text("xxd -p", bytes.chunks(30).map(|row| hex(row) + "\n").collect()));
    let list = |row: &[u8]| row.iter().map(|byte| format!("{byte:#04x}")).collect::<Vec<_>>().join(", ");
    let body = bytes.chunks(12).map(|row| format!("  {}", list(row))).collect::<Vec<_>>().join(",\n");
    let xxd_i = format!("unsigned char block[] = {{\n{body}\n}};\nunsigned int block_len = {};\n", bytes.len());
    all.push(text("xxd -i", xxd_i));
    all.push(text("Rust", format!("const BLOCK: [u8; {}] = [\n{body},\n];\n", bytes.len())));

    let halves = |row: &[u8]| {
        let (first, second) = row.split_at(row.len().min(8));
        let both = format!(
            "{} {}",
            groups(first, 1),
            if second.is_empty() { String::new() } else { format!(" {}", groups(second, 1)) }
        );
        format!("  {both:<50} |{}|", printable(row))
    };
    all.push(text(
        "hexdump -C",
        squeezed(bytes, |at| format!("{at:08x}"), |row| format!("{:<60}", halves(row)).trim_end().to_owned()),
    ));
    all.push(text(
        "hexdump -vC",
        lines(&|at, row| format!("{at:08x}{}", halves(row))) + &format!("{:08x}\n", bytes.len()),
    ));

    let single = |row: &[u8]| numbers(row, 1, WordOrder::Big);
    all.push(counted("od -tx1", squeezed(bytes, |at| format!("{at:07o}"), single), Radix::Octal));
    all.push(text("od -Ax -tx1", squeezed(bytes, |at| format!("{at:06x}"), single)));
    all.push(counted("od -Ad -tx1", squeezed(bytes, |at| format!("{at:07}"), single), Radix::Decimal));
    all.push(text("od -An -v -tx1", lines(&|_, row| single(row))));
    let od_z = |row: &[u8]| format!("{:<48}  >{}<", single(row), printable(row));
    all.push(counted("od -tx1z", squeezed(bytes, |at| format!("{at:07o}"), od_z), Radix::Octal));

    all.push(text(
        "print_hex_dump",
        lines(&|at, row| format!("[   12.345678] zpci: {at:08x}: {}  {}", groups(row, 1), printable(row))),
    ));
    all.push(text("print_hex_dump, words", lines(&|at, row| format!("[    1.000001] {at:08x}: {}", groups(row, 4)))));
    let record =
        format!("00 01764352000:123456 3 - 0001 000003ff8003a7b2  {} | {}\n", groups(bytes, 1), printable(bytes));
    all.push(text("s390dbf", record));
    all.push(text("fixture", fixture(bytes)));

    // Words: a part of one is printed as a whole, so that only whole ones come back.
    for (size, od, hexdump) in [(2, "od -tx2", "hexdump"), (4, "od -tx4", ""), (8, "od -tx8", "")] {
        if !bytes.len().is_multiple_of(size) {
            continue;
        }
        for order in [WordOrder::Big, WordOrder::Little] {
            let row = |row: &[u8]| numbers(row, size, order);
            all.push(words(od, squeezed(bytes, |at| format!("{at:07o}"), row), order, Radix::Octal));
            if !hexdump.is_empty() {
                all.push(words(hexdump, squeezed(bytes, |at| format!("{at:07x}"), row), order, Radix::Hex));
            }
        }
    }
    all
}

/// As the fixtures are, with rows of zeros left out but for the first and the last.
pub fn fixture(bytes: &[u8]) -> String {
    let mut text = "# Rows of zeros are left out.\n".to_owned();
    let last = bytes.len().saturating_sub(1) / 16;
    for (index, row) in bytes.chunks(16).enumerate() {
        if index == 0 || index == last || row.iter().any(|byte| *byte != 0) {
            let _ = writeln!(text, "{:04x}: {}", 16 * index, groups(row, 4));
        }
    }
    text
}
