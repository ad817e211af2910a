// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the guest's program says that it mapped.

use std::collections::BTreeMap;

use anyhow::{ensure, Context, Result};
use serde::Deserialize;

/// How the line starts with which the guest says that all is mapped.
pub(super) const READY: &str = "# zpci-dump: ";

/// How a line starts that says what was mapped.
const MAPPING: &str = "# zpci-mapping: ";

const PAGE: u64 = 4096;

/// What the guest mapped.
#[derive(Debug)]
pub(super) struct Record {
    /// Identifier of the function, as a list has it.
    pub(super) fid: String,
    /// First address to number of pages and whether the device may write.
    mappings: BTreeMap<u64, (u64, bool)>,
}

#[derive(Deserialize)]
struct Mapping {
    iova: String,
    pages: u64,
    write: bool,
}

#[derive(Deserialize)]
struct Ready {
    fid: String,
}

/// The number in a text in hexadecimal.
pub(super) fn hexadecimal(text: &str) -> Result<u64> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).with_context(|| format!("`{text}` is no number"))
}

impl Record {
    /// Reads it out of what the guest said.
    ///
    /// # Errors
    ///
    /// The guest did not say all of it, or the console lost a part.
    pub(super) fn parse(console: &str) -> Result<Self> {
        let (mut mappings, mut fid) = (BTreeMap::new(), None);
        for line in console.lines().map(str::trim) {
            if let Some(json) = line.strip_prefix(MAPPING) {
                let mapping: Mapping =
                    serde_json::from_str(json).with_context(|| format!("a line is broken: {line}"))?;
                mappings.insert(hexadecimal(&mapping.iova)?, (mapping.pages, mapping.write));
            }
            if let Some(json) = line.strip_prefix(READY) {
                let ready: Ready = serde_json::from_str(json).with_context(|| format!("a line is broken: {line}"))?;
                fid = Some(format!("{:#010x}", hexadecimal(&ready.fid)?));
            }
        }
        ensure!(mappings.len() > 1000, "the guest told of {} mappings", mappings.len());
        Ok(Self { fid: fid.context("the guest never said that all is mapped")?, mappings })
    }

    /// How many mappings there are.
    pub(super) fn count(&self) -> usize {
        self.mappings.len()
    }

    /// How many pages are mapped.
    pub(super) fn pages(&self) -> u64 {
        self.mappings.values().map(|(pages, _)| pages).sum()
    }

    /// Whether the device may write at `iova`; `None` if nothing is mapped there.
    pub(super) fn writable(&self, iova: u64) -> Option<bool> {
        let (first, (pages, writable)) = self.mappings.range(..=iova).next_back()?;
        (iova - first < pages * PAGE).then_some(*writable)
    }

    /// `count` addresses, always the same: within what is mapped, at its ends and just behind them, and anywhere.
    pub(super) fn addresses(&self, count: usize) -> Vec<u64> {
        let mappings: Vec<(u64, u64)> =
            self.mappings.iter().map(|(first, (pages, _))| (*first, pages * PAGE)).collect();
        let mut state = 0x0123_4567_89ab_cdef_u64;
        let mut draw = |end: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % end.max(1)
        };
        let last = mappings.last().map_or(0, |(first, size)| first + size);
        let mut address = |index: usize| {
            let Some(&(first, size)) = mappings.get(draw(mappings.len() as u64) as usize) else { return 0 };
            match index % 8 {
                0 => first.wrapping_sub(1),
                1 => first + size - 1,
                2 => first + size,
                3 => draw(2 * last),
                _ => first + draw(size),
            }
        };
        (0..count).map(&mut address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let mut console = "TAP version 14\n".to_owned();
        for index in 0..1001u64 {
            let iova = 0x1_0000_0000 + index * 0x10_0000;
            let write = index % 2 == 0;
            console += &format!("    # zpci-mapping: {{\"iova\":\"{iova:#x}\",\"pages\":2,\"write\":{write}}}\n");
        }
        Record::parse(&(console + "    # zpci-dump: {\"fid\":\"0x200\"}\n")).unwrap()
    }

    #[test]
    fn what_the_guest_mapped_is_known() {
        let record = record();
        assert_eq!((record.fid.as_str(), record.pages()), ("0x00000200", 2002));
        assert_eq!(record.writable(0xffff_ffff), None);
        assert_eq!(record.writable(0x1_0000_0000), Some(true));
        assert_eq!(record.writable(0x1_0000_1fff), Some(true));
        assert_eq!(record.writable(0x1_0000_2000), None);
        assert_eq!(record.writable(0x1_0010_1000), Some(false));
    }

    #[test]
    fn addresses_are_of_every_kind() {
        let record = record();
        let addresses = record.addresses(800);
        assert_eq!(addresses.len(), 800);
        let mapped = addresses.iter().filter(|iova| record.writable(**iova).is_some()).count();
        assert!((400..700).contains(&mapped), "{mapped}");
        assert!(addresses.iter().any(|iova| *iova % PAGE == PAGE - 1));
    }

    #[test]
    fn a_console_that_lost_lines_is_no_record() {
        assert!(Record::parse("# zpci-dump: {\"fid\":\"0x200\"}\n").is_err());
    }
}
