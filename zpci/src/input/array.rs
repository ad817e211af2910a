// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Arrays of C and of Rust, as `xxd -i` and people write them.

use super::error::InputError;
use super::{Input, Position};

/// Whether the text is an array: a line of numbers with `0x` and commas, behind a brace or bracket or on its own; or of one
/// number, where there is a brace or bracket.
pub(crate) fn is_array(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.starts_with("//"));
    lines.any(|line| {
        let numbers = line.rsplit(['{', '[']).next().unwrap_or_default().trim_start();
        let first = numbers.split([',', '}', ']', '/']).next().unwrap_or_default().trim();
        let is_alone = || text.contains(['{', '[']) && first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (first.starts_with("0x") || first.starts_with("0X")) && (numbers.contains(',') || is_alone())
    })
}

/// A character, and where it stands.
type Place = (char, usize, usize);

/// Reads the one array in the lines of `input`.
pub(crate) fn read(input: &mut Input) -> Result<(), InputError> {
    let places = without_comments(&input.lines)?;
    let body = body(&places)?;
    let mut size = None;
    for number in body.split(|(c, _, _)| *c == ',') {
        let text: String = number.iter().map(|(c, _, _)| *c).collect();
        let Some(&(_, line, column)) = number.iter().find(|(c, _, _)| !c.is_whitespace()) else {
            continue;
        };
        element(input, text.trim(), line, column, &mut size)?;
    }
    input.word_size = size.filter(|size| *size > 1);
    check_length(input, &places)
}

/// Reads one number into `input`; all have the size of the first.
fn element(
    input: &mut Input,
    text: &str,
    line: usize,
    column: usize,
    size: &mut Option<usize>,
) -> Result<(), InputError> {
    let width = text.chars().count();
    let at = |message: String| InputError::at(line, column, width, message);
    let suffixes = ["u8", "u16", "u32", "u64", "ULL", "UL", "U", "u"];
    let bare = suffixes.iter().find_map(|suffix| text.strip_suffix(suffix)).unwrap_or(text);
    if let Some(digits) = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
        // Digits and their columns, without what parts them.
        let digits: Vec<(char, usize)> = digits.chars().zip(column + 2..).filter(|(c, _)| *c != '_').collect();
        let this = match digits.len() {
            1 | 2 => 1,
            4 => 2,
            8 => 4,
            16 => 8,
            count => return Err(at(format!("a number of {count} digits is no byte and no word"))),
        };
        if *size.get_or_insert(this) != this {
            return Err(at(format!("a number of {this} bytes among numbers of {} bytes", size.unwrap_or(0))));
        }
        for pair in digits.chunks(2) {
            let byte = pair.iter().try_fold(0, |byte, (c, _)| Some(byte << 4 | c.to_digit(16)? as u8));
            let byte = byte.ok_or_else(|| at("no number".to_owned()))?;
            let columns = pair.first().zip(pair.last()).map_or((column, column), |((_, from), (_, to))| (*from, *to));
            let position = Position { line, column: columns.0, width: columns.1 + 1 - columns.0 };
            input.positions.push(input.bytes.len(), position);
            input.bytes.push(byte);
        }
        return Ok(());
    }
    let is_octal = bare.len() > 1 && bare.starts_with('0');
    let value = bare.parse::<u8>().ok().filter(|_| !is_octal && size.is_none_or(|size| size == 1));
    let byte = value.ok_or_else(|| at("no number of a byte: 0x00 to 0xff, or 0 to 255".to_owned()))?;
    *size = Some(1);
    input.positions.push(input.bytes.len(), Position { line, column, width });
    input.bytes.push(byte);
    Ok(())
}

/// Every character that is in no comment, the ends of lines as blanks.
fn without_comments(lines: &[String]) -> Result<Vec<Place>, InputError> {
    let mut places = Vec::new();
    let mut opened = None;
    for (index, line) in lines.iter().enumerate() {
        let mut characters = line.chars().enumerate().peekable();
        if opened.is_none() && line.trim_start().starts_with('#') {
            continue;
        }
        while let Some((at, c)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            match (opened, c, next) {
                (Some(_), '*', Some('/')) => {
                    characters.next();
                    opened = None;
                }
                (Some(_), _, _) => {}
                (None, '/', Some('*')) => opened = Some((index + 1, at + 1)),
                (None, '/', Some('/')) => break,
                (None, c, _) => places.push((c, index + 1, at + 1)),
            }
        }
        places.push((' ', index + 1, line.chars().count() + 1));
    }
    match opened {
        Some((line, column)) => Err(InputError::at(line, column, 2, "a comment without an end")),
        None => Ok(places),
    }
}

/// What stands between the braces or brackets; everything, if there are none.
fn body(places: &[Place]) -> Result<&[Place], InputError> {
    let find =
        |from: usize, wanted: char| places.iter().skip(from).position(|(c, _, _)| *c == wanted).map(|at| from + at);
    // The name of an array in C has brackets of its own.
    let from = find(0, '=').map_or(0, |at| at + 1);
    let (open, close) = match (find(from, '{'), find(from, '[')) {
        (Some(brace), bracket) if bracket.is_none_or(|bracket| brace < bracket) => (brace, '}'),
        (_, Some(bracket)) => (bracket, ']'),
        _ => return Ok(places),
    };
    let end = find(open + 1, close).ok_or_else(|| {
        let (_, line, column) = places.get(open).copied().unwrap_or((' ', 1, 1));
        InputError::at(line, column, 1, "an array without an end")
    })?;
    if let Some(second) = find(end + 1, '{').or_else(|| find(end + 1, '[')) {
        let (_, line, column) = places.get(second).copied().unwrap_or((' ', 1, 1));
        return Err(InputError::at(line, column, 1, "a second array: one block at a time"));
    }
    Ok(places.get(open + 1..end).unwrap_or_default())
}

/// `xxd -i` says how many bytes there are.
fn check_length(input: &Input, places: &[Place]) -> Result<(), InputError> {
    let text: String = places.iter().map(|(c, _, _)| *c).collect();
    let Some((at, _)) = text.match_indices("_len = ").next() else {
        return Ok(());
    };
    let from = text.get(..at).map_or(0, |before| before.chars().count()) + "_len = ".len();
    let digits: String = places.iter().skip(from).map(|(c, _, _)| *c).take_while(char::is_ascii_digit).collect();
    match digits.parse::<usize>() {
        Ok(length) if length == input.bytes.len() => Ok(()),
        _ => {
            let (_, line, column) = places.get(from).copied().unwrap_or((' ', 1, 1));
            let message = format!("the length of an array that has {} bytes", input.bytes.len());
            Err(InputError::at(line, column, digits.len().max(1), message))
        }
    }
}
