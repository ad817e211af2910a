// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Rows put together.

use super::error::InputError;
use super::line::{self, Line, Row};
use super::placed::Placed;
use super::radix;
use super::{Input, Position, Radix, Reading};

/// Most bytes that all the rows have which a text leaves out.
const MOST: u64 = 1 << 26;

/// How a row of zeros that is left out is said in a comment.
const LEFT_OUT: &str = "rows of zeros are left out";

/// Reads the lines of `input`.
pub(crate) fn read(input: &mut Input, reading: &Reading) -> Result<(), InputError> {
    let mut rows: Vec<Placed> = Vec::new();
    let mut squeezed = None;
    let mut zeros = reading.zero_fill;
    let (first, last) = reading.lines.as_ref().map_or((1, usize::MAX), |lines| (*lines.start(), *lines.end()));
    for (index, text) in input.lines.iter().enumerate().take(last).skip(first.saturating_sub(1)) {
        let number = index + 1;
        if text.trim_start().starts_with('#') {
            let says_so = text.to_lowercase().contains(LEFT_OUT);
            zeros |= says_so;
            input.zeros_follow |= says_so;
        }
        let has_offsets = rows.first().map(|first| matches!(first.row.offset, Some((_, _, false))));
        match line::read(text, number, has_offsets)? {
            Line::Nothing => {}
            Line::Condition(code) => input.condition = Some(code),
            Line::ProgramCheck(code) => input.program_check = Some(code),
            Line::Squeezed if rows.is_empty() => {
                return Err(InputError::at(number, 1, 1, "`*` repeats a row, and there is none before it"));
            }
            Line::Squeezed => squeezed = Some(number),
            Line::Row(row) => {
                let bytes = bytes_of(&row, number)?;
                rows.push(Placed { line: number, is_squeezed: squeezed.take().is_some(), row, bytes });
            }
        }
    }
    if let Some(number) = squeezed {
        return Err(InputError::at(number, 1, 1, "`*` repeats a row up to the next offset, and there is none"));
    }
    check_records(&rows)?;
    input.word_size = word_size(&rows)?;
    let radix = match reading.offsets {
        Some(radix) => radix,
        None => {
            let (radix, note) = radix::find(&rows, input.word_size.is_some(), zeros)?;
            input.notes.extend(note);
            radix
        }
    };
    place(input, &rows, radix, zeros)?;
    check_characters(&rows, input.word_size)
}

/// The bytes of the groups of a row.
fn bytes_of(row: &Row, line: usize) -> Result<Vec<(u8, Position)>, InputError> {
    let mut bytes = Vec::new();
    for (group, column) in &row.groups {
        for (index, pair) in group.as_bytes().chunks(2).enumerate() {
            let column = column + 2 * index;
            let digits = std::str::from_utf8(pair).unwrap_or_default();
            let byte =
                u8::from_str_radix(digits, 16).map_err(|_| InputError::at(line, column, 2, "no hexadecimal digits"))?;
            bytes.push((byte, Position { line, column, width: 2 }));
        }
    }
    Ok(bytes)
}

/// Records of s390dbf are one block each.
fn check_records(rows: &[Placed]) -> Result<(), InputError> {
    let mut records = rows.iter().filter(|row| row.row.is_record);
    match (records.next(), records.next()) {
        (Some(_), Some(second)) => Err(InputError::at(
            second.line,
            1,
            2,
            "another record of s390dbf, which is a block of its own; --lines says which lines to read",
        )),
        _ => Ok(()),
    }
}

/// The size of words whose byte order is not known: those of od and hexdump, with offsets without a colon.
fn word_size(rows: &[Placed]) -> Result<Option<usize>, InputError> {
    let bare =
        |row: &&Placed| row.row.offset.as_ref().is_some_and(|(_, _, colon)| !colon) && !row.row.groups.is_empty();
    let mut size = None;
    for row in rows.iter().filter(bare) {
        for (group, column) in &row.row.groups {
            let this = group.len() / 2;
            if *size.get_or_insert(this) != this {
                let message = format!("a word of {this} bytes among words of {} bytes", size.unwrap_or(0));
                return Err(InputError::at(row.line, *column, group.len(), message));
            }
        }
    }
    Ok(size.filter(|size| *size > 1))
}

