// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Text without a heap.

use core::fmt::{self, Write};

use heapless::String;

/// A sentence for a person, at most [`Message::CAPACITY`] bytes of UTF-8; what does not fit is cut off.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Message(String<{ Message::CAPACITY }>);

impl Message {
    /// Room in bytes.
    pub const CAPACITY: usize = 256;

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
        write!(Joined { out: f, at_start: false }, "{:#x?}", self.0)
    }
}

/// Joins lines: a line break and the indentation after it become one space.
struct Joined<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    at_start: bool,
}

impl Write for Joined<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '\n' if !self.at_start => {
                    self.at_start = true;
                    self.out.write_char(' ')?;
                }
                '\n' => {}
                ' ' if self.at_start => {}
                other => {
                    self.at_start = false;
                    self.out.write_char(other)?;
                }
            }
        }
        Ok(())
    }
}
