// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any CLP block; the last byte says whether zeros follow.
//!
//! What must hold: the report claims no byte that is not there, and it is good if no rule is broken, by the rules of the tests,
//! which share nothing with the decoder, and only then.

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
    let report = reports::report(Kind::Clp, bytes, zeros_follow);
    let is_wrong = rules::block_is_wrong(&reports::whole(bytes, zeros_follow, clp::Block::SIZE));
    assert_eq!(!report.is_good(), is_wrong, "{report:#?}");
});
