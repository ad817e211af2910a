// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any tables: what entries of eight tables are, of which kind the root is, and where to look.
//!
//! What must hold: each address leads where the model of the tests says, and so does each end of each range of `--map`; no more
//! entries are read than the limit says.

#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use zpci_fuzz::command::{run, Unnamed};
use zpci_fuzz::elf;

#[path = "../../../s390-iommu/tests/guest/model.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod model;

/// Where the tables are.
const BASE: u64 = 0x10_0000;
const TABLE: u64 = 0x4000;
const TABLES: u64 = 8;

/// Most entries of a map.
const LIMIT: u64 = 20_000;

fuzz_target!(|input: &[u8]| {
    let [machine, input @ ..] = input else { return };
    let mut input = input.iter().copied();
    let mut byte = || input.next().unwrap_or(0);
    let is_qemu = machine & 1 != 0;
    let levels = 1 + u64::from(machine >> 1) % 3;
    // Empty in every table.
    let mut storage: Vec<u8> = 0x420u64.to_be_bytes().repeat((TABLE * TABLES / 8) as usize);
    let mut looked = Vec::new();
    for _ in 0..machine >> 3 {
        let (place, index, kind) = (u64::from(byte()), u64::from(byte()) << 8 | u64::from(byte()), byte());
        let next = BASE + TABLE * (place >> 3);
        let word = match kind & 15 {
            0..6 => next % (BASE + TABLE * TABLES) | u64::from(kind >> 4 & 3) << 2 | 3,
            6..10 => next | u64::from(kind >> 4) << 9 & 0x3800,
            10 => u64::from(place) << 32 | 0x5000 | u64::from(kind & 0x10) << 5,
            11 => u64::from(place) << 20 | 0x400 | u64::from(kind & 0x10) << 5,
            12 => 0,
            13 => 1 << (kind >> 4) | next | 3,
            _ => (0..8).fold(0, |word, _| word << 8 | u64::from(byte())),
        };
        let at = (TABLE * (place & 7) + 8 * (index & 0x7ff)) as usize;
        storage[at..at + 8].copy_from_slice(&word.to_be_bytes());
        // An address on the way of which that entry may be.
        looked
            .push((index & 0x7ff) << [12, 20, 31, 42, 53][usize::from(kind >> 4) % 5] | index << 20 | index >> 8 << 31);
    }
    looked.extend([0, 1 << 42, u64::MAX]);
    let iota = BASE | 0x800 | levels << 2 | u64::from(is_qemu) * 0x200 * u64::from(machine >> 7);
    let mut words = HashMap::new();
    elf::insert(&mut words, BASE, &storage);
    let model = |iova: u64| {
        // The origin that QEMU takes has the low bits.
        let origin = if is_qemu { iota & !0x81c } else { BASE };
        let found = model::walk(&words, origin, levels as u32, is_qemu, iova);
        let protects = is_qemu && iota & 0x200 != 0;
        found.map(|leaf| leaf.ok().map(|(absolute, read_only, _)| (absolute, read_only || protects)))
    };

    let file = Unnamed::new(&storage);
    let (name, anchor, base) = (file.name(), format!("{iota:x}"), format!("{BASE:x}"));
    let machine = if is_qemu { "qemu" } else { "hardware" };
    let common = ["walk", &name, "--raw", "--base", &base, "--iota", &anchor, "--machine", machine, "-j"];
    let addresses: Vec<String> = looked.iter().map(|iova| format!("{iova:x}")).collect();
    let arguments: Vec<&str> = common.iter().copied().chain(addresses.iter().map(String::as_str)).collect();
    let (code, out, err) = run(&arguments);
    assert!(code != zpci::UNREADABLE, "{err}");
    let value: Value = serde_json::from_str(&out).unwrap();
    for (found, iova) in value["addresses"].as_array().unwrap().iter().zip(&looked) {
        let expected = model(*iova);
        assert_eq!(found["error"].is_null(), expected.is_ok(), "{iova:#x}: {found} {expected:?}");
        let leaf = expected.unwrap_or(None);
        assert_eq!(
            found["absolute"].as_str().map(hex),
            leaf.map(|(page, _)| page | iova & 0xfff),
            "{iova:#x}: {found}"
        );
        let protection = leaf.map(|(_, read_only)| if read_only { "read-only" } else { "read-write" });
        assert_eq!(found["protection"].as_str(), protection, "{iova:#x}: {found}");
    }

    let limit = LIMIT.to_string();
    let arguments: Vec<&str> = common.iter().copied().chain(["--map", "--limit", &limit]).collect();
    let (code, out, err) = run(&arguments);
    if code == zpci::UNREADABLE {
        return assert!(err.contains("entries were read"), "{err}");
    }
    let value: Value = serde_json::from_str(&out).unwrap();
    assert!(value["entries_read"].as_u64().unwrap() <= LIMIT + 8, "{value}");
    let mut ranges = Vec::new();
    for run in value["map"].as_array().unwrap() {
        let (start, last) = (hex(run["start"].as_str().unwrap()), hex(run["last"].as_str().unwrap()));
        ranges.push((start, last));
        for iova in [start, start + (last - start) / 8192 * 4096, last & !0xfff] {
            match (model(iova), run["absolute"].as_str()) {
                (Ok(Some((absolute, read_only))), Some(first)) => {
                    assert_eq!(absolute, hex(first).wrapping_add(iova - start), "{iova:#x}: {run}");
                    assert_eq!(run["protection"] == "read-only", read_only, "{iova:#x}: {run}");
                }
                (Err(_), None) => {}
                (expected, _) => panic!("{iova:#x}: {run}, and by the model {expected:?}"),
            }
        }
    }
    assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "{value}");
    let end = 1u128 << (31 + 11 * levels);
    for iova in looked.iter().filter(|iova| u128::from(**iova) < end) {
        let is_listed = ranges.iter().any(|(start, last)| (start..=last).contains(&iova));
        assert_eq!(is_listed, !matches!(model(*iova), Ok(None)), "{iova:#x} {value}");
    }
    let arguments: Vec<&str> = common.iter().copied().chain(["--tree", "--limit", "100"]).collect();
    let _ = run(&arguments);
});

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}
