// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any request to a guest that is described in a file; the last byte says which.
//!
//! What must hold: the block that `zpci answer --hex` prints is, read again, the one that was answered.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use zpci::input::{Input, Reading};
use zpci_fuzz::command::{run, Unnamed};

const GUESTS: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../zpci/tests/guests/two.json"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../zpci/tests/guests/qemu-nvme.json"),
];

fuzz_target!(|input: &[u8]| {
    let Some((control, block)) = input.split_last() else { return };
    if block.is_empty() {
        return;
    }
    let guest = GUESTS[usize::from(control & 1)];
    let file = Unnamed::new(block);
    let (code, json, _) = run(&["answer", "--raw", "-j", guest, &file.name()]);
    let (hex_code, hex, _) = run(&["answer", "--raw", "--hex", guest, &file.name()]);
    assert_eq!(code, hex_code);
    if code == zpci::UNREADABLE {
        return;
    }
    let json: Value = serde_json::from_str(&json).unwrap();
    let written = json["written"]["bytes"].as_str().unwrap();
    let at = json["written"]["offset"].as_u64().unwrap() as usize;
    let written: Vec<u8> = written
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let mut answered = block.to_vec();
    answered[at..at + written.len()].copy_from_slice(&written);

    let read = Input::parse("answer", hex.clone().into_bytes(), &Reading::default());
    let read = read.unwrap_or_else(|error| panic!("{error}\n{hex}"));
    assert_eq!(read.condition.map(u64::from), json["condition_code"].as_u64(), "{hex}");
    let mut bytes = read.bytes;
    assert!(bytes.len() <= answered.len(), "{hex}");
    bytes.resize(answered.len(), 0);
    assert!(bytes == answered, "{hex}\n{answered:02x?}");
});
