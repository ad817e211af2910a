// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci walk` against a model: the tables are built here, entry by entry, from what is to be mapped.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

/// Storage with tables in it, from [`Self::BASE`] on.
struct Builder {
    bytes: Vec<u8>,
    root: u64,
    levels: u32,
}

/// What is mapped: pages by their number, to absolute address and whether it is read only.
type Model = BTreeMap<u64, (u64, bool)>;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

impl Builder {
    const BASE: u64 = 0x10_0000;

    /// `levels`: 3, 4 or 5 tables from the root to the page table.
    fn new(levels: u32) -> Self {
        let mut builder = Self { bytes: Vec::new(), root: 0, levels };
        builder.root = builder.table(2048, 0x20);
        builder
    }

    fn table(&mut self, entries: usize, empty: u64) -> u64 {
        // Tables of 16 KiB are at multiples of 16 KiB, those of 2 KiB at multiples of 2 KiB.
        self.bytes.resize(self.bytes.len().next_multiple_of(entries * 8), 0);
        let origin = Self::BASE + self.bytes.len() as u64;
        self.bytes.extend(std::iter::repeat_n(empty.to_be_bytes(), entries).flatten());
        origin
    }

    fn get(&self, at: u64) -> u64 {
        let at = (at - Self::BASE) as usize;
        u64::from_be_bytes(self.bytes[at..at + 8].try_into().unwrap())
    }

    fn set(&mut self, at: u64, entry: u64) {
        let at = (at - Self::BASE) as usize;
        self.bytes[at..at + 8].copy_from_slice(&entry.to_be_bytes());
    }

    /// Maps the page with the number `page`.
    fn map(&mut self, page: u64, frame: u64, is_protected: bool) {
        let iova = page << 12;
        let mut table = self.root;
        for level in (1..self.levels).rev() {
            // Level 1 is the segment table, whose entries cover 1 MiB.
            let shift = 20 + 11 * (level - 1);
            let at = table + 8 * (iova >> shift & 0x7ff);
            if self.get(at) & 0x20 != 0 {
                let below = match level {
                    1 => self.table(256, 0x400),
                    _ => self.table(2048, 0x20) | u64::from(level - 1) << 2 | 3,
                };
                self.set(at, below);
            }
            table = self.get(at) & !0x7ff;
        }
        self.set(table + 8 * (page & 0xff), frame | u64::from(is_protected) << 9);
    }

    fn iota(&self) -> u64 {
        self.root | 0x800 | u64::from(self.levels - 2) << 2
    }

    /// An ELF core with the storage in two segments, the upper one first.
    fn elf(&self) -> Vec<u8> {
        let half = (self.bytes.len() / 2).next_multiple_of(8);
        let (low, high) = self.bytes.split_at(half);
        let mut elf = b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0".to_vec();
        elf.extend([0, 4, 0, 22, 0, 0, 0, 1]);
        for word in [0u64, 64, 0] {
            elf.extend(word.to_be_bytes());
        }
        elf.extend([0, 0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0]);
        let data = 64 + 2 * 56;
        let segments = [(data + low.len(), Self::BASE + half as u64, high.len()), (data, Self::BASE, low.len())];
        for (offset, address, size) in segments {
            elf.extend([0, 0, 0, 1, 0, 0, 0, 7]);
            for word in [offset as u64, 0, address, size as u64, size as u64, 0] {
                elf.extend(word.to_be_bytes());
            }
        }
        elf.extend(low);
        elf.extend(high);
        elf
    }
}

/// Random mappings, some of them in a row.
fn random(levels: u32, seed: u64) -> (Builder, Model) {
    let mut random = Random(seed);
    let mut builder = Builder::new(levels);
    let mut model = Model::new();
    let pages = if levels == 5 { u64::MAX >> 12 } else { (1 << (levels * 11 + 9 - 12)) - 1 };
    for _ in 0..60 {
        let start = random.next() & pages;
        let frame = random.next() >> 12 << 12;
        let is_protected = random.next() & 1 != 0;
        for index in 0..1 + random.next() % 300 {
            let page = start.wrapping_add(index) & pages;
            let frame = frame.wrapping_add(index << 12);
            builder.map(page, frame, is_protected);
            model.insert(page, (frame, is_protected));
        }
    }
    (builder, model)
}

