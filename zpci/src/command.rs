// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The command line; man page and completions come from it too.

pub(crate) mod answer;
mod blocks;
pub(crate) mod caps;
pub(crate) mod decode;
pub(crate) mod fields;
pub(crate) mod generate;
pub(crate) mod list;
mod live;
pub(crate) mod walk;

use std::ops::RangeInclusive;

use s390_iommu::vfio::ByteOrder;

use crate::input::{Input, Radix, Reading, WordOrder};

/// Reads zPCI blocks and dumps of IBM Z (s390x): CLP, FIB, events, DMA tables, VFIO buffers.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "zpci", version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str =
    "Exit status: 0 if all is well, 1 if a rule is broken or the machine refused, 2 if an input cannot be read or the \
     output not be written.";

/// What to do.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Decode a block or a number: offsets, bytes, fields, and what is wrong
    Decode(decode::Options),
    /// List functions, of captured blocks or of this system
    List(list::Options),
    /// Follow DMA addresses through the tables in a dump
    Walk(walk::Options),
    /// Show what VFIO and iommufd tell of functions, by captured buffers or by asking the kernel
    Caps(caps::Options),
    /// Answer CLP requests as a VMM does, for a guest that is described in JSON
    Answer(answer::Options),
    /// Show what each byte of a structure is called, must be and means
    Fields(fields::Options),
    /// Write man page or completions
    #[command(hide = true)]
    Generate(generate::Options),
}

/// How a file is read.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ReadingOptions {
    /// Read the file as raw bytes, even if it looks like text
    #[arg(long)]
    raw: bool,
    /// The order of the bytes in words of od and hexdump, where the text does not say it
    #[arg(long, value_name = "ORDER")]
    words: Option<WordOrder>,
    /// The number system of offsets, where more than one fits
    #[arg(long, value_name = "SYSTEM")]
    offsets: Option<Radix>,
    /// Read only these lines of a text: a number, or two with a hyphen
    #[arg(long, value_name = "FIRST-LAST", value_parser = lines)]
    lines: Option<RangeInclusive<usize>>,
    /// Take rows that a text leaves out for zeros
    #[arg(long)]
    zero_fill: bool,
}

impl ReadingOptions {
    pub(crate) fn reading(&self) -> Reading {
        Reading {
            raw: self.raw,
            words: self.words,
            offsets: self.offsets,
            lines: self.lines.clone(),
            zero_fill: self.zero_fill,
        }
    }
}

/// What was done with the text of an input, with its name, where no report says it.
fn named_notes(input: &Input) -> impl Iterator<Item = String> + '_ {
    input.notes.iter().map(|note| format!("{}: {note}", input.title()))
}

fn lines(text: &str) -> Result<RangeInclusive<usize>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first > 0 && first <= last => Ok(first..=last),
        _ => Err("lines are a number, or two with a hyphen, counted from 1".to_owned()),
    }
}

/// The order of bytes of a structure of VFIO.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Endian {
    /// Highest byte first, as on s390x
    Big,
    /// Lowest byte first
    Little,
}

impl From<Endian> for ByteOrder {
    fn from(endian: Endian) -> Self {
        match endian {
            Endian::Big => Self::Big,
            Endian::Little => Self::Little,
        }
    }
}
