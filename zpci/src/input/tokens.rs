// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Words of a line, with where they stand.

/// A word of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Token<'a> {
    /// The word.
    pub(crate) text: &'a str,
    /// Its column, counted from 1.
    pub(crate) column: usize,
    /// Number of blanks before it.
    pub(crate) gap: usize,
}

impl Token<'_> {
    /// Whether it has nothing but hexadecimal digits.
    pub(crate) fn is_hexadecimal(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// The words of `text`, whose first character stands in `column`.
pub(crate) fn tokens(text: &str, column: usize) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    let mut gap = 0;
    let ends = text.char_indices().map(|(at, c)| (at, c.is_whitespace())).chain([(text.len(), true)]);
    for (index, (at, is_blank)) in ends.enumerate() {
        match (start, is_blank) {
            (None, true) => gap += 1,
            (None, false) => start = Some((at, index)),
            (Some((from, first)), true) => {
                let text = text.get(from..at).unwrap_or_default();
                found.push(Token { text, column: column + first, gap });
                (start, gap) = (None, 1);
            }
            (Some(_), false) => {}
        }
    }
    found
}
