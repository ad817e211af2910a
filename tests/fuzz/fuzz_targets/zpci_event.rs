// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any event, alone and in the block of CHSC; the last byte says which, and whether zeros follow.
//!
//! What must hold: as of a CLP block.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zpci::decode::Kind;
use zpci_fuzz::reports;

#[path = "../../../zpci/tests/corruptions/rules.rs"]
#[expect(dead_code, reason = "each target has rules of its own")]
mod rules;

fuzz_target!(|input: &[u8]| {
    let Some((control, bytes)) = input.split_last() else { return };
    let zeros_follow = control & 1 != 0;
    let (kind, size, is_wrong): (_, _, fn(&[u8]) -> bool) = match control >> 1 & 3 {
        0 | 1 => (Kind::EventInformation, 112, rules::information_is_wrong),
        2 => (Kind::ErrorEvent, 32, rules::error_event_is_wrong),
        _ => (Kind::AvailabilityEvent, 32, rules::availability_event_is_wrong),
    };
    let report = reports::report(kind, bytes, zeros_follow);
    assert_eq!(!report.is_good(), is_wrong(&reports::whole(bytes, zeros_follow, size)), "{report:#?}");
});
