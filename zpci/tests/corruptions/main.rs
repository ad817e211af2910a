// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every fixture with random corruptions: no crash, and no broken rule that is accepted without a word.
//!
//! `ZPCI_CORRUPTIONS=1000` has each corrupted so often; without it, 200 times.

mod fixture_text;
mod rules;

use std::path::{Path, PathBuf};

use zpci::decode::{decode, Kind};
use zpci::input::{Input, Reading};
use zpci::report::Report;

/// How often each fixture is corrupted.
fn corruptions() -> usize {
    std::env::var("ZPCI_CORRUPTIONS").map_or(200, |number| number.parse().unwrap())
}

/// The part of what 1,000 corruptions come to.
fn of_a_thousand(number: usize) -> usize {
    number * corruptions() / 1000
}

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

/// Corrupts the bytes of each fixture and compares what `decode` says with `is_wrong`.
fn corrupt(paths: &[PathBuf], kind: Kind, size: usize, is_wrong: impl Fn(&[u8]) -> bool) -> usize {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut wrong = 0;
    for path in paths {
        let name = path.to_str().unwrap();
        let original = Input::read(name, &Reading::default()).unwrap();
        let mut bytes = original.bytes.clone();
        if original.zeros_follow && bytes.len() < size {
            bytes.resize(size, 0);
        }
        for _ in 0..corruptions() {
            let mut corrupted = bytes.clone();
            for _ in 0..1 + random.below(3) {
                // Most of a block is never used.
                let at = random.below(corrupted.len().min(512));
                corrupted[at] =
                    if random.below(4) == 0 { random.next() as u8 } else { corrupted[at] ^ 1 << random.below(8) };
            }
            // Some are cut off.
            if random.below(8) == 0 {
                corrupted.truncate(1 + random.below(corrupted.len().min(512)));
            }
            let mut input = Input { name: "corrupted".to_owned(), bytes: corrupted.clone(), ..Input::default() };
            let report = decode(&mut input, Some(kind), None).unwrap();
            render(&report, &input);
            let expected = is_wrong(&corrupted);
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
    let paths = fixtures("clp/tests/fixtures", &["a", "b", "c", "d", "e"]);
    assert!(paths.len() > 30, "{}", paths.len());
    let wrong = corrupt(&paths, Kind::Clp, 4096, rules::block_is_wrong);
    assert!(wrong > of_a_thousand(10_000), "{wrong}");
}

#[test]
fn fibs() {
    let wrong = corrupt(&fixtures("tests/fixtures", &["f-"]), Kind::Fib, 80, rules::fib_is_wrong);
    assert!(wrong > of_a_thousand(1000), "{wrong}");
}

#[test]
fn measurement_blocks() {
    let wrong = corrupt(&fixtures("tests/fixtures", &["i-"]), Kind::Fmb, 80, rules::measurement_is_wrong);
    assert!(wrong > of_a_thousand(100), "{wrong}");
}

#[test]
fn events() {
    let paths = fixtures("zpci/tests/texts", &["events"]);
    let wrong = corrupt(&paths, Kind::ErrorEvent, 32, rules::error_event_is_wrong);
    assert!(wrong > of_a_thousand(100), "{wrong}");
    let wrong = corrupt(&paths, Kind::AvailabilityEvent, 32, rules::availability_event_is_wrong);
    assert!(wrong > of_a_thousand(900), "{wrong}");
    let paths = fixtures("zpci/tests/texts", &["event-information"]);
    let wrong = corrupt(&paths, Kind::EventInformation, 112, rules::information_is_wrong);
    assert!(wrong > of_a_thousand(100), "{wrong}");
}

/// Whether a number breaks a rule of its kind.
type Broken = fn(u64) -> bool;

/// The entries and anchors of the fixture, bit by bit.
#[test]
fn numbers() {
    let text = std::fs::read_to_string(root().join("tests/fixtures/h-entries.txt")).unwrap();
    let originals: Vec<u64> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| u64::from_str_radix(line.rsplit("0x").next().unwrap(), 16).unwrap())
        .chain([0x20, 0x400, 0x40_0400, 0])
        .collect();
    assert!(originals.len() > 12);
    let kinds: [(Kind, Broken); 7] = [
        (Kind::Iota, rules::anchor_is_wrong),
        (Kind::RegionFirst, |entry| rules::region_is_wrong(entry, 3)),
        (Kind::RegionSecond, |entry| rules::region_is_wrong(entry, 2)),
        (Kind::RegionThird, |entry| rules::region_is_wrong(entry, 1)),
        (Kind::Segment, rules::segment_is_wrong),
        (Kind::Page, rules::page_is_wrong),
        (Kind::Entry, rules::entry_is_wrong),
    ];
    let mut random = Random(5);
    let (mut right, mut wrong) = (0, 0);
    for original in originals {
        for _ in 0..corruptions() {
            let bits = (0..random.below(3)).fold(0, |bits, _| bits | 1 << random.below(64));
            let number = original ^ bits;
            for (kind, is_wrong) in kinds {
                let report = zpci::decode::decode_number(kind, &format!("{number:#x}")).unwrap();
                let expected = is_wrong(number);
                assert_eq!(!report.is_good(), expected, "{kind:?} {number:#x}: {report:#?}");
                *if expected { &mut wrong } else { &mut right } += 1;
            }
        }
    }
    assert!(right.min(wrong) > of_a_thousand(10_000), "{right} right, {wrong} wrong");
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
            for _ in 0..corruptions() {
                let mut input = original.clone();
                for _ in 0..1 + random.below(3) {
                    let at = random.below(input.bytes.len());
                    input.bytes[at] = random.next() as u8;
                }
                if random.below(8) == 0 {
                    input.bytes.truncate(1 + random.below(input.bytes.len()));
                }
                let bytes = input.bytes.clone();
                let report = decode(&mut input, Some(kind), Some(order)).unwrap();
                render(&report, &input);
                for problem in &report.problems {
                    assert!(problem.offset + problem.length <= bytes.len().max(16), "{problem:?} of {}", bytes.len());
                }
                if refuses(&bytes) {
                    assert!(!report.is_good(), "{}: {report:#?}", path.display());
                }
            }
        }
    }
}

#[test]
fn texts() {
    let mut random = Random(11);
    let (mut read, mut refused) = (0, 0);
    let paths = fixtures("clp/tests/fixtures", &["a", "d", "e"]);
    for path in paths.iter().chain(&fixtures("tests/fixtures", &["f-", "i-"])) {
        let text = std::fs::read_to_string(path).unwrap();
        let first = text.find("\n0000: ").unwrap() + 1;
        for _ in 0..corruptions() {
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
                    if let Some(bytes) = fixture_text::bytes(&corrupted, false, 16) {
                        assert!(input.bytes == bytes, "{corrupted}\n{} {} bytes", input.bytes.len(), bytes.len());
                    }
                }
            }
        }
    }
    assert!(read.min(refused) > of_a_thousand(1000), "{read} read, {refused} refused");
}
