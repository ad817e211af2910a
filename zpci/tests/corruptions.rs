// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every fixture with 1,000 random corruptions: no crash, and no broken rule that is accepted without a word.
//!
//! The rules are written down here once more, by offsets, from `docs/src/clp.md` and `docs/src/translation.md`; they share
//! nothing with the tables that `decode` uses.

use std::ops::Range;
use std::path::{Path, PathBuf};

use zpci::decode::{decode, Kind};
use zpci::input::{Input, Reading};
use zpci::report::Report;

const CORRUPTIONS: usize = 1000;

/// xorshift64, so that each run is the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The fixtures of a folder whose names start with one of `prefixes`.
fn fixtures(folder: &str, prefixes: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".hex") && prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    paths.retain(is_wanted);
    paths.sort();
    paths
}

fn zero(bytes: &[u8], range: Range<usize>) -> bool {
    bytes.get(range).is_none_or(|bytes| bytes.iter().all(|byte| *byte == 0))
}

fn be(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Whether a block that was answered breaks a rule; `None` where nothing can be said of the answer.
fn block_is_wrong(block: &[u8]) -> Option<bool> {
    let length = be(block, 0, 2) as usize;
    let command = be(block, 2, 2);
    if length < 32 || length + 8 > block.len() || !(1..=5).contains(&command) {
        return Some(true);
    }
    let request = &block[..length];
    let mut wrong = length != 32 || !zero(request, 4..16);
    wrong |= match command {
        1 => !zero(request, 16..32),
        2 => !zero(request, 24..32),
        3 => !zero(request, 20..32),
        4 => !zero(request, 16..19) || !zero(request, 20..32),
        _ => !zero(request, 20..22) || request[22] > 3 || request[23] > 1 || !zero(request, 24..28),
    };
    let answer = &block[length..];
    let code = be(answer, 2, 2);
    if code == 0 && zero(answer, 4..answer.len()) {
        // Not answered yet, which is said.
        return Some(wrong);
    }
    if code != 0x10 {
        return Some(true);
    }
    let stored = be(answer, 0, 2) as usize;
    if stored > answer.len() || stored < 16 {
        return Some(true);
    }
    let answer = &answer[..stored];
    wrong |= !zero(answer, 4..16);
    wrong |= match command {
        1 => {
            stored < 81
                || !zero(answer, 16..32)
                || !zero(answer, 64..80)
                || answer[80] & 0x40 != 0
                || !zero(answer, 81..96)
                || !zero(answer, 128..stored)
        }
        2 => list_is_wrong(answer),
        3 => {
            stored < 128
                || answer[18] & 0xc4 != 0
                || answer[24..30].iter().any(|log2| *log2 > 63)
                || answer[61] & 0xf0 != 0
                || be(answer, 64, 8) > be(answer, 72, 8)
                || !zero(answer, 82..86)
                || !zero(answer, 88..124)
                || !zero(answer, 192..256.min(stored))
                || answer.get(256).is_some_and(|valid| valid & 3 != 0 && stored >= 384)
                || stored >= 384 && (!zero(answer, 257..264) || !zero(answer, 360..384))
                || !zero(answer, 384..stored)
        }
        4 => {
            stored < 48
                || answer[16] & 0xf0 != 0
                || answer[19] & 0xdc != 0
                || answer[20] & 0xe0 != 0
                || answer[25] != 0
                || answer[28] & 0xf0 != 0
                || !zero(answer, 48..stored)
        }
        _ => {
            let handle = if stored < 20 { 0 } else { be(answer, 16, 4) };
            let enables = matches!(request[22], 0 | 2);
            handle == 0
                || enables && handle & 0x8000_0000 == 0
                || !zero(answer, 20..32.min(stored))
                || stored >= 160 && (answer[32] & 3 != 0 || !zero(answer, 33..40) || !zero(answer, 136..160))
                || !zero(answer, 160..stored)
        }
    };
    Some(wrong)
}

fn list_is_wrong(answer: &[u8]) -> bool {
    if answer.len() < 32 {
        return true;
    }
    let size = usize::from(answer[31]);
    let entries = &answer[32..];
    if !matches!(be(answer, 24, 4), 0 | 0x00ff_0000)
        || answer[30] & 0xfe != 0
        || size < 16
        || !entries.len().is_multiple_of(size)
    {
        return true;
    }
    entries.len() / size > be(answer, 28, 2) as usize
        || entries.chunks(size).any(|entry| {
            be(entry, 4, 4) & 0x7fff_ffff != 0
                || !zero(entry, 16..size)
                || be(entry, 2, 2) != 0 && be(entry, 12, 4) == 0
        })
}

fn fib_is_wrong(fib: &[u8]) -> bool {
    let iota = be(fib, 32, 8);
    let anchor = iota != 0
        && (iota & 0x800 == 0 || !(1..=3).contains(&(iota >> 2 & 7)) || iota & 0x3000 != 0 || iota & 0x7e3 != 0);
    // As `struct zpci_fib_fmt0` and `fmt1` have them.
    let interrupts = match fib[0] {
        1 => be(fib, 40, 4) & 0xf000_ffff != 0 || !zero(fib, 48..64),
        _ => be(fib, 40, 4) & 0x8000_c040 != 0 || !zero(fib, 44..46),
    };
    fib[0] > 1
        || !zero(fib, 1..8)
        || fib[8] & 0x0f != 0
        || !zero(fib, 9..16)
        || be(fib, 24, 8) < be(fib, 16, 8)
        || anchor
        || interrupts
        || !zero(fib, 46..48)
        || !zero(fib, 72..76)
}

fn measurement_is_wrong(fmb: &[u8]) -> bool {
    let counters = [2, 4, 2, 1].get(usize::from(fmb[0])).map(|count| 48 + 8 * count);
    counters.is_none_or(|end| !zero(fmb, end..80)) || fmb[1] & 0x7f != 0 || !zero(fmb, 2..4)
}

/// Corrupts the bytes of each fixture and compares what `decode` says with `is_wrong`.
fn corrupt(paths: &[PathBuf], kind: Kind, size: usize, is_wrong: impl Fn(&[u8]) -> Option<bool>) -> usize {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut wrong = 0;
    for path in paths {
        let name = path.to_str().unwrap();
        let original = Input::read(name, &Reading::default()).unwrap();
        let mut bytes = original.bytes.clone();
        if original.zeros_follow && bytes.len() < size {
            bytes.resize(size, 0);
        }
        for _ in 0..CORRUPTIONS {
            let mut corrupted = bytes.clone();
            for _ in 0..1 + random.below(3) {
                // Most of a block is never used.
                let at = random.below(corrupted.len().min(512));
                corrupted[at] =
                    if random.below(4) == 0 { random.next() as u8 } else { corrupted[at] ^ 1 << random.below(8) };
            }
            let mut input = Input { name: "corrupted".to_owned(), bytes: corrupted.clone(), ..Input::default() };
            input.condition = None;
            let report = decode(&mut input, Some(kind), None).unwrap();
            render(&report, &input);
            let Some(expected) = is_wrong(&corrupted) else {
                continue;
            };
            wrong += usize::from(expected);
            assert_eq!(
                !report.is_good(),
                expected,
                "{name}: {report:#?}\n{:02x?}",
                &corrupted[..512.min(corrupted.len())]
            );
            for problem in &report.problems {
                assert!(!problem.rule.is_empty() && !problem.text.is_empty(), "{problem:?}");
                assert!(problem.offset + problem.length <= corrupted.len().max(16), "{problem:?}");
            }
            // And without a word of what it is: it is recognised as that, or nothing.
            let mut input = Input { name: "corrupted".to_owned(), bytes: corrupted, ..Input::default() };
            if let Ok(report) = decode(&mut input, None, None) {
                render(&report, &input);
            }
        }
    }
    wrong
}

fn render(report: &Report, input: &Input) {
    let text = zpci::render::report_text(report, true) + &zpci::render::report_text(report, false);
    assert!(!text.is_empty());
    let problems = zpci::render::problems(report, Some(input));
    assert_eq!(problems.is_empty(), report.problems.is_empty());
    let json = zpci::render::report_json(report);
    assert_eq!(json["problems"].as_array().unwrap().len(), report.problems.len());
}

#[test]
fn blocks() {
    let paths = fixtures("clp/tests/fixtures", &["a", "b", "c2", "c3", "d", "e"]);
    assert!(paths.len() > 25, "{}", paths.len());
    let wrong = corrupt(&paths, Kind::Clp, 4096, block_is_wrong);
    assert!(wrong > 10_000, "{wrong}");
}

#[test]
fn fibs() {
    let wrong = corrupt(&fixtures("tests/fixtures", &["f-"]), Kind::Fib, 80, |fib| Some(fib_is_wrong(fib)));
    assert!(wrong > 1000, "{wrong}");
}

#[test]
fn measurement_blocks() {
    let wrong = corrupt(&fixtures("tests/fixtures", &["i-"]), Kind::Fmb, 80, |fmb| Some(measurement_is_wrong(fmb)));
    assert!(wrong > 100, "{wrong}");
}

/// Chains have too many freedoms to say once more what is right; here it is that nothing crashes, and that what the library
/// refuses is refused.
#[test]
fn chains() {
    use s390_iommu::vfio::{ByteOrder, Capabilities, DeviceInformation, IommuInformation};
    for (prefixes, kind) in [(["device", "-"], Kind::VfioDevice), (["iommu", "container"], Kind::VfioIommu)] {
        let paths = fixtures("s390-iommu/tests/fixtures", &prefixes);
        assert!(paths.len() >= 10);
        for path in &paths {
            let order = if path.to_str().unwrap().contains("little") { ByteOrder::Little } else { ByteOrder::Big };
            let refuses = |bytes: &[u8]| match kind {
                Kind::VfioDevice => Capabilities::new::<DeviceInformation>(bytes, order)
                    .map_or(true, |(_, mut all)| all.any(|raw| raw.is_err())),
                _ => Capabilities::new::<IommuInformation>(bytes, order)
                    .map_or(true, |(_, mut all)| all.any(|raw| raw.is_err())),
            };
            let original = Input::read(path.to_str().unwrap(), &Reading::default()).unwrap();
            let mut random = Random(7);
            for _ in 0..CORRUPTIONS {
                let mut input = original.clone();
                for _ in 0..1 + random.below(3) {
                    let at = random.below(input.bytes.len());
                    input.bytes[at] = random.next() as u8;
                }
                let bytes = input.bytes.clone();
                let report = decode(&mut input, Some(kind), Some(order)).unwrap();
                render(&report, &input);
                if refuses(&bytes) {
                    assert!(!report.is_good(), "{}: {report:#?}", path.display());
                }
            }
        }
    }
}

/// The bytes of a text in the form of the fixtures, by another reader: `None` if a line is of another form.
fn fixture_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // Where the first row is far from 0, it is an address.
    let mut base = None;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") || line.starts_with("cc ") {
            continue;
        }
        let (offset, digits) = line.split_once(": ")?;
        let offset = usize::from_str_radix(offset.trim_start_matches("0x"), 16).ok()?;
        let base = *base.get_or_insert(if offset < 4096 { 0 } else { offset });
        let offset = offset.checked_sub(base)?;
        if offset < bytes.len() {
            return None;
        }
        bytes.resize(offset, 0);
        for word in digits.split(' ') {
            for pair in word.as_bytes().chunks(2) {
                bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2)?);
            }
        }
    }
    Some(bytes)
}

