// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Values whose form for `serde` is not that of their fields.

use core::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ebcdic, UtilityString};

/// A base address register: what is read may have a size that none can have.
#[derive(Deserialize, Serialize)]
pub(super) struct Bar {
    register: [u8; 4],
    size_log2: u8,
}

impl From<super::Bar> for Bar {
    fn from(bar: super::Bar) -> Self {
        Self { register: bar.register_bytes(), size_log2: bar.size_log2() }
    }
}

impl TryFrom<Bar> for super::Bar {
    type Error = &'static str;

    fn try_from(bar: Bar) -> Result<Self, Self::Error> {
        Self::new(bar.register, bar.size_log2).ok_or("a BAR of more than 2^63 bytes")
    }
}

/// All 64 characters by code page 037, which has one for each byte, so that no byte is lost.
struct Characters<'a>(&'a UtilityString);

impl fmt::Display for Characters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.0 .0.iter().try_for_each(|&byte| f.write_char(ebcdic::to_char(byte)))
    }
}

impl Serialize for UtilityString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Characters(self))
    }
}

impl<'de> Deserialize<'de> for UtilityString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = UtilityString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} characters of ISO 8859-1", UtilityString::SIZE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<UtilityString, E> {
        let mut bytes = [0; UtilityString::SIZE];
        let mut places = bytes.iter_mut();
        for character in text.chars() {
            let byte = (0..=u8::MAX).find(|&byte| ebcdic::to_char(byte) == character);
            match (places.next(), byte) {
                (Some(place), Some(byte)) => *place = byte,
                _ => return Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }
        match places.next() {
            None => Ok(UtilityString(bytes)),
            Some(_) => Err(E::invalid_length(text.chars().count(), &self)),
        }
    }
}
