// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Recorded command blocks, as text.

/// A command block as it was after the machine had executed it.
pub(crate) struct Fixture {
    pub(crate) outcome: Outcome,
    pub(crate) block: [u8; 4096],
    /// End of the last row that the text has.
    pub(crate) end: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    ConditionCode(u8),
    ProgramCheck(u16),
}

impl Fixture {
    /// Reads the text form: comments, the outcome, then rows of an offset and four words in hexadecimal.
    pub(crate) fn parse(text: &str) -> Self {
        let mut fixture = Self { outcome: Outcome::ConditionCode(0xff), block: [0; 4096], end: 0 };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(code) = line.strip_prefix("cc ") {
                fixture.outcome = Outcome::ConditionCode(code.parse().unwrap());
            } else if let Some(code) = line.strip_prefix("program check 0x") {
                fixture.outcome = Outcome::ProgramCheck(u16::from_str_radix(code, 16).unwrap());
            } else {
                let (offset, words) = line.split_once(": ").unwrap();
                let mut offset = usize::from_str_radix(offset, 16).unwrap();
                for word in words.split(' ') {
                    assert_eq!(word.len(), 8, "{line}");
                    let word = u32::from_str_radix(word, 16).unwrap();
                    fixture.block[offset..offset + 4].copy_from_slice(&word.to_be_bytes());
                    offset += 4;
                }
                fixture.end = offset;
            }
        }
        assert_ne!(fixture.outcome, Outcome::ConditionCode(0xff), "no outcome");
        fixture
    }

    /// The first `length` bytes: the request.
    pub(crate) fn request(&self, length: usize) -> &[u8] {
        &self.block[..length]
    }

    /// `length` bytes from the end of a request of 32 bytes on.
    pub(crate) fn response(&self, length: usize) -> &[u8] {
        &self.block[32..32 + length]
    }
}

/// The recorded block of that name.
macro_rules! fixture {
    ($name:literal) => {
        $crate::fixture::Fixture::parse(include_str!(concat!("../fixtures/", $name, ".hex")))
    };
}
pub(crate) use fixture;
