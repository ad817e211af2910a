// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Numbers: anchors, table entries, status words, codes.

use clp::field::Word;
use clp::{ConditionCode, ResponseCode};
use s390_iommu::{
    Action, Iota, Outcome, PageEntry, RegionEntry, Request, SegmentEntry, Status, IOTA, PAGE_ENTRY, REGION_ENTRY,
    SEGMENT_ENTRY,
};

use super::{text, Kind};
use crate::report::{Report, Row, Section};

/// Decodes the number `text`.
///
/// # Errors
///
/// Why it is no number, or none of this kind.
pub(crate) fn decode(kind: Kind, text: &str) -> Result<Report, String> {
    if kind == Kind::Status {
        return status(text);
    }
    let value = number(text)?;
    let small = |bits: u32| {
        if value >> bits == 0 {
            Ok(value)
        } else {
            Err(format!("`{text}` has more than {bits} bits"))
        }
    };
    Ok(match kind {
        Kind::Iota => iota(value),
        Kind::Entry => entry(value),
        Kind::RegionFirst => region(value, 3),
        Kind::RegionSecond => region(value, 2),
        Kind::RegionThird => region(value, 1),
        Kind::Segment => segment(value),
        Kind::Page => page(value),
        Kind::ResponseCode => {
            let code = small(16)? as u16;
            let mut report = simple("response-code", text::response(code));
            report.is_refused = !ResponseCode(code).is_ok();
            report
        }
        Kind::EventCode => simple("event-code", text::event(small(16)? as u16)),
        Kind::Handle => simple("handle", text::handle(small(32)? as u32)),
        _ => return Err(format!("`{text}` is a number, and this kind is a block: give a file")),
    })
}

/// A number, hexadecimal with or without `0x`.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    let bare = text.trim();
    let digits = bare.strip_prefix("0x").unwrap_or(bare).replace('_', "");
    // A sign is no digit, though the standard library takes one.
    let number = digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u64::from_str_radix(&digits, 16).ok());
    number.flatten().ok_or_else(|| format!("`{text}` is no hexadecimal number of at most 64 bits"))
}

fn simple(kind: &'static str, headline: String) -> Report {
    Report { kind, title: headline.clone(), headline, ..Report::default() }
}

/// The bits of a word as rows.
fn bits(word: &'static Word, value: u64) -> Section {
    let row = |part: &clp::field::Part| Row {
        offset: part.first,
        name: part.name.to_owned(),
        value: format!("{:#x}", word.value(part, value)),
        text: match part.first == part.last {
            true => format!("bit {}", part.first),
            false => format!("bits {} to {}", part.first, part.last),
        },
        meaning: part.meaning,
        ..Row::default()
    };
    Section { name: "bits".to_owned(), rows: word.parts.iter().map(row).collect(), ..Section::default() }
}

fn iota(value: u64) -> Report {
    let mut report = simple("iota", String::new());
    let anchor = Iota::from_bits(value);
    report.headline = match text::anchor(value) {
        text if anchor.translation() => format!("IOTA: {}", text.replace(", translation on", "")),
        text => format!("IOTA: {text}"),
    };
    report.sections.push(bits(&IOTA, value));
    if value == 0 {
        return report;
    }
    if !anchor.translation() {
        report.complain(0, 8, "translation", "an anchor without T is 0", "IOTA: bits are set and T is not".to_owned());
        return report;
    }
    rules(&IOTA, value, "IOTA", &mut report);
    if anchor.origin().get() & 0x3fff != 0 {
        let text = format!("IOTA: the table at {} is at no multiple of 16 KiB", anchor.origin());
        report.complain(0, 8, "origin", "a multiple of 16 KiB", text);
    }
    report
}

/// Complains of every rule of `word` that `value` breaks.
fn rules(word: &'static Word, value: u64, what: &str, report: &mut Report) {
    for part in word.parts {
        let number = word.value(part, value);
        if !part.rule.allows(number) {
            let text = format!("{what}: {} is {number}, must be {}", part.name, part.rule);
            report.complain(0, 8, part.name, &part.rule.to_string(), text);
        }
    }
    let reserved = value & word.reserved();
    if reserved != 0 {
        let text = format!("{what}: reserved {} set, must be zero", text::bits_of(word, reserved));
        report.complain(0, 8, "reserved", "zero", text);
    }
}