fn run(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = ["zpci", "walk"].iter().chain(arguments).map(OsString::from);
    let code = zpci::run(all, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn hex(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn addresses_lead_where_the_model_says() {
    for (levels, seed) in [(3, 1), (4, 2), (5, 3)] {
        let (builder, model) = random(levels, seed);
        let file = file(&builder.elf());
        let iota = format!("{:#x}", builder.iota());
        let mut random = Random(99);
        let pages: Vec<u64> = model.keys().copied().collect();
        let addresses: Vec<u64> = (0..4000)
            .map(|index| match index % 4 {
                0 => random.next() >> if levels == 5 { 0 } else { 64 - (levels * 11 + 9) },
                1 => (pages[random.next() as usize % pages.len()] + 1) << 12,
                _ => pages[random.next() as usize % pages.len()] << 12 | random.next() & 0xfff,
            })
            .collect();
        let mut seen = 0;
        for chunk in addresses.chunks(500) {
            let texts: Vec<String> = chunk.iter().map(|address| format!("{address:x}")).collect();
            let mut arguments = vec![name(file.path()), "--iota", &iota, "-j"];
            arguments.extend(texts.iter().map(String::as_str));
            let (_, out, err) = run(&arguments);
            assert_eq!(err, "");
            let value: Value = serde_json::from_str(&out).unwrap();
            for (found, address) in value["addresses"].as_array().unwrap().iter().zip(chunk) {
                assert_eq!(hex(&found["iova"]), *address);
                match model.get(&(address >> 12)) {
                    None => assert_eq!(found["absolute"], Value::Null, "{address:#x}"),
                    Some((frame, is_protected)) => {
                        seen += 1;
                        assert_eq!(hex(&found["absolute"]), frame | address & 0xfff, "{address:#x}");
                        let protection = if *is_protected { "read-only" } else { "read-write" };
                        assert_eq!(found["protection"], protection, "{address:#x}");
                        assert_eq!(found["steps"].as_array().unwrap().len(), levels as usize);
                    }
                }
            }
        }
        assert!(seen > 2000, "{seen}");
    }
}

#[test]
fn a_map_is_the_model() {
    for (levels, seed) in [(3, 11), (4, 12), (5, 13)] {
        let (builder, model) = random(levels, seed);
        let file = file(&builder.elf());
        let (code, out, err) = run(&[name(file.path()), "--iota", &format!("{:x}", builder.iota()), "--map", "-j"]);
        assert_eq!((code, err.as_str()), (0, ""));
        let value: Value = serde_json::from_str(&out).unwrap();
        let mut found = Model::new();
        let mut runs = 0;
        for run in value["map"].as_array().unwrap() {
            runs += 1;
            let (start, last, absolute) = (hex(&run["start"]), hex(&run["last"]), hex(&run["absolute"]));
            for offset in (0..=last - start).step_by(4096) {
                found.insert((start + offset) >> 12, (absolute.wrapping_add(offset), run["protection"] == "read-only"));
            }
        }
        assert!(found == model, "{levels} levels: {} pages and {}", found.len(), model.len());
        assert!(runs < 200, "{runs}");
        assert_eq!(hex(&value["mapped_bytes"]), model.len() as u64 * 4096);
        // The tree has the same frames.
        let (_, out, _) = run(&[name(file.path()), "--iota", &format!("{:x}", builder.iota()), "--tree"]);
        assert!(
            out.starts_with(&format!("IOTA {:#x}: ", builder.iota()))
                && out.contains(&format!(", {} frames\n", model.len()))
        );
    }
}

#[test]
fn wrong_entries_are_named_and_the_rest_is_shown() {
    let mut builder = Builder::new(3);
    builder.map(0x10_0000, 0x5000, false);
    builder.map(0x20_0000, 0x6000, true);
    let segment = builder.get(builder.root + 8 * 2) & !0x7ff;
    // A segment table named as a region-second table, one table length too short, and one that is not in the dump.
    builder.set(builder.root + 8, segment | 0xb);
    builder.set(builder.root + 8 * 3, segment | 6);
    builder.set(builder.root + 8 * 5, 0x7777_0000_0000 | 7);
    let file = file(&builder.elf());
    let iota = format!("{:x}", builder.iota());
    let (code, out, _) = run(&[name(file.path()), "--iota", &iota, "--map"]);
    assert_eq!(code, 1);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 6, "{out}");
    assert!(
        lines[0].starts_with("!0x80000000..=0xffffffff") && lines[0].ends_with("event 0x9 (invalid table type)"),
        "{out}"
    );
    assert_eq!(lines[1], " 0x100000000..=0x100000fff  ->  0x5000  read-write  4 KiB");
    assert!(lines[2].starts_with("!0x180000000..=0x1ffffffff") && lines[2].contains("event 0x8"), "{out}");
    assert_eq!(lines[3], " 0x200000000..=0x200000fff  ->  0x6000  read-only  4 KiB");
    assert!(
        lines[4].starts_with("!0x280000000..=0x2ffffffff") && lines[4].ends_with(", and 2047 entries behind it"),
        "{out}"
    );
    let (code, out, _) = run(&[name(file.path()), "--iota", &iota, "80000000"]);
    assert!(code == 1 && out.contains("error: table entry at 0x100008: event 0x9"), "{out}");
}

#[test]
fn a_walk_that_never_ends_is_ended() {
    // Each table leads to itself.
    let mut builder = Builder::new(5);
    for index in 0..2048 {
        builder.set(builder.root + 8 * index, builder.root | 0xf);
    }
    let file = file(&builder.elf());
    let iota = format!("{:x}", builder.iota());
    let (code, _, err) = run(&[name(file.path()), "--iota", &iota, "--map", "--limit", "10000"]);
    assert!(code == 2 && err.contains("10000 entries were read"), "{err}");
    let (code, _, err) = run(&[name(file.path()), "--iota", &iota, "--svg"]);
    assert!(code == 0 || code == 1 || err.contains("too many"), "{err}");
}

#[test]
fn what_is_no_dump_is_refused() {
    let (builder, _) = random(3, 5);
    let elf = builder.elf();
    let iota = format!("{:x}", builder.iota());
    let refusal = |bytes: &[u8]| {
        let file = file(bytes);
        let (code, _, err) = run(&[name(file.path()), "--iota", &iota, "1000"]);
        assert_eq!(code, 2, "{err}");
        err
    };
    assert!(refusal(&elf[..elf.len() - 1]).contains("is the dump cut off?"));
    let mut other = elf.clone();
    other[19] = 62;
    assert!(refusal(&other).contains("no core file of s390x"));
    let mut executable = elf.clone();
    executable[17] = 2;
    assert!(refusal(&executable).contains("no core file of s390x"));
    // The lower segment moved into the upper one.
    let mut overlapping = elf.clone();
    let upper = elf[64 + 24..64 + 32].to_vec();
    overlapping[64 + 56 + 24..64 + 56 + 32].copy_from_slice(&upper);
    assert!(refusal(&overlapping).contains("overlap"));
    assert!(refusal(&elf[64..]).contains("--base"));
}

#[test]
fn raw_and_text_dumps_are_the_same() {
    let (builder, model) = random(3, 6);
    let iota = format!("{:x}", builder.iota());
    let page = format!("{:x}", *model.keys().next().unwrap() << 12);
    let raw = file(&builder.bytes);
    let base = format!("{:x}", Builder::BASE);
    let expected = run(&[name(raw.path()), "--base", &base, "--iota", &iota, &page]);
    assert_eq!(expected.0, 0);
    let mut text = String::new();
    for (index, row) in builder.bytes.chunks(16).enumerate() {
        let words: Vec<String> =
            row.chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
        text.push_str(&format!("{:08x}: {}\n", Builder::BASE as usize + 16 * index, words.join(" ")));
    }
    let (code, out, err) = run(&[name(file(text.as_bytes()).path()), "--iota", &iota, &page]);
    assert_eq!((code, out.as_str()), (expected.0, expected.1.as_str()));
    // Of a text it is told where it starts.
    assert!(err.starts_with("note: ") && err.contains("offsets start at 0x100000"), "{err}");
    assert_eq!(run(&[name(file(&builder.elf()).path()), "--iota", &iota, &page]), expected);
}

#[test]
fn ranges_are_joined_where_address_and_protection_go_on() {
    let mut builder = Builder::new(4);
    let first = 0x1_2345_67fe;
    for (page, frame, is_protected) in [(0, 0x5000, false), (1, 0x6000, false), (2, 0x7000, true), (3, 0x9000, true)] {
        builder.map(first + page, frame, is_protected);
    }
    let file = file(&builder.elf());
    let (code, out, _) = run(&[name(file.path()), "--iota", &format!("{:x}", builder.iota()), "--map"]);
    assert_eq!(code, 0);
    let lines: Vec<&str> = out.lines().take(3).collect();
    assert_eq!(
        lines,
        [
            " 0x1234567fe000..=0x1234567fffff  ->  0x5000  read-write  8 KiB",
            " 0x123456800000..=0x123456800fff  ->  0x7000  read-only  4 KiB",
            " 0x123456801000..=0x123456801fff  ->  0x9000  read-only  4 KiB",
        ]
    );
}
