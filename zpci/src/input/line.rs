// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What one line of a dump says.

use super::error::InputError;
use super::tokens::{tokens, Token};

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    /// Nothing: it is empty, or a comment.
    Nothing,
    /// The condition code with which the bytes were stored.
    Condition(u8),
    /// The program check with which the instruction ended, so that nothing was stored.
    ProgramCheck(u16),
    /// Rows as the one before follow, up to the next offset.
    Squeezed,
    /// A row of bytes.
    Row(Row),
}

/// A row of bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    /// The digits of its offset, the column of them, and whether a colon follows.
    pub(crate) offset: Option<(String, usize, bool)>,
    /// Groups of digits, with their columns.
    pub(crate) groups: Vec<(String, usize)>,
    /// The bytes once more as characters.
    pub(crate) characters: Option<Characters>,
    /// Whether it is a record of s390dbf.
    pub(crate) is_record: bool,
}

/// What stands behind the digits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Characters {
    /// The characters.
    pub(crate) text: String,
    /// The column of the first.
    pub(crate) column: usize,
    /// Number of blanks at their start that may be what parts them from the digits, or blanks of their own.
    pub(crate) slack: usize,
}

/// Whether `text` starts with the two digits of a byte.
fn starts_with_byte(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first.len() > 1 && first.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Whether `text` starts with an offset, as xxd, hexdump and od write it.
fn starts_with_offset(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let digits = first.strip_suffix(':').unwrap_or(first);
    digits.len() >= 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Reads line `number`, without its end; `has_offsets` says whether rows before it have offsets without a colon, and is
/// `None` for the first row.
pub(crate) fn read(text: &str, number: usize, has_offsets: Option<bool>) -> Result<Line, InputError> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with("//") {
        return Ok(Line::Nothing);
    }
    if trimmed == "*" {
        return Ok(Line::Squeezed);
    }
    if let Some(code) = trimmed.strip_prefix("program check ") {
        let code = code.trim();
        let digits = code.strip_prefix("0x").unwrap_or(code);
        return u16::from_str_radix(digits, 16).map(Line::ProgramCheck).map_err(|_| {
            InputError::at(number, column_of(text, code.trim()), code.trim().len(), "no code of a program check")
        });
    }
    if let Some(code) = trimmed.strip_prefix("cc ").filter(|code| !starts_with_byte(code)) {
        let code = code.trim().parse().ok().filter(|code| *code < 4);
        let column = column_of(text, trimmed) + 3;
        return code
            .map(Line::Condition)
            .ok_or_else(|| InputError::at(number, column, 1, "a condition code is 0, 1, 2 or 3"));
    }
    let (rest, column, is_record) = without_prefix(text, number)?;
    let (rest, characters) = split_characters(rest, column, is_record);
    let mut words = tokens(rest, column);
    let mut row = Row { characters, is_record, ..Row::default() };
    match words.first() {
        Some(first) if first.text.ends_with(':') && !is_record => {
            let digits = first.text.trim_end_matches(':');
            let digits = digits.strip_prefix("0x").unwrap_or(digits);
            let is_offset = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_offset {
                return Err(no_row(*first, number));
            }
            row.offset = Some((digits.to_owned(), first.column, true));
            words.remove(0);
            // Characters stand behind a gap.
            if let Some(at) = words.iter().skip(1).position(|word| word.gap > 1).filter(|_| row.characters.is_none()) {
                let end = words.get(at).map_or(0, |word| word.column + word.text.chars().count());
                let slack = words.get(at + 1).map_or(0, |word| word.gap);
                words.truncate(at + 1);
                row.characters = Some(Characters { text: from_column(text, end), column: end, slack });
            }
        }
        Some(first) if !is_record && has_offsets.unwrap_or_else(|| is_offset_without_colon(&words)) => {
            if !first.is_hexadecimal() || first.text.len() > 16 {
                return Err(no_row(*first, number));
            }
            row.offset = Some((first.text.to_owned(), first.column, false));
            words.remove(0);
        }
        _ => {}
    }
    for word in &words {
        if !word.is_hexadecimal() {
            return Err(no_row(*word, number));
        }
        if word.text.len() % 2 != 0 {
            let message = format!("{} digits: a byte has two", word.text.len());
            return Err(InputError::at(number, word.column, word.text.len(), message));
        }
        row.groups.push((word.text.to_owned(), word.column));
    }
    Ok(Line::Row(row))
}

fn no_row(word: Token<'_>, number: usize) -> InputError {
    let digits = word.text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let message = match word.text.chars().nth(digits) {
        Some(c) if digits > 0 => format!("`{c}` is no hexadecimal digit"),
        _ => "no row of a dump that is known".to_owned(),
    };
    InputError::at(number, word.column + digits, word.text.chars().count().saturating_sub(digits).max(1), message)
}

/// od and hexdump: an offset that has another number of digits than every group behind it.
fn is_offset_without_colon(words: &[Token<'_>]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    let digits = first.text.len();
    if !first.is_hexadecimal() || !(6..=16).contains(&digits) {
        return false;
    }
    match rest.first() {
        None => digits == 7,
        Some(group) => {
            let is_alike = rest.iter().all(|word| word.text.len() == group.text.len());
            is_alike && (group.text.len() != digits || digits == 8 && first_gap(rest) > 1)
        }
    }
}

fn first_gap(words: &[Token<'_>]) -> usize {
    words.first().map_or(0, |word| word.gap)
}

/// What stands in the line from `column` on.
fn from_column(text: &str, column: usize) -> String {
    text.chars().skip(column.saturating_sub(1)).collect()
}

fn column_of(text: &str, part: &str) -> usize {
    text.find(part).map_or(1, |at| text.get(..at).map_or(0, |before| before.chars().count()) + 1)
}

/// Takes the prefix off that the kernel's log or s390dbf puts before a row; says where the rest starts.
fn without_prefix(text: &str, number: usize) -> Result<(&str, usize, bool), InputError> {
    if let Some(at) = record_start(text) {
        let start = text.char_indices().nth(at).map_or(text.len(), |(start, _)| start);
        return Ok((text.get(start..).unwrap_or_default(), at + 1, true));
    }
    // What starts with an offset is a row, whatever its characters are.
    if starts_with_offset(text) {
        return Ok((text, 1, false));
    }
    // [   12.345678] text: 00000000: 00 20 ...
    let Some((before, behind)) = text.split_once(']') else {
        return Ok((text, 1, false));
    };
    let time = before.rsplit('[').next().unwrap_or_default().trim();
    let is_time = time.split_once('.').is_some_and(|(seconds, parts)| {
        !seconds.is_empty() && [seconds, parts].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if !is_time || !before.contains('[') {
        return Ok((text, 1, false));
    }
    // What the kernel puts before the offset may be any text; the last word before the groups that ends with a colon is
    // the offset.
    let start = before.len() + 1;
    let mut from = start;
    let mut offset = None;
    let words = tokens(behind, 0);
    for word in words.iter().enumerate().take_while(|(index, word)| *index == 0 || word.gap == 1).map(|(_, word)| word)
    {
        let digits = word.text.strip_suffix(':').unwrap_or_default();
        let at = behind.char_indices().nth(word.column).map_or(behind.len(), |(at, _)| at);
        if digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            offset = Some(start + at);
        }
    }
    if let Some(from) = offset {
        return Ok((text.get(from..).unwrap_or_default(), chars_before(text, from) + 1, false));
    }
    // Without an offset the whole message has to be digits.
    let words = tokens(behind, chars_before(text, start) + 1);
    match words.first() {
        Some(_) if words.iter().all(Token::is_hexadecimal) => {
            from += behind.len() - behind.trim_start().len();
            Ok((text.get(from..).unwrap_or_default(), chars_before(text, from) + 1, false))
        }
        Some(first) => Err(InputError::at(
            number,
            first.column,
            first.text.chars().count(),
            "a message of the kernel that is no row of a dump; --lines says which lines to read",
        )),
        None => Ok((text.get(from..).unwrap_or_default(), chars_before(text, from) + 1, false)),
    }
}

fn chars_before(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.chars().count())
}

/// How many characters stand before the bytes of a record of s390dbf: `00 01675872063:142384 3 - 0000 000003ff8003a7b2  00 20 | ..`.
fn record_start(text: &str) -> Option<usize> {
    let words = tokens(text, 0);
    let [area, time, level, exception, cpu, caller, first, ..] = words.as_slice() else {
        return None;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = time.text.split_once(':').is_some_and(|(seconds, rest)| is_number(seconds) && is_number(rest));
    let is_record = is_number(area.text)
        && is_time
        && is_number(level.text)
        && matches!(exception.text, "-" | "*")
        && is_number(cpu.text)
        && caller.text.len() >= 8
        && caller.is_hexadecimal();
    is_record.then_some(first.column)
}

/// Takes the characters off that some tools put behind the digits: `|....|`, `>....<`, and `| ....` of s390dbf.
///
/// Where a colon follows the offset there are no such marks, and those that are there are characters themselves.
fn split_characters(text: &str, column: usize, is_record: bool) -> (&str, Option<Characters>) {
    let cut = |at: usize, skip: usize, end: usize| {
        let characters = text.get(at + skip..end).unwrap_or_default().to_owned();
        let column = chars_before(text, at + skip) + column;
        (text.get(..at).unwrap_or_default(), Some(Characters { text: characters, column, slack: 0 }))
    };
    let trimmed = text.trim_end();
    if is_record {
        return match text.find("| ") {
            Some(at) => cut(at, 2, text.len()),
            None => (text, None),
        };
    }
    if text.split_whitespace().next().is_some_and(|first| first.ends_with(':')) {
        return (text, None);
    }
    // No digit is a mark: the first one starts the characters, whatever they are.
    let Some(at) = trimmed.find("  |").into_iter().chain(trimmed.find("  >")).min() else {
        return (text, None);
    };
    let end = if trimmed.get(at + 2..at + 3) == Some("|") { '|' } else { '<' };
    match trimmed.ends_with(end) && trimmed.len() > at + 3 {
        true => cut(at, 3, trimmed.len() - 1),
        false => (text, None),
    }
}
