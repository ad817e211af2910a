// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The fields of structures and the bits of words, as tables.

use std::fmt::Write;

use clp::field::{Field, Kind, Layout, Order, Part, Rule, Word};
use s390_iommu::{vfio, WORDS};

/// Every structure that has a table.
fn layouts() -> impl Iterator<Item = &'static Layout> {
    clp::wire::LAYOUTS.iter().chain(&s390_iommu::LAYOUTS).chain(&vfio::LAYOUTS).copied()
}

/// The structure with the title `title`.
pub(crate) fn layout(title: &str) -> Option<&'static Layout> {
    layouts().find(|layout| layout.title == title)
}

/// The titles of all structures, and of the words that are in none.
pub(crate) fn titles() -> impl Iterator<Item = &'static str> {
    layouts().map(|layout| layout.title).chain(WORDS.iter().map(|word| word.title))
}

/// The table of the structure with the title `name`, and the title.
pub(crate) fn structure(name: &str) -> Option<(&'static str, String)> {
    let layout = layout(name)?;
    let mut text = String::new();
    let order = match layout.order {
        Order::Big => "big-endian",
        Order::Native => "in the byte order of the host",
    };
    let linux = layout.linux_name.map_or_else(String::new, |name| format!(" `{name}` in Linux."));
    let _ = writeln!(text, "{} bytes, {order}.{linux}\n", layout.size);
    text.push_str("| offset | bytes | name | in Linux | must be | meaning |\n|---|---|---|---|---|---|\n");
    let digits = if layout.size > 0xff { 3 } else { 2 };
    for field in layout.fields {
        field_row(&mut text, field, digits);
        if let (Some(word), false) = (field.word, is_separate(field)) {
            word.parts.iter().for_each(|part| part_row(&mut text, part));
        }
    }
    Some((layout.title, text))
}

/// The table of the word with the title `name`, and the title.
pub(crate) fn bits(name: &str) -> Option<(&'static str, String)> {
    let word = WORDS.iter().find(|word| word.title == name)?;
    let mut text = String::new();
    let _ = writeln!(text, "{} bits, counted from the most significant; those without a name are 0.\n", word.width);
    text.push_str("| bits | name | in Linux | mask | meaning |\n|---|---|---|---|---|\n");
    for part in word.parts {
        let mask = mask(word, part);
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | `{mask:#x}` | {} |",
            range(part),
            part.name,
            code(part.linux_name),
            escaped(part.meaning)
        );
    }
    Some((word.title, text))
}

/// Whether the word of the field has a table of its own.
fn is_separate(field: &Field) -> bool {
    matches!(field.kind, Kind::Anchor)
}

fn field_row(text: &mut String, field: &Field, digits: usize) {
    let name = match field.elements {
        1 => format!("`{}`", field.name),
        count => format!("`{}[{count}]`", field.name),
    };
    let meaning = match field.kind {
        Kind::Structure(layout) => format!("{}: {}", field.meaning, layout.title),
        Kind::LittleEndian => format!("{}; **little-endian**", field.meaning),
        _ => field.meaning.to_owned(),
    };
    let width = digits + 2;
    let _ = writeln!(
        text,
        "| {:#0width$x} | {} | {name} | {} | {} | {} |",
        field.offset,
        field.length,
        code(field.linux_name),
        rule(field.rule),
        escaped(&meaning)
    );
}

fn part_row(text: &mut String, part: &Part) {
    let (bits, name, linux) = (range(part), part.name, code(part.linux_name));
    let word = if part.first == part.last { "bit" } else { "bits" };
    let _ =
        writeln!(text, "| | {word} {bits} | `{name}` | {linux} | {} | {} |", rule(part.rule), escaped(part.meaning));
}

fn range(part: &Part) -> String {
    match part.first == part.last {
        true => part.first.to_string(),
        false => format!("{}–{}", part.first, part.last),
    }
}

fn mask(word: &Word, part: &Part) -> u64 {
    let width = part.last - part.first + 1;
    let ones = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    ones << (word.width - 1 - part.last)
}

fn code(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("`{name}`"))
}

fn rule(rule: Rule) -> String {
    match rule {
        Rule::Any => String::new(),
        rule => escaped(&rule.to_string()),
    }
}

/// `text` for a cell of a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_is_a_row_a_field() {
        let (title, text) = structure("FIB").unwrap();
        assert_eq!(title, "FIB");
        assert!(text.starts_with("80 bytes, big-endian. `struct zpci_fib` in Linux.\n\n| offset |"), "{text}");
        assert!(text.contains("\n| 0x10 | 8 | `first` | `pba` |  | First usable I/O virtual address |\n"), "{text}");
        assert!(text.contains("\n| | bit 0 | `enabled` | `ZPCI_FIB_FC_ENABLED` |  | enabled |\n"), "{text}");
        assert!(text.contains("\n| 0x48 | 4 | `reserved_72` |  | zero | Reserved |\n"), "{text}");
        assert!(!text.contains("origin"), "{text}");
    }

    #[test]
    fn bits_have_masks() {
        let (_, text) = bits("region entry").unwrap();
        assert!(
            text.contains("| 58 | `invalid` | `ZPCI_TABLE_ENTRY_INVALID` | `0x20` |") || text.contains("| `0x20` |")
        );
        assert!(text.contains("| 62–63 |") && text.contains("| `0x3` |"), "{text}");
    }

    #[test]
    fn titles_are_all_different() {
        let all: Vec<_> = titles().collect();
        let mut different = all.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(all.len(), different.len());
        assert!(all.len() > 40, "{}", all.len());
    }
}
