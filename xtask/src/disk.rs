// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Disk images with a known content, and the check of what a guest has made of them.
//!
//! The aligned 64-bit big-endian word at byte offset `o` is `o ^ INITIAL` before the guest ran, and `o ^ WRITTEN` where it wrote.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// `ZPCI-PAT`, in the words of a fresh disk.
const INITIAL: u64 = 0x5a50_4349_2d50_4154;

/// `ZPCI-WRI`, in the words that the guest wrote.
const WRITTEN: u64 = 0x5a50_4349_2d57_5249;

/// Bytes of a word.
const WORD: u64 = 8;

/// A disk image on the host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Disk {
    /// The file.
    pub(crate) path: PathBuf,
    /// Size in bytes.
    pub(crate) size: u64,
}

/// A part of a disk, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Extent {
    /// The first byte.
    pub(crate) offset: u64,
    /// How many.
    pub(crate) length: u64,
}

impl Extent {
    /// The byte behind the last one, if it is on a disk of `size` bytes and both ends are between words.
    fn end_on_disk(&self, size: u64) -> Option<u64> {
        let end = self.offset.checked_add(self.length).filter(|end| *end <= size)?;
        (self.offset.is_multiple_of(WORD) && end.is_multiple_of(WORD)).then_some(end)
    }
}

/// Why a disk is not what the guest says it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DiskError {
    /// The guest claims to have written what is not a run of words on the disk.
    Extent(Extent),
    /// A word that the guest claims to have written does not have the content it should.
    NotWritten {
        /// Where the word is, in bytes.
        offset: u64,
        /// What is there.
        found: u64,
        /// What the guest should have written.
        expected: u64,
    },
    /// A word that the guest did not claim to have written is not as it was.
    Overwritten {
        /// Where the word is, in bytes.
        offset: u64,
        /// What is there.
        found: u64,
        /// What was there before.
        expected: u64,
    },
    /// The file ends early.
    Short {
        /// Where the first missing word should be, in bytes.
        offset: u64,
    },
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Extent(Extent { offset, length }) => {
                write!(f, "the guest says it wrote {length} bytes at offset {offset:#x}, which are not words of this disk")
            }
            Self::NotWritten { offset, found, expected } => write!(
                f,
                "the guest says it wrote the word at offset {offset:#x}, but {found:#018x} is there instead of {expected:#018x}"
            ),
            Self::Overwritten { offset, found, expected } => write!(
                f,
                "the word at offset {offset:#x} was changed to {found:#018x} from {expected:#018x} and the guest says nothing of it"
            ),
            Self::Short { offset } => write!(f, "the image ends before offset {offset:#x}"),
        }
    }
}

impl std::error::Error for DiskError {}

impl Disk {
    /// Makes a new image of `size` bytes, a multiple of 8, in place of one that may be there.
    pub(crate) fn create(path: &Path, size: u64) -> Result<Self> {
        let create = || -> io::Result<()> {
            // A new file, not the old one emptied, which a QEMU may still have open.
            if path.exists() {
                fs::remove_file(path)?;
            }
            let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
            for offset in words(size) {
                file.write_all(&(offset ^ INITIAL).to_be_bytes())?;
            }
            file.flush()
        };
        create().with_context(|| format!("cannot make the disk image {}", path.display()))?;
        Ok(Self { path: path.to_owned(), size })
    }

    /// Checks every word of the image against what the guest says it wrote, and returns how many bytes that is.
    pub(crate) fn check(&self, written: &[Extent]) -> Result<u64> {
        let file = File::open(&self.path).with_context(|| format!("cannot open {}", self.path.display()))?;
        check(BufReader::with_capacity(1 << 20, file), self.size, written)
            .with_context(|| format!("disk image {}", self.path.display()))
    }
}

/// The byte offset of each word of `size` bytes.
fn words(size: u64) -> impl Iterator<Item = u64> {
    (0..size / WORD).map(|index| index * WORD)
}

