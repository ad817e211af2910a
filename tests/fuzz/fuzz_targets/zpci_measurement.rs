// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any measurement block; the last byte says whether zeros follow.
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
    let report = reports::report(Kind::Fmb, bytes, zeros_follow);
    assert_eq!(!report.is_good(), rules::measurement_is_wrong(&reports::whole(bytes, zeros_follow, 80)), "{report:#?}");
});
