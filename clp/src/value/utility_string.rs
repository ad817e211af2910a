// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The utility string of a function.

use super::ebcdic;
use core::fmt;

/// Utility string: 64 bytes of text that the administrator gave the function, in EBCDIC.
///
/// Displayed without the blanks and zeros at its end; control characters appear as U+FFFD.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct UtilityString(pub [u8; Self::SIZE]);

impl UtilityString {
    /// Size in bytes.
    pub const SIZE: usize = 64;

    /// The characters, by code page 037, without the blanks and zeros at the end.
    pub fn chars(&self) -> impl Iterator<Item = char> + '_ {
        const BLANK: u8 = 0x40;
        let mut text = self.0.as_slice();
        while let [rest @ .., 0 | BLANK] = text {
            text = rest;
        }
        text.iter().map(|&byte| ebcdic::to_char(byte))
    }
}

impl fmt::Display for UtilityString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.chars().try_for_each(|c| f.write_char(if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }))
    }
}

impl fmt::Debug for UtilityString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UtilityString(\"{self}\")")
    }
}
