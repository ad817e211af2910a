// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What lies on a disk that the image may write: at every byte offset that is a multiple of eight, a word that only
//! that offset has.

use core::fmt;

/// Content of a disk, as a function of the offset.
///
/// The big-endian word at byte offset `o` is `o` exclusive or the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pattern {
    key: u64,
}

impl Pattern {
    /// What the disk holds at first: "ZPCI-PAT".
    pub const INITIAL: Self = Self { key: 0x5a50_4349_2d50_4154 };

    /// What the image writes: "ZPCI-WRI".
    pub const WRITTEN: Self = Self { key: 0x5a50_4349_2d57_5249 };

    /// Fills `bytes` with what lies at `offset`, a multiple of eight.
    pub fn fill(self, offset: u64, bytes: &mut [u8]) {
        for (at, word) in (offset..).step_by(8).zip(bytes.chunks_mut(8)) {
            let expected = (at ^ self.key).to_be_bytes();
            word.copy_from_slice(expected.get(..word.len()).unwrap_or_default());
        }
    }

    /// Compares `bytes` with what lies at `offset`, a multiple of eight.
    ///
    /// # Errors
    ///
    /// The first word that differs; a rest of less than eight bytes is one that does.
    pub fn compare(self, offset: u64, bytes: &[u8]) -> Result<(), Difference> {
        for (at, word) in (offset..).step_by(8).zip(bytes.chunks(8)) {
            let expected = at ^ self.key;
            match word.try_into().map(u64::from_be_bytes) {
                Ok(found) if found == expected => {}
                found => return Err(Difference { offset: at, expected, found: found.unwrap_or_default() }),
            }
        }
        Ok(())
    }
}

/// A word that is not what the pattern says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Difference {
    /// Byte offset on the disk.
    pub offset: u64,
    /// What should be there.
    pub expected: u64,
    /// What is there.
    pub found: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, expected, found } = self;
        write!(f, "disk offset {offset:#x}: expected {expected:#018x}, found {found:#018x}")
    }
}

impl core::error::Error for Difference {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_bytes() {
        let mut bytes = [0xa5; 24];
        Pattern::INITIAL.fill(0x1000, &mut bytes[..16]);
        assert_eq!(&bytes[..16], b"ZPCI-PQTZPCI-PQ\\");
        assert_eq!(&bytes[16..], [0xa5; 8]);
        Pattern::WRITTEN.fill(0, &mut bytes);
        assert_eq!(&bytes, b"ZPCI-WRIZPCI-WRAZPCI-WRY");
    }

    #[test]
    fn differences() {
        let mut bytes = [0; 4096];
        Pattern::INITIAL.fill(0x10_0000, &mut bytes);
        assert_eq!(Pattern::INITIAL.compare(0x10_0000, &bytes), Ok(()));
        assert!(Pattern::WRITTEN.compare(0x10_0000, &bytes).is_err());
        assert!(Pattern::INITIAL.compare(0x10_1000, &bytes).is_err());
        bytes[0x123] ^= 1;
        let difference = Pattern::INITIAL.compare(0x10_0000, &bytes).unwrap_err();
        assert_eq!(difference.offset, 0x10_0120);
        assert_eq!(difference.expected ^ difference.found, 1 << 32);
    }
}
