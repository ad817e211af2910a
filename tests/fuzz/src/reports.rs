// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What must hold of every report, whatever it is of.

use serde_json::Value;
use zpci::decode::{decode, Kind};
use zpci::input::Input;
use zpci::report::{Report, Row};

/// Rows of a report for each byte of its input, at most; an entry has no more fields than bytes, and some bytes have two rows.
const ROWS_OF_A_BYTE: usize = 2;

/// Decodes `bytes` as `kind`, and checks the report.
pub fn report(kind: Kind, bytes: &[u8], zeros_follow: bool) -> Report {
    let mut input = Input { name: "fuzz".to_owned(), bytes: bytes.to_vec(), zeros_follow, ..Input::default() };
    let report = decode(&mut input, Some(kind), None).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    check(&report, &input);
    report
}

/// What the input has, with the zeros behind it that it leaves out.
pub fn whole(bytes: &[u8], zeros_follow: bool, size: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if zeros_follow && bytes.len() < size {
        bytes.resize(size, 0);
    }
    bytes
}

/// Checks a report of `input`: it claims no byte that is not there, its values are those of its bytes, and all of its
/// outputs can be written and agree.
pub fn check(report: &Report, input: &Input) {
    let end = if input.zeros_follow { input.bytes.len().max(clp::Block::SIZE) } else { input.bytes.len() };
    let mut rows = 0;
    for section in &report.sections {
        let mut next = 0;
        for row in section.rows.iter().filter(|row| !row.bytes.is_empty()) {
            rows += 1;
            assert!(row.offset >= next, "rows overlap: {row:?} starts before {next:#x}");
            next = row.offset + row.bytes.len();
            assert!(next <= end, "{row:?} goes on behind the input of {end} bytes");
            for (index, byte) in row.bytes.iter().enumerate() {
                let there = input.bytes.get(row.offset + index).copied().unwrap_or(0);
                assert_eq!(*byte, there, "{row:?} has not the bytes of the input");
            }
            assert!(has_value(row), "{row:?} has another value than its bytes");
        }
    }
    assert!(rows <= 64 + ROWS_OF_A_BYTE * end, "{rows} rows of {end} bytes");
    for problem in &report.problems {
        assert!(!problem.rule.is_empty() && !problem.text.is_empty() && !problem.field.is_empty(), "{problem:?}");
        assert!(problem.offset + problem.length <= end.max(16), "{problem:?} is behind the input of {end} bytes");
    }
    assert!(!report.headline.is_empty() && !report.kind.is_empty(), "{report:?}");
    assert_eq!(report.is_good(), report.problems.is_empty() && !report.is_refused);

    let (short, long) = (zpci::render::report_text(report, false), zpci::render::report_text(report, true));
    assert!(!short.is_empty() && long.lines().count() >= short.lines().count(), "{short}\n{long}");
    let problems = zpci::render::problems(report, Some(input));
    assert_eq!(problems.is_empty(), report.problems.is_empty(), "{problems}");
    let json = zpci::render::report_json(report);
    assert_eq!(json["ok"], Value::Bool(report.is_good()));
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(report.problems.len()));
}

/// Whether the value for programs is that of the bytes: a number in one of the two orders, or digits.
fn has_value(row: &Row) -> bool {
    match row.value.strip_prefix("0x") {
        Some(digits) => {
            let Ok(value) = u64::from_str_radix(digits, 16) else { return false };
            let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
            row.bytes.len() <= 8
                && (row.bytes.iter().fold(0, push) == value || row.bytes.iter().rev().fold(0, push) == value)
        }
        None => row.value == row.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
    }
}
