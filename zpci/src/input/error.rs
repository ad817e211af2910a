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

/// A line of a text with a mark below it.
pub(crate) fn excerpt(position: Position, line: &str, remark: &str) -> String {
    // A tab before the mark stays one, so that the mark stands where the character does.
    let before = line.chars().take(position.column.saturating_sub(1));
    let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let mark = "^".repeat(position.width.max(1));
    let text = format!("{:4} | {line}\n     | {indent}{mark} {remark}", position.line);
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