/// What an entry is, by what it can be.
fn entry(value: u64) -> Report {
    let region_entry = RegionEntry::from_bits(value);
    if matches!(region_entry.table_type(), 1..=3) {
        return region(value, region_entry.table_type());
    }
    if value & 0xfff == 0x020 || SegmentEntry::from_bits(value).frame_mapped() && value & 0xf_f9ff == 0 {
        // Of an empty entry nobody can say whether it is of a region or a segment; of one with bit 53 alone, whether it
        // is an empty page entry.
        let mut report = segment(value);
        report.headline = match value {
            0x20 => "region or segment entry: invalid, empty".to_owned(),
            0x400 => "page entry: invalid, empty".to_owned(),
            _ => format!("{}; as a page entry: {}", report.headline, page(value).headline),
        };
        return report;
    }
    if value == 0 {
        let mut report = simple("entry", "entry: 0, which QEMU takes for an error and Linux never stores".to_owned());
        report.complain(0, 8, "entry", "not 0", "entry: 0 is no entry".to_owned());
        return report;
    }
    // A page table may be at a multiple of 4 KiB, so that nothing tells one from the other.
    let (as_segment, as_page) = (segment(value), page(value));
    match (as_segment.problems.is_empty(), as_page.problems.is_empty()) {
        (true, true) => {
            let mut report = as_page;
            report.headline = format!("{}; as a segment entry: {}", report.headline, as_segment.headline);
            report
        }
        (true, false) => as_segment,
        _ => as_page,
    }
}

