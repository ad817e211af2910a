// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any number, as an anchor and as an entry of every table; and any text where a number, a status or a code is wanted.
//!
//! What must hold: a report is good if no rule is broken, by the rules of the tests, and only then.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zpci::decode::{decode_number, Kind};
use zpci::input::Input;
use zpci_fuzz::reports;

#[path = "../../../zpci/tests/corruptions/rules.rs"]
#[expect(dead_code, reason = "each target has rules of its own")]
mod rules;

const NUMBERS: [(Kind, fn(u64) -> bool); 7] = [
    (Kind::Iota, rules::anchor_is_wrong),
    (Kind::RegionFirst, |entry| rules::region_is_wrong(entry, 3)),
    (Kind::RegionSecond, |entry| rules::region_is_wrong(entry, 2)),
    (Kind::RegionThird, |entry| rules::region_is_wrong(entry, 1)),
    (Kind::Segment, rules::segment_is_wrong),
    (Kind::Page, rules::page_is_wrong),
    (Kind::Entry, rules::entry_is_wrong),
];

const OTHERS: [Kind; 4] = [Kind::Status, Kind::ResponseCode, Kind::EventCode, Kind::Handle];

fuzz_target!(|input: &[u8]| {
    if let Ok(bytes) = <[u8; 8]>::try_from(input) {
        let number = u64::from_be_bytes(bytes);
        for (kind, is_wrong) in NUMBERS {
            let text = decode_number(kind, &format!("{number:#x}")).expect("a number");
            assert_eq!(!text.is_good(), is_wrong(number), "{kind:?} {number:#x}: {text:#?}");
            // The same number as eight bytes.
            let block = reports::report(kind, &bytes, false);
            assert_eq!((block.is_good(), &block.headline), (!is_wrong(number), &text.headline));
        }
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    for kind in NUMBERS.into_iter().map(|(kind, _)| kind).chain(OTHERS) {
        match decode_number(kind, text) {
            Ok(report) => reports::check(&report, &Input { bytes: vec![0; 8], ..Input::default() }),
            Err(error) => assert!(!error.is_empty()),
        }
    }
});
