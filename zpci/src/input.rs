// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Bytes as people have them: raw, or as one of the texts that tools make of them.
//!
//! Nothing is filled in, dropped or reordered without a word: what a text leaves out is filled only where the text itself
//! says so, and a note tells. All else that does not fit is an error with line and column.

mod array;
mod assemble;
mod blocks;
mod error;
mod line;
mod placed;
mod positions;
mod radix;
mod tokens;

use std::fs;
use std::io::Read;
use std::ops::RangeInclusive;
use std::sync::Arc;

pub(crate) use blocks::block_heading;
pub(crate) use error::excerpt;
pub use error::InputError;
pub use positions::Positions;
pub use radix::Radix;

/// What the reader of an input may be told about it.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Take the input as it is, even if it looks like text.
    pub raw: bool,
    /// The order of the bytes in words of a text that does not say it.
    pub words: Option<WordOrder>,
    /// The number system of the offsets of a text; by default, the one that fits.
    pub offsets: Option<Radix>,
    /// Read only these lines of a text, counted from 1.
    pub lines: Option<RangeInclusive<usize>>,
    /// Take rows that a text leaves out as zeros.
    pub zero_fill: bool,
}

/// The order of the bytes in a word that a tool printed as one number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum WordOrder {
    /// As in storage: od on s390x, or with --endian=big.
    Big,
    /// Reversed: od and hexdump on x86.
    Little,
}

/// Where a byte stands in a text, both counted from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
    /// Number of characters.
    pub width: usize,
}

/// An input that was read.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Name of the file, or `-`.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Offset or address of the first byte, as the text says; 0 where it says nothing.
    pub start: u64,
    /// The lines of a text; none for raw bytes.
    pub lines: Arc<[String]>,
    /// The line with which it starts, counted from 1, where it is one of several blocks in a text.
    pub line: Option<usize>,
    /// Where each byte stands in the text, but for those that the text leaves out.
    pub positions: Positions,
    /// Whether rows of zeros are left out, so that zeros may follow the last byte too.
    pub zeros_follow: bool,
    /// The condition code that is told with the bytes.
    pub condition: Option<u8>,
    /// The program check that is told with the bytes.
    pub program_check: Option<u16>,
    /// Whether the order of the bytes in words is not known from the text; they are in the order big.
    pub word_size: Option<usize>,
    /// What was done with the text that is worth a word.
    pub notes: Vec<String>,
}

impl Input {
    /// Reads the file `name`, standard input for `-`.
    ///
    /// # Errors
    ///
    /// [`InputError`].
    pub fn read(name: &str, reading: &Reading) -> Result<Self, InputError> {
        Self::parse(name, bytes_of_file(name)?, reading)
    }

    /// The same of a file that may have several blocks, each behind a line such as `# block 1: LIST PCI`, as `zpci list
    /// --blocks` writes them.
    ///
    /// # Errors
    ///
    /// [`InputError`].
    pub fn read_each(name: &str, reading: &Reading) -> Result<Vec<Self>, InputError> {
        Self::parse_each(name, bytes_of_file(name)?, reading)
    }

    /// Reads `bytes`, what a file has that may have several blocks.
    ///
    /// # Errors
    ///
    /// [`InputError`].
    pub fn parse_each(name: &str, bytes: Vec<u8>, reading: &Reading) -> Result<Vec<Self>, InputError> {
        let lines = match as_text(&bytes).filter(|text| !reading.raw && text.len() <= MOST_TEXT) {
            Some(text) => text.lines().map(str::to_owned).collect(),
            None => Arc::default(),
        };
        let ranges = blocks::ranges(&lines, reading.lines.as_ref().unwrap_or(&(1..=usize::MAX)));
        if ranges.len() < 2 {
            return Ok(vec![Self::parse(name, bytes, reading)?]);
        }
        let read = |range: RangeInclusive<usize>| {
            let start = *range.start();
            let input = Self { name: name.to_owned(), lines: Arc::clone(&lines), line: Some(start), ..Self::default() };
            input.with_rows(&Reading { lines: Some(range), ..reading.clone() })
        };
        ranges.into_iter().map(read).collect()
    }

