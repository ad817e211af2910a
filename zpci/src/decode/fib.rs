// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Function information blocks.

use s390_iommu::vfio::ByteOrder;
use s390_iommu::{Iota, Root, FIB, FUNCTION_STATE, INTERRUPT_WORD};

use super::table::{number, Structure};
use super::{sized, text};
use crate::input::Input;
use crate::report::{Report, Section};

/// Decodes a FIB.
pub(crate) fn decode(input: &Input) -> Report {
    let mut report = Report { kind: "fib", title: "FIB".to_owned(), ..Report::default() };
    let bytes = sized(input, FIB.size, &mut report);
    let fib = Structure::new(&FIB, &bytes, 0);
    let mut section = fib.read("fib", &mut report);
    let format = fib.number("format").unwrap_or(0);
    let state = fib.number("state").unwrap_or(0);
    let iota = fib.number("iota").unwrap_or(0);
    for row in &mut section.rows {
        match (row.name.as_str(), row.offset) {
            ("word", 40) if row.bytes.len() == 4 => {
                "interrupts".clone_into(&mut row.name);
                let word =
                    bytes.get(40..44).map_or(0, |word| word.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)));
                row.text = match format {
                    1 => format!("{} directed interrupts", word >> 16 & 0xfff),
                    _ => interrupts(word),
                };
            }
            ("dibvo", _) if format == 0 => row.is_minor = row.bytes.iter().all(|byte| *byte == 0),
            ("aibv" | "aisb" | "fmb_addr" | "gd" | "pba" | "pal" | "iota", _) => {
                row.is_minor = row.bytes.iter().all(|byte| *byte == 0) && row.name != "iota";
            }
            _ => {}
        }
    }
    check_format(&section, format, &bytes, &mut report);
    check_anchor(iota, &mut report);
    check_aperture(&fib, &mut report);
    report.sections.push(section);
    let said: Vec<&str> = FUNCTION_STATE
        .parts
        .iter()
        .filter(|part| FUNCTION_STATE.value(part, state) != 0)
        .map(|part| if part.name == "registered" { "translation registered" } else { part.meaning })
        .collect();
    let said = if said.is_empty() { "no state, as MPCIFC takes it".to_owned() } else { said.join(", ") };
    report.headline = format!("FIB, format {format}: {said}");
    report
}

fn check_anchor(iota: u64, report: &mut Report) {
    let anchor = Iota::from_bits(iota);
    if iota == 0 {
        return;
    }
    let complaint = match anchor.translation() {
        false => Some(("0 without T".to_owned(), "an anchor without translation is 0 alone".to_owned())),
        true if Root::ALL.iter().all(|root| root.designation_type() != anchor.designation_type()) => Some((
            "DT 1, 2 or 3".to_owned(),
            format!("designation type {} is that of no table", anchor.designation_type()),
        )),
        true if anchor.origin().get() & 0x3fff != 0 => Some((
            "a multiple of 16 KiB".to_owned(),
            format!("the table at {} is at no multiple of 16 KiB", anchor.origin()),
        )),
        true if iota & 0x7e3 != 0 => Some((
            "zero beside T and DT".to_owned(),
            format!("bits beside T and DT are set ({:#x}), which QEMU takes for a part of the origin", iota & 0x7e3),
        )),
        true => None,
    };
    if let Some((rule, text)) = complaint {
        report.complain(32, 8, "iota", &rule, format!("FIB: {text}"));
    }
}

fn check_aperture(fib: &Structure<'_>, report: &mut Report) {
    let (Some(first), Some(last)) = (fib.number("first"), fib.number("last")) else {
        return;
    };
    if first == 0 && last == 0 {
        return;
    }
    if first & 0xfff != 0 || last & 0xfff != 0xfff {
        report
            .notes
            .push("PBA and PAL are no whole pages: QEMU rounds both down to a page, PAL to its last byte".to_owned());
    }
}

/// What is reserved in one format and not in the other.
fn check_format(section: &Section, format: u64, bytes: &[u8], report: &mut Report) {
    let names: &[&str] = if format == 1 { &["aibv", "aisb"] } else { &["dibvo"] };
    for row in section.rows.iter().filter(|row| names.contains(&row.name.as_str())) {
        if row.bytes.iter().any(|byte| *byte != 0) {
            let text = format!("FIB: {} is reserved in format {format}, must be zero", row.name);
            report.complain(row.offset, row.bytes.len(), &row.name, &format!("zero in format {format}"), text);
        }
    }
    let word = bytes.get(40..44).and_then(|bytes| number(ByteOrder::Big, bytes)).unwrap_or(0);
    if format == 1 && word & 0xf000_ffff & !INTERRUPT_WORD.reserved() != 0 {
        let text = "FIB: of the first word only the number of interrupts is used in format 1, all else must be zero";
        report.complain(40, 4, "interrupts", "zero beside NOI in format 1", text.to_owned());
    }
}

/// The first word of the interrupt parameters.
fn interrupts(word: u64) -> String {
    let value = |name: &str| {
        let part = INTERRUPT_WORD.parts.iter().find(|part| part.name == name);
        part.map_or(0, |part| INTERRUPT_WORD.value(part, word))
    };
    if word == 0 {
        return "none".to_owned();
    }
    let summary = match value("has_summary") {
        0 => "no summary bit".to_owned(),
        _ => format!("summary bit, AISBO {}", value("summary_offset")),
    };
    let reserved = match word & INTERRUPT_WORD.reserved() {
        0 => String::new(),
        bits => format!(", reserved {}", text::bits_of(&INTERRUPT_WORD, bits)),
    };
    let (subclass, count, offset) = (value("subclass"), value("count"), value("vector_offset"));
    format!("ISC {subclass}, {count} interrupts, AIBVO {offset}, {summary}{reserved}")
}