/// Puts the bytes where they belong.
fn place(input: &mut Input, rows: &[Placed], radix: Radix, zeros: bool) -> Result<(), InputError> {
    let mut start = None;
    let mut filled: Option<(usize, usize)> = None;
    let mut repeated = 0;
    let mut left_out = 0u64;
    for (index, placed) in rows.iter().enumerate() {
        let Some((digits, column, _)) = &placed.row.offset else {
            if placed.is_squeezed {
                return Err(InputError::at(placed.line, 1, 1, "`*` before a row without an offset"));
            }
            push(input, &placed.bytes);
            continue;
        };
        let at = |message: String| InputError::at(placed.line, *column, digits.len(), message);
        let offset = placed.offset(radix).ok_or_else(|| at(format!("no {} number", radix.name())))?;
        let shown = |offset| radix.shown(offset);
        // A block that leaves out rows of zeros starts at 0.
        let first = *start.get_or_insert(if zeros && offset < 4096 { 0 } else { offset });
        let expected = first.saturating_add(input.bytes.len() as u64);
        let gap = offset.checked_sub(expected).ok_or_else(|| {
            let (offset, expected) = (shown(offset), shown(expected));
            at(format!("offset {offset} where {expected} comes next; is it a second dump? --lines reads a part"))
        })?;
        left_out = left_out.saturating_add(gap);
        if left_out > MOST {
            return Err(at(format!("offset {} where {} comes next: too far", shown(offset), shown(expected))));
        }
        if gap == 0 && placed.is_squeezed {
            return Err(at("`*` stands for no row".to_owned()));
        }
        if gap > 0 && placed.is_squeezed {
            let row = rows.get(index.wrapping_sub(1)).map(|row| row.bytes.as_slice()).unwrap_or_default();
            if row.is_empty() || gap % row.len() as u64 != 0 {
                return Err(at(format!("`*` stands for {gap} bytes, which is no number of whole rows")));
            }
            input.bytes.extend(row.iter().map(|(byte, _)| *byte).cycle().take(gap as usize));
            repeated += gap as usize / row.len();
        } else if gap > 0 && zeros {
            filled =
                Some((filled.map_or(input.bytes.len(), |filled| filled.0), filled.map_or(0, |f| f.1) + gap as usize));
            input.bytes.resize(input.bytes.len() + gap as usize, 0);
        } else if gap > 0 {
            return Err(at(format!(
                "offset {} where {} comes next: {gap} bytes are missing; --zero-fill takes them for zeros",
                shown(offset),
                shown(expected)
            )));
        }
        push(input, &placed.bytes);
    }
    input.start = start.unwrap_or(0);
    if input.start != 0 {
        input.notes.push(format!("offsets start at {:#x}, where the first byte is taken to be", input.start));
    }
    if let Some((_, count)) = filled {
        input.notes.push(format!("{count} bytes that the text leaves out are taken for zeros"));
    }
    if repeated > 0 {
        input.notes.push(format!("{repeated} rows that the text squeezes to `*` are repeated"));
    }
    Ok(())
}

fn push(input: &mut Input, bytes: &[(u8, Position)]) {
    for (byte, position) in bytes {
        input.positions.push(input.bytes.len(), *position);
        input.bytes.push(*byte);
    }
}

/// What stands behind the digits as characters is the same bytes.
fn check_characters(rows: &[Placed], word_size: Option<usize>) -> Result<(), InputError> {
    for placed in rows {
        let Some(characters) = &placed.row.characters else {
            continue;
        };
        let bytes: Vec<u8> = placed.bytes.iter().map(|(byte, _)| *byte).collect();
        let all: Vec<char> = characters.text.trim_end().chars().collect();
        // Blanks at the start may be characters; two part them from the digits.
        let starts = if characters.slack == 0 { 0..=0 } else { 2.min(characters.slack)..=characters.slack };
        let at = |start: usize| all.get(start..).unwrap_or_default();
        let fits = |start: &usize| at(*start).len() <= bytes.len() && first_wrong(at(*start), &bytes).is_none();
        // Of words in an unknown order the characters are those of the storage.
        if word_size.is_some() || starts.clone().any(|start| fits(&start)) {
            continue;
        }
        let (shown, column) = (at(characters.slack), characters.column + characters.slack);
        if shown.len() > bytes.len() {
            let message = format!("{} characters for {} bytes", shown.len(), bytes.len());
            return Err(InputError::at(placed.line, column, shown.len(), message));
        }
        let Some((index, c, byte)) = first_wrong(shown, &bytes) else {
            continue;
        };
        let reversed = |size: &usize| {
            let mut bytes = bytes.clone();
            bytes.chunks_mut(*size).for_each(<[u8]>::reverse);
            first_wrong(shown, &bytes).is_none()
        };
        let hint = match [2, 4, 8].iter().find(|size| reversed(size)) {
            Some(size) => format!("; words of {size} bytes in the other order, as xxd -e prints them?"),
            None => String::new(),
        };
        let message = format!("the character `{c}` stands for the byte {byte:#04x}{hint}");
        return Err(InputError::at(placed.line, column + index, 1, message));
    }
    Ok(())
}

/// The first character that is not that of its byte; blanks, and dots for what cannot be printed, say nothing.
fn first_wrong(characters: &[char], bytes: &[u8]) -> Option<(usize, char, u8)> {
    let pairs = characters.iter().zip(bytes).enumerate();
    let mut wrong =
        pairs.filter(|(_, (c, byte))| c.is_ascii_graphic() && **c != '.' && u32::from(**c) != u32::from(**byte));
    wrong.next().map(|(index, (c, byte))| (index, *c, *byte))
}
