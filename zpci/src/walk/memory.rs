// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage of a machine, as a dump has it.

use std::fs::File;

use memmap2::Mmap;
use object::elf::{FileHeader64, EM_S390, ET_CORE, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::Endianness;
use s390_iommu::guest::GuestMemory;
use s390_iommu::AbsoluteAddress;

use crate::input::{Input, Reading};

/// A dump: a file that is mapped and never read as a whole, or the bytes of a text.
#[derive(Debug)]
pub(crate) struct Dump {
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Text(Input),
}

/// The storage in a dump: pieces of it, each at its absolute address, in ascending order.
#[derive(Debug)]
pub(crate) struct Memory<'d> {
    pieces: Vec<(u64, &'d [u8])>,
    /// What the dump is.
    pub(crate) form: &'static str,
}

impl Dump {
    /// Opens the file `name`, without reading it.
    ///
    /// # Errors
    ///
    /// Why it cannot be opened, or the text in it not be read.
    pub(crate) fn open(name: &str, reading: &Reading) -> Result<Self, String> {
        let error = |error: std::io::Error| format!("{name}: {error}");
        if name == "-" {
            return Ok(Self { bytes: Bytes::Text(Input::read(name, reading).map_err(|error| error.to_string())?) });
        }
        let file = File::open(name).map_err(error)?;
        // SAFETY: the file is a dump that is finished. If another program cuts it off meanwhile this one ends with a
        // signal; if it writes into it, numbers that are read change, which nothing here relies on.
        let mapped = unsafe { Mmap::map(&file) }.map_err(error)?;
        let head = mapped.get(..mapped.len().min(4096)).unwrap_or_default();
        let is_text = head.len() >= 2 && head.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
        if is_text && !reading.raw {
            return Ok(Self { bytes: Bytes::Text(Input::read(name, reading).map_err(|error| error.to_string())?) });
        }
        Ok(Self { bytes: Bytes::Mapped(mapped) })
    }

    /// The text that it is, if it is one.
    pub(crate) fn text(&self) -> Option<&Input> {
        match &self.bytes {
            Bytes::Text(input) => Some(input),
            Bytes::Mapped(_) => None,
        }
    }

    /// The storage in it; `base` is the address of the first byte of a raw dump, and of a text that has no offsets.
    ///
    /// # Errors
    ///
    /// Why it is no dump of this machine.
    pub(crate) fn memory(&self, base: Option<u64>) -> Result<Memory<'_>, String> {
        match &self.bytes {
            Bytes::Text(input) => {
                let start = base.unwrap_or(input.start);
                if input.word_size.is_some() {
                    return Err(format!("{}: words in an unknown order: --words big or --words little", input.name));
                }
                Memory::one(start, &input.bytes, "text")
            }
            Bytes::Mapped(mapped) if mapped.starts_with(b"\x7fELF") => elf(mapped),
            Bytes::Mapped(mapped) => match base {
                Some(base) => Memory::one(base, mapped, "raw"),
                None => Err("a raw dump does not say where in storage it starts: --base ADDRESS does".to_owned()),
            },
        }
    }
}

/// The loaded segments of a core file, as QEMU's dump-guest-memory and a kernel for its own dump write it.
fn elf(bytes: &[u8]) -> Result<Memory<'_>, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("ELF: {what}");
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(|error| wrong(&error))?;
    let endian = header.endian().map_err(|error| wrong(&error))?;
    if header.e_type(endian) != ET_CORE || header.e_machine(endian) != EM_S390 || endian != Endianness::Big {
        return Err(wrong(&"no core file of s390x"));
    }
    let mut pieces = Vec::new();
    for segment in header.program_headers(endian, bytes).map_err(|error| wrong(&error))? {
        if segment.p_type(endian) != PT_LOAD || segment.p_filesz(endian) == 0 {
            continue;
        }
        let start = segment.p_paddr(endian);
        let data = segment.data(endian, bytes).map_err(|()| {
            wrong(&format!("the segment at {start:#x} goes on behind the end of the file: is the dump cut off?"))
        })?;
        if !ends(start, data) {
            return Err(wrong(&format!("the segment at {start:#x} passes 2^64")));
        }
        pieces.push((start, data));
    }
    pieces.sort_by_key(|(start, _)| *start);
    if let Some([(first, data), (second, _)]) = pieces
        .windows(2)
        .find_map(|pair| <&[_; 2]>::try_from(pair).ok().filter(|[(a, data), (b, _)]| b - a < data.len() as u64))
    {
        return Err(wrong(&format!("the segments at {first:#x} ({:#x} bytes) and {second:#x} overlap", data.len())));
    }
    match pieces.is_empty() {
        true => Err(wrong(&"no storage is in it")),
        false => Ok(Memory { pieces, form: "ELF core" }),
    }
}

/// Whether all of `data` has an address if it starts at `start`; the last byte of storage is one.
fn ends(start: u64, data: &[u8]) -> bool {
    data.is_empty() || start.checked_add(data.len() as u64 - 1).is_some()
}

impl<'d> Memory<'d> {
    /// Storage in one piece.
    fn one(start: u64, data: &'d [u8], form: &'static str) -> Result<Self, String> {
        match ends(start, data) {
            true => Ok(Self { pieces: vec![(start, data)], form }),
            false => Err(format!("a dump of {:#x} bytes that starts at {start:#x} passes 2^64", data.len())),
        }
    }

    /// Bytes of storage that the dump has.
    pub(crate) fn size(&self) -> u64 {
        self.pieces.iter().map(|(_, data)| data.len() as u64).sum()
    }

    /// Where storage starts and ends in the dump, both inclusive.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.pieces
            .iter()
            .filter(|(_, data)| !data.is_empty())
            .map(|(start, data)| (*start, start + (data.len() as u64 - 1)))
    }
}

impl GuestMemory for Memory<'_> {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let address = address.get();
        let after = self.pieces.partition_point(|(start, _)| *start <= address);
        let (start, data) = self.pieces.get(after.checked_sub(1)?)?;
        let at = usize::try_from(address - start).ok()?;
        let bytes = data.get(at..at.checked_add(8)?)?;
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    }
}