    /// The name, and the line where it starts if the file has several.
    pub fn title(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.name),
            None => self.name.clone(),
        }
    }

    /// Reads `bytes`, what a file has.
    ///
    /// # Errors
    ///
    /// [`InputError`].
    pub fn parse(name: &str, bytes: Vec<u8>, reading: &Reading) -> Result<Self, InputError> {
        if bytes.is_empty() {
            return Err(InputError::file(name, "there is nothing in it"));
        }
        match (reading.raw, as_text(&bytes)) {
            (false, Some(text)) if text.len() > MOST_TEXT => Err(InputError::file(
                name,
                "a text of more than 16 MiB, which is no block; cut out the lines with the block, as by sed -n 10,20p",
            )),
            (false, Some(text)) => Self::parse_text(name, text, reading),
            _ => Ok(Self { name: name.to_owned(), bytes, ..Self::default() }),
        }
    }

    fn parse_text(name: &str, text: &str, reading: &Reading) -> Result<Self, InputError> {
        let lines = text.lines().map(str::to_owned).collect();
        let mut input = Self { name: name.to_owned(), lines, ..Self::default() };
        if !array::is_array(text) || reading.lines.is_some() {
            return input.with_rows(reading);
        }
        array::read(&mut input).map_err(|error| error.of(name, &input.lines))?;
        input.settled(reading)
    }

    /// With the bytes of the rows in its lines.
    fn with_rows(mut self, reading: &Reading) -> Result<Self, InputError> {
        assemble::read(&mut self, reading).map_err(|error| error.of(&self.name, &self.lines))?;
        self.settled(reading)
    }

    /// With words in the order that `reading` says, if there are some.
    fn settled(mut self, reading: &Reading) -> Result<Self, InputError> {
        if self.bytes.is_empty() {
            return Err(InputError::file(&self.title(), "there is no byte in the text"));
        }
        if let Some(order) = reading.words.filter(|_| self.word_size.is_some()) {
            if order == WordOrder::Little {
                self.reverse_words();
            }
            self.word_size = None;
        }
        Ok(self)
    }

    /// Puts the bytes of each word into the other order.
    pub fn reverse_words(&mut self) {
        let size = self.word_size.unwrap_or(1).max(1);
        self.bytes.chunks_mut(size).for_each(<[u8]>::reverse);
        self.positions.reverse_words(size, self.bytes.len());
    }

    /// Where the byte at `offset` stands in the text.
    pub fn position(&self, offset: usize) -> Option<Position> {
        self.positions.get(offset)
    }
}

/// Most bytes of an input, which is kept in memory.
const MOST: u64 = 1 << 30;

/// Most bytes of a text. All its lines are kept, and of each byte that it tells where that stands: with one block it takes up to
/// 200 times as many. Where it has several blocks, each is an input of its own, and a command may keep a report of each; the
/// number of blocks has no other bound than this, so many small ones may take more.
const MOST_TEXT: usize = 16 << 20;

/// What the file `name` has, standard input for `-`.
fn bytes_of_file(name: &str) -> Result<Vec<u8>, InputError> {
    let read = match name {
        "-" => read_all(std::io::stdin().lock()),
        _ => fs::File::open(name).and_then(|file| match file.metadata()?.len() {
            0..=MOST => read_all(file),
            _ => Ok(None),
        }),
    };
    read.map_err(|error| InputError::file(name, &error.to_string()))?.ok_or_else(|| {
        InputError::file(name, "more than 1 GiB, which is no block; zpci walk reads a dump of any size that is no text")
    })
}

/// All of `source`, `None` if that is too much.
fn read_all(source: impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MOST).then_some(bytes))
}

/// The text, if the bytes are one: UTF-8 without control characters but for blanks and ends of lines.
fn as_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    // A text of less than two characters is no dump of anything.
    (text.len() >= 2 && text.chars().all(is_text)).then_some(text)
}
