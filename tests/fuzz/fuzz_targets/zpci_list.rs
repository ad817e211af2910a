// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any blocks of which a list of functions is to be made, or any description of a guest that is to answer; the last byte says
//! which.
//!
//! What must hold: the three outputs of a list agree on the number of functions, and nothing is read that is not there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use zpci_fuzz::command::{run, Unnamed};

const REQUEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../zpci/tests/guests/list.hex");

fuzz_target!(|input: &[u8]| {
    let Some((control, bytes)) = input.split_last() else { return };
    if control & 1 != 0 {
        let guest = Unnamed::new(bytes);
        let (code, out, _) = run(&["answer", "-j", &guest.name(), REQUEST]);
        assert!(code == zpci::UNREADABLE || serde_json::from_str::<Value>(&out).is_ok(), "{out}");
        return;
    }
    // Blocks of up to 512 bytes each.
    let files: Vec<Unnamed> = bytes.chunks(512).take(8).map(Unnamed::new).collect();
    let names: Vec<String> = files.iter().map(Unnamed::name).collect();
    let with = |option: &[&str]| {
        let arguments: Vec<&str> =
            ["list", "--raw"].iter().chain(option).copied().chain(names.iter().map(String::as_str)).collect();
        run(&arguments)
    };
    if names.is_empty() {
        return;
    }
    let (code, json, _) = with(&["-j"]);
    let (other, table, _) = with(&["-o", "FID,UID,STATE"]);
    assert_eq!((code, with(&["-v"]).0), (other, other));
    if code == zpci::UNREADABLE {
        return;
    }
    let json: Value = serde_json::from_str(&json).unwrap();
    let functions = json["functions"].as_array().unwrap().len();
    let lines = table.lines().filter(|line| line.starts_with("0x") || line.starts_with("- ")).count();
    assert!(functions <= 8 * 512 / 16 && (lines == functions || functions == 0), "{functions} functions\n{table}");
});
