// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any file that may be a dump: ELF, kdump or none; the last 16 bytes are the anchor and an address.
//!
//! What must hold: what is walked is what another reader of ELF finds in the file; nothing is read behind its end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use zpci_fuzz::command::{run, Unnamed};
use zpci_fuzz::elf;

#[path = "../../../s390-iommu/tests/guest/model.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod model;

fuzz_target!(|input: &[u8]| {
    let Some((rest, iova)) = input.split_last_chunk::<8>() else { return };
    let Some((file, iota)) = rest.split_last_chunk::<8>() else { return };
    let (iota, iova) = (u64::from_be_bytes(*iota), u64::from_be_bytes(*iova));
    let dump = Unnamed::new(file);
    let (name, anchor, address) = (dump.name(), format!("{iota:x}"), format!("{iova:x}"));
    let (code, out, _) = run(&["walk", &name, "--iota", &anchor, "-j", &address]);
    let is_elf = file.starts_with(b"\x7fELF");
    if code == zpci::UNREADABLE {
        return;
    }
    let value: Value = serde_json::from_str(&out).unwrap();
    let found = &value["addresses"][0];
    let levels = iota >> 2 & 7;
    assert!(iota & 0x800 != 0 && (1..=3).contains(&levels), "{value}");
    if is_elf {
        // A walk through what overlaps or is cut off is refused; what is left is in the words.
        if let Some(words) = elf::words(file, 1 << 20) {
            let expected = model::walk(&words, iota & !0xfff, levels as u32, false, iova);
            assert_eq!(found["error"].is_null(), expected.is_ok(), "{value} {expected:?}");
            let absolute = expected.ok().and_then(Result::ok).map(|(page, _, _)| format!("{:#x}", page | iova & 0xfff));
            assert_eq!(found["absolute"].as_str(), absolute.as_deref(), "{value}");
        } else {
            assert!(file.len() > 1 << 16 || is_beyond_words(file), "another reader finds no core: {value}");
        }
    }
    let (code, _, err) = run(&["walk", &name, "--iota", &anchor, "--map", "--limit", "10000"]);
    assert!(code != zpci::UNREADABLE || err.contains("entries were read"), "{err}");
    let (code, _, err) = run(&["walk", &name, "--iota", &anchor, "--svg"]);
    assert!(code != zpci::UNREADABLE || err.contains("too many"), "{err}");
});

/// Forms of headers that the other reader leaves out: more than 65534 segments, or the same storage in many of them.
fn is_beyond_words(file: &[u8]) -> bool {
    file.get(56..58).is_none_or(|count| count == [0xff, 0xff] || count[0] > 0)
}
