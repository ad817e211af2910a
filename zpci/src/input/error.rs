// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Why an input cannot be read, and where.

use std::fmt;

use super::Position;

/// Why an input cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InputError {
    name: String,
    position: Option<Position>,
    line: String,
    message: String,
}

impl InputError {
    /// An error of the file as a whole.
    pub(crate) fn file(name: &str, message: &str) -> Self {
        Self { name: name.to_owned(), position: None, line: String::new(), message: message.to_owned() }
    }

    /// An error at a place of the text; the name comes later.
    pub(crate) fn at(line: usize, column: usize, width: usize, message: impl Into<String>) -> Self {
        let position = Some(Position { line, column, width });
        Self { name: String::new(), position, line: String::new(), message: message.into() }
    }

    /// With the name and the line.
    pub(crate) fn of(mut self, name: &str, lines: &[String]) -> Self {
        name.clone_into(&mut self.name);
        if let Some(line) = self.position.and_then(|position| lines.get(position.line.wrapping_sub(1))) {
            line.clone_into(&mut self.line);
        }
        self
    }

    /// Where it is, if it is at a place of a text.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

/// Characters of a line that are shown, and how many of them before the mark if the line has more.
const SHOWN: usize = 240;
const BEFORE: usize = 80;

/// A line of a text with a mark below it; of a long line what is around the mark.
pub(crate) fn excerpt(position: Position, line: &str, remark: &str) -> String {
    let column = position.column.saturating_sub(1);
    let is_long = line.chars().nth(SHOWN).is_some();
    let start = if is_long { column.saturating_sub(BEFORE) } else { 0 };
    let mut shown: String = line.chars().skip(start).take(SHOWN).collect();
    // A tab before the mark stays one, so that the mark stands where the character does.
    let before = line.chars().take(column).skip(start);
    let mut indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let most = SHOWN.saturating_sub(column.saturating_sub(start)).max(1);
    let mark = "^".repeat(position.width.clamp(1, most));
    if start > 0 {
        shown.insert_str(0, "... ");
        indent.insert_str(0, "    ");
    }
    if line.chars().nth(start.saturating_add(SHOWN)).is_some() {
        shown.push_str(" ...");
    }
    let text = format!("{:4} | {shown}\n     | {indent}{mark} {remark}", position.line);
    text.trim_end().to_owned()
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            None => write!(f, "{}: {}", self.name, self.message),
            Some(position) => {
                let Position { line, column, .. } = position;
                writeln!(f, "{}:{line}:{column}: {}", self.name, self.message)?;
                f.write_str(&excerpt(position, &self.line, ""))
            }
        }
    }
}

impl std::error::Error for InputError {}
