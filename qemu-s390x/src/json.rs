// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! JSON, written as it comes: RFC 8259, in ASCII, on one line.

use core::fmt::{self, Display, Write};

/// An object that is being written; it is complete after [`end`](Self::end).
#[derive(Debug)]
pub struct Object<'w, W> {
    out: &'w mut W,
    is_empty: bool,
}

impl<'w, W: Write> Object<'w, W> {
    /// Starts an object.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: &'w mut W) -> Result<Self, fmt::Error> {
        out.write_char('{')?;
        Ok(Self { out, is_empty: true })
    }

    /// Ends the object.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn end(self) -> fmt::Result {
        self.out.write_char('}')
    }

    /// A number, `true`, `false`, `null`, or whatever else is JSON when displayed.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn raw(&mut self, name: &str, value: impl Display) -> fmt::Result {
        self.name(name)?;
        write!(self.out, "{value}")
    }

    /// As [`raw`](Self::raw), or `null`.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn raw_or_null(&mut self, name: &str, value: Option<impl Display>) -> fmt::Result {
        match value {
            Some(value) => self.raw(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// A text.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn text(&mut self, name: &str, value: impl Display) -> fmt::Result {
        self.name(name)?;
        self.out.write_char('"')?;
        write!(Escaped(self.out), "{value}")?;
        self.out.write_char('"')
    }

    /// As [`text`](Self::text), or `null`.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn text_or_null(&mut self, name: &str, value: Option<impl Display>) -> fmt::Result {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// A 64-bit number, as text of hexadecimal digits, since readers of JSON take numbers for floating point.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn hexadecimal(&mut self, name: &str, value: u64) -> fmt::Result {
        self.text(name, format_args!("{value:#018x}"))
    }

    /// An object in this one.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn object(&mut self, name: &str) -> Result<Object<'_, W>, fmt::Error> {
        self.name(name)?;
        Object::new(self.out)
    }

    /// A list, each element of which `write` writes.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn list<T>(
        &mut self,
        name: &str,
        elements: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut W, T) -> fmt::Result,
    ) -> fmt::Result {
        self.name(name)?;
        self.out.write_char('[')?;
        for (number, element) in elements.into_iter().enumerate() {
            if number > 0 {
                self.out.write_char(',')?;
            }
            write(self.out, element)?;
        }
        self.out.write_char(']')
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        if !self.is_empty {
            self.out.write_char(',')?;
        }
        self.is_empty = false;
        write!(self.out, "\"{name}\":")
    }
}

/// What ends a text or is not ASCII is escaped.
struct Escaped<'w, W>(&'w mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self.0, "\\{character}")?,
                ' '..='~' => self.0.write_char(character)?,
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(self.0, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_text() {
        let mut out = String::new();
        let mut object = Object::new(&mut out).unwrap();
        object.raw("number", 7).unwrap();
        object.raw_or_null("nothing", None::<u8>).unwrap();
        object.text("text", "a\"b\\c\n\u{e9}\u{1f600}").unwrap();
        object.hexadecimal("address", 0x1_0000_0000).unwrap();
        object.list("list", [1, 2], |out, element| write!(out, "{element}")).unwrap();
        let mut inner = object.object("inner").unwrap();
        inner.text_or_null("serial", Some("x")).unwrap();
        inner.end().unwrap();
        object.object("empty").unwrap().end().unwrap();
        object.end().unwrap();
        assert_eq!(
            out,
            concat!(
                r#"{"number":7,"nothing":null,"text":"a\"b\\c\u000a\u00e9\ud83d\ude00","#,
                r#""address":"0x0000000100000000","list":[1,2],"inner":{"serial":"x"},"empty":{}}"#
            )
        );
    }
}
