// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A report for people.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::input::{excerpt, Input, Position};
use crate::report::{Problem, Report, Row, Section};

const HEADLINE: Style = Style::new().bold();
const WRONG: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Bytes that stand in one line.
const IN_A_LINE: usize = 8;

/// The report as text: the headline and the fields; all of them, with what they mean, if `is_verbose`.
pub fn report(report: &Report, is_verbose: bool) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{HEADLINE}{}{HEADLINE:#}", report.headline);
    let is_short = report.is_refused && report.problems.is_empty() && !is_verbose;
    if !is_short {
        fields(&mut text, report, is_verbose);
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn fields(text: &mut String, report: &Report, is_verbose: bool) {
    let is_number = report.sections.iter().all(|section| section.rows.iter().all(|row| row.bytes.is_empty()));
    if is_number && !is_verbose {
        return;
    }
    let wrong = wrong_bytes(report);
    let is_wrong = |row: &Row| overlaps(&wrong, row);
    let shown = |row: &&Row| is_verbose || !row.is_minor || is_wrong(row);
    let width = report.sections.iter().flat_map(|section| &section.rows).map(|row| row.name.len()).max().unwrap_or(0);
    let width = width.clamp(14, 32);
    let has_table = report.sections.iter().any(|section| section.summary.is_empty() || is_verbose);
    if has_table && !is_number {
        let _ = writeln!(text, " {FAINT}{:<7} {:<18} {:<width$} VALUE{FAINT:#}", "OFFSET", "BYTES", "FIELD");
    }
    let names = report.sections.iter().filter(|section| section.list.is_some()).map(|section| section.name.len());
    let name_width = names.max().unwrap_or(0);
    for section in &report.sections {
        let is_wrong_section = section.rows.iter().any(is_wrong);
        if !section.summary.is_empty() {
            let mark = if is_wrong_section { '!' } else { ' ' };
            let mut lines = section.summary.lines();
            let first = lines.next().unwrap_or_default();
            let _ = writeln!(text, "{mark}{:<name_width$}  {first}", section.name);
            lines.for_each(|line| _ = writeln!(text, " {:<name_width$}  {line}", ""));
            if !is_verbose && !is_wrong_section {
                continue;
            }
        } else if report.sections.len() > 1 {
            let _ = writeln!(text, " {}", section.name);
        }
        for row in section.rows.iter().filter(shown) {
            line(text, row, width, is_wrong(row), is_verbose, is_number);
        }
    }
    let reserved = |section: &Section| section.rows.iter().any(|row| row.is_reserved);
    let is_broken = |problem: &Problem| problem.rule == "zero" || problem.rule == "reserved bits are zero";
    if !is_number && report.sections.iter().any(reserved) && !report.problems.iter().any(is_broken) {
        let _ = writeln!(text, " reserved fields are zero");
    }
}

/// The bytes that problems are about: first and behind the last of each row of them, in their order.
fn wrong_bytes(report: &Report) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> =
        report.problems.iter().map(|it| (it.offset, it.offset.saturating_add(it.length))).collect();
    all.sort_unstable();
    let mut rows: Vec<(usize, usize)> = Vec::new();
    for (start, end) in all {
        match rows.last_mut() {
            Some((_, last)) if start < *last => *last = end.max(*last),
            _ => rows.push((start, end)),
        }
    }
    rows
}

fn overlaps(wrong: &[(usize, usize)], row: &Row) -> bool {
    let behind = wrong.partition_point(|(_, end)| *end <= row.offset);
    wrong.get(behind).is_some_and(|(start, _)| *start < row.offset + row.bytes.len())
}

fn line(text: &mut String, row: &Row, width: usize, is_wrong: bool, is_verbose: bool, is_number: bool) {
    let name = &row.name;
    let (mark, style) = if is_wrong { ('!', WRONG) } else { (' ', Style::new()) };
    let meaning = if is_verbose && !row.meaning.is_empty() { format!("  ({})", row.meaning) } else { String::new() };
    if is_number {
        let _ = writeln!(text, " {name:<width$} {:<20} {}{meaning}", row.value, row.text);
        return;
    }
    let mut chunks = row.bytes.chunks(IN_A_LINE);
    let first = digits(chunks.next().unwrap_or_default());
    let more = if row.bytes.len() > IN_A_LINE && !is_verbose { ".." } else { "" };
    let bytes = format!("{first}{more}");
    let line = format!("{mark}{:#06x}  {bytes:<18} {name:<width$} {}{meaning}", row.offset, row.text);
    let _ = writeln!(text, "{style}{}{style:#}", line.trim_end());
    if is_verbose {
        let mut offset = row.offset + IN_A_LINE;
        for chunk in chunks {
            let _ = writeln!(text, " {offset:#06x}  {}", digits(chunk));
            offset += chunk.len();
        }
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Problems that are told to people; programs get all of them.
const TOLD: usize = 100;

/// What is wrong, each with the line of the input and a mark below it: the first 100, and how many more there are.
pub fn problems(report: &Report, input: Option<&Input>) -> String {
    let mut text = String::new();
    for problem in report.problems.iter().take(TOLD) {
        let _ = writeln!(text, "{WRONG}error:{WRONG:#} {}", problem.text);
        let remark = format!("{:#06x}, {}", problem.offset, problem.field);
        let Some(input) = input else {
            continue;
        };
        match span(input, problem) {
            Some((position, line)) => {
                let _ = writeln!(text, "{}", excerpt(position, &line, &remark));
            }
            None if input.lines.is_empty() => text.push_str(&row_of_bytes(input, problem, &remark)),
            None => {
                let _ = writeln!(text, "     | {remark}: not in the text");
            }
        }
    }
    match report.problems.len().saturating_sub(TOLD) {
        0 => {}
        more => _ = writeln!(text, "{WRONG}error:{WRONG:#} {more} more of these; --json has all of them"),
    }
    text
}

/// The line with the first byte of a problem that is in the text, and where all of its bytes in that line stand.
fn span(input: &Input, problem: &Problem) -> Option<(Position, String)> {
    let mut positions = (problem.offset..problem.offset + problem.length.max(1)).filter_map(|at| input.position(at));
    let first = positions.next()?;
    let (from, to) = positions
        .filter(|position| position.line == first.line)
        .fold((first.column, first.column + first.width), |(from, to), position| {
            (from.min(position.column), to.max(position.column + position.width))
        });
    let line = input.lines.get(first.line.checked_sub(1)?)?.clone();
    Some((Position { line: first.line, column: from, width: to - from }, line))
}

/// The row of raw bytes with a problem, in the form of a dump.
fn row_of_bytes(input: &Input, problem: &Problem, remark: &str) -> String {
    let start = problem.offset & !0xf;
    let row = input.bytes.get(start..input.bytes.len().min(start + 16)).unwrap_or_default();
    let words: Vec<String> = row.chunks(4).map(digits).collect();
    let column = |index: usize| 2 * index + index / 4;
    let first = problem.offset - start;
    let last = (first + problem.length.max(1) - 1).min(row.len().saturating_sub(1)).max(first);
    let mark = "^".repeat(column(last) + 2 - column(first));
    let indent = " ".repeat(column(first));
    format!("{start:#06x} | {}\n       | {indent}{mark} {remark}\n", words.join(" "))
}
