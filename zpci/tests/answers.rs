// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci answer` against the blocks that QEMU answered.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use zpci::input::{Input, Reading};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn run(arguments: &[String]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = ["zpci".to_owned()].into_iter().chain(arguments.iter().cloned()).map(OsString::from);
    let code = zpci::run(all, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn answer(guest: &str, block: &str) -> Vec<u8> {
    let path = |name: &str| root().join(name).to_str().unwrap().to_owned();
    let (_, out, err) = run(&["answer".into(), "--hex".into(), path(guest), path(block)]);
    assert!(err.lines().all(|line| line.ends_with("bytes that the text leaves out are taken for zeros")), "{err}");
    let mut bytes = Input::parse("-", out.into_bytes(), &Reading::default()).unwrap().bytes;
    bytes.resize(4096, 0);
    bytes
}

fn recorded(block: &str) -> Vec<u8> {
    let mut bytes = Input::read(root().join(block).to_str().unwrap(), &Reading::default()).unwrap().bytes;
    bytes.resize(4096, 0);
    bytes
}

#[test]
fn as_qemu_the_recorded_blocks_come_out() {
    for name in ["e1-nvme-list", "e2-nvme-query", "a7-query-group", "a8-query-group-unknown", "a9-enable", "c3-unknown"]
    {
        let block = format!("clp/tests/fixtures/{name}.hex");
        let answered = answer("zpci/tests/guests/qemu-nvme.json", &block);
        assert!(answered == recorded(&block), "{name}: {:02x?}", &answered[..512]);
    }
}

#[test]
fn a_function_keeps_the_handle_that_it_gets() {
    let path = |name: &str| root().join("zpci/tests/guests").join(name).to_str().unwrap().to_owned();
    let (code, out, _) = run(&["answer".into(), path("two.json"), path("enable.hex"), path("list.hex")]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("FID 0x00000101 handle 0x80010000 15b3:1016 enabled"), "{out}");
    // Enabled twice is refused.
    let (code, out, _) = run(&["answer".into(), path("two.json"), path("enable.hex"), path("enable.hex")]);
    assert!(code == 1 && out.contains("refused with 0x0101"), "{out}");
}

#[test]
fn a_guest_that_cannot_be_is_refused() {
    let good = std::fs::read_to_string(root().join("zpci/tests/guests/two.json")).unwrap();
    let cases = [
        ("zpci-guest/1", "zpci-guest/2", "schema"),
        ("\"0x00010001\"", "\"0x00010000\"", "two functions have the handle"),
        ("\"noi\": 64", "\"noi\": 5000", "5000 interrupts"),
        ("\"dtsm\": \"0x40\"", "\"dtsm\": \"0x140\"", "too large"),
        ("\"noi\"", "\"no\"", "unknown field `no`, expected"),
        ("\"0x1ffffffff\"", "\"0x1\"", "DMA addresses that start"),
        ("\"0x1ffffffff\"", "\"zz\"", "no hexadecimal number"),
    ];
    for (from, to, message) in cases {
        assert!(good.contains(from), "{from}");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, good.replace(from, to).as_bytes()).unwrap();
        let list = root().join("zpci/tests/guests/list.hex").to_str().unwrap().to_owned();
        let (code, _, err) = run(&["answer".into(), file.path().to_str().unwrap().into(), list]);
        assert!(code == 2 && err.contains(message), "{to}: {err}");
    }
}

#[test]
fn a_block_of_zeros_is_a_text_too() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, &[0; 32]).unwrap();
    let guest = root().join("zpci/tests/guests/two.json").to_str().unwrap().to_owned();
    let block = file.path().to_str().unwrap().to_owned();
    let (code, out, _) = run(&["answer".into(), "--raw".into(), "--hex".into(), guest, block]);
    assert_eq!(code, 1);
    assert_eq!(Input::parse("-", out.into_bytes(), &Reading::default()).unwrap().bytes, [0; 16]);
}
