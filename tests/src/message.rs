// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Text without a heap.

use core::fmt::{self, Write};

use heapless::String;

/// A sentence for a person, at most [`Message::CAPACITY`] bytes of UTF-8; what does not fit is cut off.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Message(String<{ Message::CAPACITY }>);

impl Message {
    /// Room in bytes.
    pub const CAPACITY: usize = 512;

    /// Formats a message.
    pub fn new(arguments: fmt::Arguments<'_>) -> Self {
        let mut message = Self::default();
        // An error means that a value refused to print itself; what came before it is still worth having.
        let _ = message.write_fmt(arguments);
        message
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.push(character).is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `Debug` tells of a value, numbers in hexadecimal, on one line.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Debug> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only the form over several lines puts 0x before numbers.
        write!(Joined { out: f, comma: false, line_ended: false, opened: false }, "{:#x?}", self.0)
    }
}

/// Joins the lines of a value as if it had been printed on one.
struct Joined<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    /// A comma that belongs there if something follows.
    comma: bool,
    /// Spaces to come are indentation.
    line_ended: bool,
    /// The last character opened a bracket.
    opened: bool,
}

impl Joined<'_, '_> {
    fn write(&mut self, character: char) -> fmt::Result {
        match character {
            '\n' => self.line_ended = true,
            ' ' if self.line_ended => {}
            ',' => self.comma = true,
            other => {
                let closes = self.line_ended && matches!(other, ')' | ']' | '}');
                if self.comma && !closes {
                    self.out.write_char(',')?;
                }
                if self.line_ended && !self.opened && !matches!(other, ')' | ']') {
                    self.out.write_char(' ')?;
                }
                self.out.write_char(other)?;
                (self.comma, self.line_ended) = (false, false);
                self.opened = matches!(other, '(' | '[');
            }
        }
        Ok(())
    }
}

impl Write for Joined<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| self.write(character))
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use std::string::ToString;

    #[derive(Debug)]
    #[expect(dead_code, reason = "only printed")]
    struct Point {
        x: Option<u8>,
        y: [u64; 2],
    }

    #[test]
    fn one_line() {
        let point = Point { x: Some(10), y: [0x1000, 1] };
        assert_eq!(OneLine(point).to_string(), "Point { x: Some(0xa), y: [0x1000, 0x1] }");
        assert_eq!(OneLine((0x400, "a, b")).to_string(), "(0x400, \"a, b\")");
        assert_eq!(OneLine(Ok::<(), u8>(())).to_string(), "Ok(())");
        assert_eq!(OneLine([0_u8; 0]).to_string(), "[]");
    }
}
