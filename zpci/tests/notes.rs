// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is done with a text is told by every command that reads one.

use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;

/// Exit code, output, and what is told beside it.
fn run(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = zpci::run(["zpci"].iter().chain(arguments).map(OsString::from), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn path(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).to_str().unwrap().to_owned()
}

/// A file with `text` that is gone with the value.
fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn list() {
    let name = path("texts/hexdump-c.txt");
    let note = format!("{name}: 12 rows that the text squeezes to `*` are repeated");
    let (code, out, err) = run(&["list", &name]);
    assert_eq!((code, err.as_str()), (0, format!("note: {note}\n").as_str()), "{out}");
    let (_, out, err) = run(&["list", "-j", &name]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((json["notes"][0].as_str(), err.as_str()), (Some(note.as_str()), ""));
}

/// Of a dump and of a FIB, with everything that can be asked.
#[test]
fn walk() {
    let dump = path("dumps/guest.txt");
    let fib = file("# rows of zeros are left out\n0000: 00000000 00000000\n0020: 00000000 00024804\n");
    let fib = fib.path().to_str().unwrap();
    let notes = [
        "24 bytes that the text leaves out are taken for zeros",
        "offsets start at 0x24000, where the first byte is taken to be",
        "rows that the text squeezes to `*` are repeated",
    ];
    for asked in ["--map", "--tree", "--svg", "0x180123456"] {
        let (_, out, err) = run(&["walk", &dump, "--iota", "0x24804", asked]);
        assert!(!out.contains("note") && err.lines().all(|line| line.starts_with("note: ")), "{err}");
        assert!(notes[1..].iter().all(|note| err.contains(note)) && err.contains(&dump), "{asked}: {err}");
        let (_, _, err) = run(&["walk", &dump, "--fib", fib, asked]);
        assert!(err.lines().count() == 3 && err.contains(&format!("note: {fib}: ")), "{asked}: {err}");
        if asked == "--svg" {
            continue;
        }
        let (_, out, err) = run(&["walk", &dump, "--fib", fib, "-j", asked]);
        let json: Value = serde_json::from_str(&out).unwrap();
        let told: Vec<&str> = json["notes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(told.len() == 3 && notes.iter().zip(told).all(|(note, told)| told.contains(note)), "{out}");
        assert_eq!(err, "");
    }
    // Of an ELF core there is nothing to tell.
    let (_, out, err) = run(&["walk", &path("dumps/guest.elf"), "--iota", "0x24804", "-j", "--map"]);
    assert!(err.is_empty() && !out.contains("notes"), "{out}");
}

#[test]
fn answer() {
    let (guest, block) = (path("guests/two.json"), path("guests/list.hex"));
    let note = "16 bytes that the text leaves out are taken for zeros";
    let (_, out, err) = run(&["answer", &guest, &block]);
    assert!(out.contains(&format!("note: {note}\n")) && err.is_empty(), "{out}{err}");
    let (_, out, err) = run(&["answer", "--hex", &guest, &block]);
    assert!(!out.contains(note) && err == format!("note: {block}: {note}\n"), "{out}{err}");
    let (_, out, err) = run(&["answer", "-j", &guest, &block]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((json["block"]["notes"][0].as_str(), err.as_str()), (Some(note), ""));
}

/// Words whose order is not in the text are in the order in which they are what is asked for, and that is told.
#[test]
fn the_order_of_words() {
    // LIST PCI, with room for 128 bytes; by hexdump on x86.
    let block = file("0000000 2000 0200 0000 0000 0000 0000 0000 0000\n0000010 0000 0000 0000 0000 0000 0000 0000 0000\n0000020 8000 0000 0000 0000 0000 0000 0000 0000\n*\n00000a0\n");
    let block = block.path().to_str().unwrap();
    let order = "words of 2 bytes, taken for little-endian: otherwise they are no clp";
    let (code, out, _) = run(&["decode", "--as", "clp", block]);
    // Not answered yet, which is response code 0.
    assert!(code == 1 && out.contains("LIST PCI") && out.contains(order), "{out}");
    let (code, out, err) = run(&["answer", &path("guests/two.json"), block]);
    assert!(code == 0 && out.contains("LIST PCI: 0x0010 OK") && out.contains(order), "{out}{err}");
    // Nothing known in either order: nothing is answered.
    let nothing = file("0000000 ffff ffff\n0000004\n");
    let (code, out, err) = run(&["answer", &path("guests/two.json"), nothing.path().to_str().unwrap()]);
    assert!(code == 2 && out.is_empty() && err.contains("--words"), "{out}{err}");
}

/// What the command is told of offsets reaches the reader.
#[test]
fn the_number_system_of_offsets() {
    let name = path("texts/zero-fib-od-x2.txt");
    for (system, rows) in [("octal", "note: 4 rows"), ("hex", "note: 17 rows")] {
        let (code, out, err) = run(&["decode", "--as", "fib", "--words", "big", "--offsets", system, &name]);
        assert!(code == 0 && out.contains(rows) && !out.contains("--offsets"), "{system}: {out}{err}");
    }
}