fn region(value: u64, table_type: u8) -> Report {
    let names = ["segment", "region-third", "region-second", "region-first"];
    let below = ["page", "segment", "region-third", "region-second"];
    let name = |names: [&'static str; 4]| names.get(usize::from(table_type)).copied().unwrap_or("region");
    let entry = RegionEntry::from_bits(value);
    let what = format!("{} entry", name(names));
    let mut report = simple("region-entry", String::new());
    report.sections.push(bits(&REGION_ENTRY, value));
    if entry.invalid() {
        report.headline = format!("{what}: invalid{}", if value == 0x20 { ", empty" } else { "" });
        return report;
    }
    let protected = if entry.protected() { ", read only" } else { "" };
    report.headline = format!(
        "{what}: valid, {} table at {}, TL {}, TF {}{protected}",
        name(below),
        entry.origin(),
        entry.table_length(),
        entry.table_offset()
    );
    rules(&REGION_ENTRY, value, &what, &mut report);
    if entry.table_type() != table_type {
        let text = format!(
            "{what}: TT {} is that of a {}",
            entry.table_type(),
            names.get(usize::from(entry.table_type())).copied().unwrap_or("?")
        );
        report.complain(0, 8, "table_type", &format!("{table_type}"), text);
    }
    report
}

fn segment(value: u64) -> Report {
    let entry = SegmentEntry::from_bits(value);
    let mut report = simple("segment-entry", String::new());
    report.sections.push(bits(&SEGMENT_ENTRY, value));
    report.headline = match (entry.invalid(), entry.frame_mapped()) {
        (true, _) => format!("segment entry: invalid{}", if value == 0x20 { ", empty" } else { "" }),
        (false, true) => format!("segment entry: valid, frame of 1 MiB at {}, {}", entry.frame(), entry.protection()),
        (false, false) => {
            let protected = if entry.protected() { ", read only" } else { "" };
            format!("segment entry: valid, page table at {}{protected}", entry.origin())
        }
    };
    if entry.invalid() {
        return report;
    }
    rules(&SEGMENT_ENTRY, value, "segment entry", &mut report);
    if entry.frame_mapped() && entry.origin() != entry.frame() {
        let text = format!("segment entry: the frame of 1 MiB at {} is at no multiple of 1 MiB", entry.origin());
        report.complain(0, 8, "origin", "a multiple of 1 MiB with FC", text);
    }
    if entry.origin().get() == 0 {
        report.notes.push("QEMU takes no table and no frame at absolute address 0".to_owned());
    }
    report
}

fn page(value: u64) -> Report {
    let entry = PageEntry::from_bits(value);
    let mut report = simple("page-entry", String::new());
    report.sections.push(bits(&PAGE_ENTRY, value));
    report.headline = match entry.invalid() {
        true if entry.frame().get() == 0 => "page entry: invalid, empty".to_owned(),
        true => format!("page entry: invalid, was frame {}", entry.frame()),
        false => format!("page entry: valid, frame {}, {}", entry.frame(), entry.protection()),
    };
    if !entry.invalid() {
        rules(&PAGE_ENTRY, value, "page entry", &mut report);
    }
    report
}

/// "cc1 0x8002000018000004": the condition code, and the register of the request afterwards.
fn status(text: &str) -> Result<Report, String> {
    let words: Vec<&str> = text.split([' ', ',', ':']).filter(|word| !word.is_empty()).collect();
    let (cc, register) = match words.as_slice() {
        ["cc", cc] => (Some(*cc), None),
        ["cc", cc, register] => (Some(*cc), Some(*register)),
        [cc] if cc.starts_with("cc") => (cc.strip_prefix("cc"), None),
        [cc, register] => (cc.strip_prefix("cc"), Some(*register)),
        [register] => (None, Some(*register)),
        _ => (None, None),
    };
    let wrong =
        || format!("`{text}` is no condition code with a register: \"cc1 0x8002000018000004\", or the register alone");
    let cc = match cc {
        Some(cc) => Some("0123".find(cc).filter(|_| cc.len() == 1).ok_or_else(wrong)? as u8),
        None if register.is_none() || words.len() > 1 => return Err(wrong()),
        None => None,
    };
    let register = register.map(number).transpose()?;
    let status = register.map(|register| (register >> 24) as u8);
    let mut report = simple("status", String::new());
    let meaning = |status: u8| match Status(status) {
        Status::NO_RESOURCE => "a resource is not available",
        Status::IN_ERROR => "the function is in error, or the address is refused",
        Status::INSUFFICIENT_RESOURCE => "resources do not suffice",
        Status::SEQUENCE => "registered already, or not registered",
        Status::ADDRESS_SPACE => "the DMA address space is not valid",
        Status::RECOVERY => "the function is being recovered",
        Status(0) => "no status",
        _ => "which is no known status",
    };
    report.headline = match (cc, status) {
        (Some(0), _) => "cc 0: done".to_owned(),
        (Some(1), None) => return Err(format!("{}; with cc 1 the register has the status", wrong())),
        (Some(1), Some(status)) => {
            report.is_refused = true;
            format!("cc 1, status {status}: {}", meaning(status))
        }
        (Some(2), _) => {
            report.is_refused = true;
            "cc 2: busy, to be tried again".to_owned()
        }
        (Some(_), _) => {
            report.is_refused = true;
            "cc 3: the function is not there, or the handle is an old one".to_owned()
        }
        (None, status) => {
            let status = status.unwrap_or(0);
            format!("status {status}: {}; it counts with cc 1 alone", meaning(status))
        }
    };
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String, text: String, meaning: &'static str| {
        rows.push(Row { name: name.to_owned(), value, text, meaning, ..Row::default() });
    };
    if let Some(cc) = cc {
        row("cc", format!("{cc:#x}"), String::new(), "Condition code");
    }
    if let Some(register) = register {
        let status = (register >> 24) as u8;
        row("fh", format!("{:#x}", register >> 32), text::handle((register >> 32) as u32), "Function handle");
        row("status", format!("{status:#x}"), "bits 32 to 39".to_owned(), "Status");
        row("dmaas", format!("{:#x}", register >> 16 & 0xff), "bits 40 to 47".to_owned(), "DMA address space");
        row("oc", format!("{:#x}", register & 0xffff), operation(register as u16), "Operation control, of MPCIFC");
    }
    if let (Some(1), Some(status)) = (cc, status) {
        let outcome = Outcome { cc: ConditionCode::One, status: Status(status) };
        let mut say = |request, name: &str| {
            let action = match Action::of(request, outcome) {
                Action::Done => "done",
                Action::AlreadyDone => "it was so already",
                Action::Again => "again",
                Action::FreeResources => "refresh everything, then again",
                Action::AwaitReset => "nothing until it is reset",
                Action::AwaitRecovery => "wait for the end of the recovery",
                Action::Forget => "forget the function",
                Action::RegisterAnew => "register it anew",
                Action::Fail => "it failed",
            };
            row(name, String::new(), action.to_owned(), "What a driver does");
        };
        say(Request::Register, "after a registration");
        say(Request::Deregister, "after a deregistration");
        say(Request::Refresh, "after a refresh");
    }
    report.sections.push(Section { name: "register".to_owned(), rows, ..Section::default() });
    Ok(report)
}

fn operation(control: u16) -> String {
    let name = match control & 0xff {
        2 => "register interrupts",
        3 => "deregister interrupts",
        4 => "register translation",
        5 => "deregister translation",
        6 => "reregister translation",
        7 => "reset the error state and the block",
        9 => "reset the block",
        10 => "set measurement",
        _ => "",
    };
    name.to_owned()
}