fn check(mut disk: impl Read, size: u64, written: &[Extent]) -> Result<u64> {
    let mut runs = Vec::with_capacity(written.len());
    for extent in written {
        runs.push((extent.offset, extent.end_on_disk(size).ok_or(DiskError::Extent(*extent))?));
    }
    runs.sort_unstable();
    let mut runs = runs.into_iter().peekable();
    let mut written_until = 0;
    let mut bytes = 0;
    for offset in words(size) {
        while let Some((_, end)) = runs.next_if(|(start, _)| *start <= offset) {
            written_until = written_until.max(end);
        }
        let is_written = offset < written_until;
        let expected = offset ^ if is_written { WRITTEN } else { INITIAL };
        let mut word = [0; WORD as usize];
        match disk.read_exact(&mut word) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(DiskError::Short { offset }.into())
            }
            result => result?,
        }
        let found = u64::from_be_bytes(word);
        match (found == expected, is_written) {
            (false, true) => return Err(DiskError::NotWritten { offset, found, expected }.into()),
            (false, false) => return Err(DiskError::Overwritten { offset, found, expected }.into()),
            (true, _) => bytes += u64::from(is_written) * WORD,
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first four words of a fresh disk, by hand.
    const FRESH: [u8; 32] = *b"ZPCI-PATZPCI-PA\x5cZPCI-PADZPCI-PAL";

    fn error(disk: &[u8], size: u64, written: &[Extent]) -> DiskError {
        *check(disk, size, written).unwrap_err().downcast_ref().unwrap()
    }

    #[test]
    fn a_fresh_disk_has_the_pattern() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk.img");
        fs::write(&path, "of another size, from before").unwrap();
        let disk = Disk::create(&path, 32).unwrap();
        assert_eq!(fs::read(&path).unwrap(), FRESH);
        assert_eq!(disk.check(&[]).unwrap(), 0);
    }

    #[test]
    fn what_was_written_is_counted_once() {
        let mut disk = FRESH;
        disk[8..24].copy_from_slice(b"ZPCI-WRAZPCI-WRY");
        let extents = [Extent { offset: 16, length: 8 }, Extent { offset: 8, length: 16 }];
        assert_eq!(check(&disk[..], 32, &extents).unwrap(), 16);
        assert_eq!(check(&disk[..], 32, &extents[1..]).unwrap(), 16);
    }

    #[test]
    fn a_single_wrong_byte_is_found_where_it_is() {
        let mut disk = FRESH;
        disk[8..24].copy_from_slice(b"ZPCI-WRAZPCI-WRY");
        disk[23] ^= 1;
        let written = [Extent { offset: 8, length: 16 }];
        let expected = 0x10 ^ 0x5a50_4349_2d57_5249;
        assert_eq!(error(&disk, 32, &written), DiskError::NotWritten { offset: 16, found: expected ^ 1, expected });
        disk = FRESH;
        disk[24] ^= 0x80;
        let expected = 0x18 ^ 0x5a50_4349_2d50_4154;
        let found = expected ^ (0x80 << 56);
        assert_eq!(error(&disk, 32, &[]), DiskError::Overwritten { offset: 24, found, expected });
    }

    #[test]
    fn a_write_that_was_not_announced_is_found() {
        let mut disk = FRESH;
        disk[8..16].copy_from_slice(b"ZPCI-WRA");
        assert!(matches!(error(&disk, 32, &[]), DiskError::Overwritten { offset: 8, .. }));
    }

    #[test]
    fn a_write_that_never_arrived_is_found() {
        let written = [Extent { offset: 8, length: 8 }];
        assert!(matches!(error(&FRESH, 32, &written), DiskError::NotWritten { offset: 8, .. }));
    }

    #[test]
    fn impossible_extents_are_refused() {
        for extent in [(4, 8), (8, 4), (32, 8), (24, 16), (u64::MAX - 7, 8), (8, u64::MAX)] {
            let extent = Extent { offset: extent.0, length: extent.1 };
            assert_eq!(error(&FRESH, 32, &[extent]), DiskError::Extent(extent));
        }
    }

    #[test]
    fn a_short_image_is_found() {
        assert_eq!(error(&FRESH[..31], 32, &[]), DiskError::Short { offset: 24 });
    }
}
