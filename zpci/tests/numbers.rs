// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Numbers: anchors and entries of the fixtures, and answers of instructions as they were measured.

use zpci::decode::{decode_number, Kind};

fn fixture(name: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name))
        .unwrap()
}

#[test]
fn entries_and_anchors() {
    let text = fixture("h-entries.txt");
    let mut rows = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [what, address, number]: [&str; 3] = line.split('|').map(str::trim).collect::<Vec<_>>().try_into().unwrap();
        let kind = match what {
            "region-third entry" => Kind::RegionThird,
            "region-second entry" => Kind::RegionSecond,
            "region-first entry" => Kind::RegionFirst,
            "segment entry" => Kind::Segment,
            "page entry" | "page entry, read only" => Kind::Page,
            _ => Kind::Iota,
        };
        let report = decode_number(kind, number).unwrap();
        assert!(report.is_good() && report.headline.contains(address), "{line}: {report:?}");
        assert_eq!(report.headline.contains("read-only"), what.ends_with("read only"), "{line}: {report:?}");
        if what.starts_with("region") {
            // And without a word of what it is.
            assert_eq!(decode_number(Kind::Entry, number).unwrap().headline, report.headline);
        }
        rows += 1;
    }
    assert_eq!(rows, 9);
}

/// What the walk refuses is named here too: `g-walks.txt`, table entries with codes 8 and 9.
#[test]
fn entries_that_break_a_rule() {
    for (kind, number) in [
        (Kind::RegionThird, "28006"),
        (Kind::RegionThird, "28047"),
        (Kind::RegionThird, "2800b"),
        (Kind::Segment, "2c804"),
        (Kind::Segment, "480400"),
        (Kind::Page, "1e001"),
        (Kind::Iota, "24800"),
        (Kind::Iota, "24004"),
        (Kind::Iota, "25804"),
        (Kind::Iota, "24a04"),
        (Kind::Entry, "0"),
    ] {
        let report = decode_number(kind, number).unwrap();
        assert!(!report.problems.is_empty(), "{number}: {report:?}");
    }
    for (kind, number) in [(Kind::RegionThird, "20"), (Kind::Segment, "20"), (Kind::Page, "400"), (Kind::Iota, "0")] {
        assert!(decode_number(kind, number).unwrap().is_good(), "{number}");
    }
}

/// Registers after instructions, of `f-instructions.txt`.
#[test]
fn answers_of_instructions() {
    let text = fixture("f-instructions.txt");
    let mut seen = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let (condition, register) = (cells[4], cells[5]);
        if condition == "program check" || register == "-" {
            continue;
        }
        let report = decode_number(Kind::Status, &format!("cc{condition} {register}")).unwrap();
        assert_eq!(report.is_good(), condition == "0", "{line}: {report:?}");
        let status = u64::from_str_radix(register, 16).unwrap() >> 24 & 0xff;
        if condition == "1" {
            assert!(report.headline.starts_with(&format!("cc 1, status {status}: ")), "{line}: {report:?}");
            assert!(!report.headline.contains("no known"), "{line}: {report:?}");
            seen.push(status);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [8, 24, 28, 40]);
}

#[test]
fn what_is_no_number_is_refused() {
    for (kind, text) in [
        (Kind::Iota, "zz"),
        (Kind::Iota, ""),
        (Kind::Iota, "10000000000000000"),
        (Kind::ResponseCode, "10000"),
        (Kind::Handle, "100000000"),
        (Kind::Status, "cc4 0x1"),
        (Kind::Status, "cc1"),
        (Kind::Status, ""),
        (Kind::Status, "a b c d"),
        (Kind::Fib, "0"),
    ] {
        assert!(decode_number(kind, text).is_err(), "{text}");
    }
}