#[test]
fn texts() {
    let mut random = Random(11);
    let (mut read, mut refused) = (0, 0);
    let paths = fixtures("clp/tests/fixtures", &["a", "d", "e"]);
    for path in paths.iter().chain(&fixtures("tests/fixtures", &["f-", "i-"])) {
        let text = std::fs::read_to_string(path).unwrap();
        let first = text.find("\n0000: ").unwrap() + 1;
        for _ in 0..CORRUPTIONS {
            let mut corrupted = text.clone().into_bytes();
            let at = first + random.below(corrupted.len() - first);
            match random.below(3) {
                0 => corrupted[at] = b" 0123456789abcdefgx:*#|\n\r\t,"[random.below(27)],
                1 => _ = corrupted.remove(at),
                _ => corrupted.insert(at, b" 0123456789abcdefgx:*#|\n\r\t,"[random.below(27)]),
            }
            let corrupted = String::from_utf8(corrupted).unwrap();
            match Input::parse("-", corrupted.clone().into_bytes(), &Reading::default()) {
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
                Ok(input) => {
                    read += 1;
                    if let Some(bytes) = fixture_bytes(&corrupted) {
                        assert!(input.bytes == bytes, "{corrupted}\n{} {} bytes", input.bytes.len(), bytes.len());
                    }
                }
            }
        }
    }
    assert!(read > 1000 && refused > 1000, "{read} read, {refused} refused");
}
