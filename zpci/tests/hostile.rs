// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Inputs that nobody means well with, and outputs that end.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use zpci::input::{Input, Reading};

/// A reader of the output that takes so many bytes, and then fails in this way.
struct Full {
    left: usize,
    kind: ErrorKind,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.min(bytes.len()) {
            0 => Err(self.kind.into()),
            taken => {
                self.left -= taken;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.left == 0 {
            Err(self.kind.into())
        } else {
            Ok(())
        }
    }
}

fn arguments(arguments: &[&str]) -> Vec<OsString> {
    ["zpci"].iter().chain(arguments).map(OsString::from).collect()
}

fn run(words: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = zpci::run(arguments(words), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn name(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

/// What was asked for and is not written is no success; a reader that has enough is.
#[test]
fn output_that_cannot_be_written() {
    let block = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clp/tests/fixtures/e2-nvme-query.hex");
    let block = block.to_str().unwrap();
    let commands: [&[&str]; 7] = [
        &["decode", block],
        &["decode", "-j", block],
        &["list", "--blocks", block],
        &["list", "--blocks", "-j", block],
        &["fields"],
        &["--help"],
        &["--version"],
    ];
    for words in commands {
        let (_, whole, _) = run(words);
        for left in [0, whole.len() / 2, whole.len() - 1] {
            let mut err = Vec::new();
            let full = zpci::run(arguments(words), &mut Full { left, kind: ErrorKind::StorageFull }, &mut err);
            let err = String::from_utf8(err).unwrap();
            assert_eq!(full, zpci::UNREADABLE, "{words:?} {left}");
            assert_eq!(
                err.lines().filter(|line| line.starts_with("error: the output: ")).count(),
                1,
                "{words:?} {err}"
            );
            let mut err = Vec::new();
            let closed = zpci::run(arguments(words), &mut Full { left, kind: ErrorKind::BrokenPipe }, &mut err);
            assert_eq!((closed, err), (zpci::GOOD, Vec::new()), "{words:?} {left}");
        }
    }
}

/// Standard output keeps what has no end of line until it is flushed.
#[test]
fn output_that_is_kept_back() {
    struct Kept;
    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::StorageFull.into())
        }
    }
    for words in [&["fields"][..], &["--help"], &["generate", "completions", "bash"]] {
        assert_eq!(zpci::run(arguments(words), &mut Kept, &mut Vec::new()), zpci::UNREADABLE, "{words:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zpci"));
    let output = command.arg("fields").stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: the output: "));
}

/// Storage that would go on behind the last address.
#[test]
fn dumps_that_pass_the_end_of_storage() {
    let raw = file(&[0; 0x4000]);
    let text = file(b"fffffffffffffff0: 00000000 00000000 00000000 00000000 00000000\n");
    for what in ["--tree", "--map", "1000"] {
        let (code, _, err) = run(&["walk", name(&raw), "--iota", "24804", "--base", "ffffffffffffd000", what]);
        assert_eq!(
            (code, err.contains("0xffffffffffffd000") && err.contains("passes 2^64")),
            (2, true),
            "{what}: {err}"
        );
        let (code, _, err) = run(&["walk", name(&text), "--iota", "24804", what]);
        assert_eq!(
            (code, err.contains("0xfffffffffffffff0") && err.contains("passes 2^64")),
            (2, true),
            "{what}: {err}"
        );
    }
    // The last byte of storage is one.
    let (code, out, _) = run(&["walk", name(&raw), "--iota", "24804", "--base", "ffffffffffffc000", "--tree"]);
    assert!(code == 1 && out.contains("0xffffffffffffc000..=0xffffffffffffffff"), "{out}");
}

/// One table of each kind, each entry of which leads to the one below: 2048^4 tables in a file of 66 KiB.
fn endless() -> tempfile::NamedTempFile {
    let mut bytes = Vec::new();
    for (next, low) in [(0x4000_u64, 0xf_u64), (0x8000, 0xb), (0xc000, 0x7), (0x1_0000, 0x0)] {
        bytes.extend(std::iter::repeat_n((next | low).to_be_bytes(), 2048).flatten());
    }
    // Pages that do not follow each other in storage, so that each is a range.
    bytes.extend(std::iter::repeat_n(0x5000_u64.to_be_bytes(), 256).flatten());
    file(&bytes)
}

#[test]
fn trees_and_maps_without_end() {
    let endless = endless();
    // Region-first, at 0.
    let common = ["walk", name(&endless), "--iota", "80c", "--base", "0"];
    let run = |words: &[&str]| run(&[&common, words].concat());
    let (code, _, err) = run(&["--tree"]);
    assert_eq!((code, err.as_str()), (2, "error: more than 262144 tables; --limit takes more\n"));
    let (code, _, err) = run(&["--tree", "--limit", "1000"]);
    assert_eq!((code, err.as_str()), (2, "error: more than 1000 tables; --limit takes more\n"));
    let (code, _, err) = run(&["--svg"]);
    assert!(code == 2 && err.contains("more than 400 tables: too many for a picture"), "{err}");
    let (code, _, err) = run(&["--map", "--limit", "5000"]);
    assert!(code == 2 && err.contains("5000 entries were read"), "{err}");
    let (code, out, err) = run(&["--map", "--json"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "error: more than 1048576 ranges: too many for one object; without --json they are written as they are found\n"
    );
}

/// A device that never ends, and a file that is no block of anything.
#[cfg(target_os = "linux")]
#[test]
fn files_without_end() {
    let sparse = tempfile::NamedTempFile::new().unwrap();
    sparse.as_file().set_len((1 << 30) + 1).unwrap();
    for words in [&["decode", name(&sparse)][..], &["list", name(&sparse)], &["caps", name(&sparse)]] {
        let (code, _, err) = run(words);
        assert_eq!((code, err.contains("more than 1 GiB")), (2, true), "{words:?}: {err}");
    }
}

/// A chain with a capability at every eighth byte: each is compared with all others, which would take minutes.
#[test]
fn a_chain_that_takes_the_whole_buffer() {
    let chain = |count: u32| {
        let size = 24 + 8 * count;
        let mut bytes: Vec<u8> = [size, 0x82, 9, 3, 24, 0].iter().flat_map(|word: &u32| word.to_be_bytes()).collect();
        for index in 1..=count {
            let next = if index == count { 0 } else { 24 + 8 * index };
            bytes.extend([0, 99, 0, 1]);
            bytes.extend(next.to_be_bytes());
        }
        file(&bytes)
    };
    let (code, _, err) = run(&["caps", name(&chain(1 << 16))]);
    assert!(code == 1 && err.contains("after 1024 others"), "{err}");
    assert_eq!(run(&["caps", name(&chain(1024))]).0, 0);
    assert_eq!(run(&["caps", name(&chain(1025))]).0, 1);
}

/// A number has one prefix at most, and no sign.
#[test]
fn numbers_that_are_none() {
    for text in ["0x0x24804", "+24804", "0x+24804", "0x", "", "0x-1", " ", "_", "0x_"] {
        let (code, out, err) = run(&["decode", "--as", "iota", text]);
        assert_eq!((code, out.as_str(), err.contains("is no hexadecimal number")), (2, "", true), "{text:?}: {err}");
    }
    for text in ["0x24804", "24804", "0x2_4804", " 0x24804 "] {
        assert_eq!(run(&["decode", "--as", "iota", text]).0, 0, "{text:?}");
    }
    for text in ["cc+1 0x1", "cc4 0x1", "cc01 0x1", "cc 0x1"] {
        let (code, out, err) = run(&["decode", "--as", "status", text]);
        assert_eq!(
            (code, out.as_str(), err.contains("is no condition code with a register")),
            (2, "", true),
            "{text:?}"
        );
    }
    // Two characters for each byte, none of them a sign.
    let guest = |digits: &str| {
        let text = format!(
            "{{\"schema\": \"zpci-guest/1\", \"functions\": [{{\"vendor\": 1, \"device\": 1, \"fid\": 1, \"uid\": 1, \
             \"handle\": 1, \"utility_string\": \"{digits}\"}}]}}"
        );
        let block = file(&[0; 32]);
        run(&["answer", name(&file(text.as_bytes())), name(&block)]).2
    };
    let wrong = "a utility string is 64 bytes of EBCDIC, in hexadecimal";
    assert!(guest(&"+f".repeat(64)).contains(wrong));
    assert!(!guest(&"c1".repeat(64)).contains(wrong));
}

/// What no field of the function can hold is not known, and not a part of it.
#[test]
fn numbers_of_sysfs_that_are_too_large() {
    let sysfs = tempfile::tempdir().unwrap();
    let device = sysfs.path().join("bus/pci/devices/0001:00:00.0");
    std::fs::create_dir_all(&device).unwrap();
    let list = || run(&["list", "--sysfs", sysfs.path().to_str().unwrap(), "-o", "fid,uid,pchid,port"]).1;
    for (name, text) in [("function_id", "0x101"), ("uid", "0x1ffff0001"), ("pchid", "0x10100"), ("port", "-1")] {
        std::fs::write(device.join(name), text).unwrap();
    }
    assert_eq!(list().lines().nth(1), Some("0x00000101  -    -      -"));
    for (name, text) in [("uid", "0xffff0001"), ("pchid", "0x0100"), ("port", "15")] {
        std::fs::write(device.join(name), text).unwrap();
    }
    assert_eq!(list().lines().nth(1), Some("0x00000101  0xffff0001*  0x0100  15"));
}

#[test]
fn a_directory_is_no_input() {
    let directory = tempfile::tempdir().unwrap();
    let error = Input::read(directory.path().to_str().unwrap(), &Reading::default()).unwrap_err().to_string();
    assert!(error.contains("directory"), "{error}");
}

/// VFIO_IOMMU_GET_INFO with one array of that many gaps, each with 1 in a reserved field, as one line of text.
fn wrong_gaps(count: u32) -> String {
    let mut bytes = [24 + 16 + count * 24, 3, 0, 4096, 24, 0, 0xf392_0001, 0, count, 24].map(u32::to_be_bytes).concat();
    for gap in 0..u64::from(count) {
        bytes.extend([gap * 8192, gap * 8192 + 4095, 0x1_0000_0001].map(u64::to_be_bytes).concat());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is told of errors does not grow with their number times the length of the line; programs get all of them.
#[test]
fn errors_without_number() {
    for count in [150, 3000] {
        let file = file(wrong_gaps(count).as_bytes());
        let (code, out, err) = run(&["decode", name(&file)]);
        assert_eq!((code, err.matches("reserved field is 0x01").count()), (1, 100));
        assert!(err.ends_with(&format!("{} more of these; --json has all of them\n", count - 100)), "{err}");
        assert!(err.len() < 60_000, "{} bytes", err.len());
        // Every gap is marked, and the capability.
        assert_eq!(out.matches("!0x").count(), count as usize + 1);
        let (code, out, _) = run(&["decode", "--json", name(&file)]);
        assert_eq!((code, out.matches("reserved field is 0x01").count()), (1, count as usize));
    }
}

/// A mark is in the part of a long line that is shown.
#[test]
fn a_mark_in_a_long_line() {
    let file = file(wrong_gaps(10).as_bytes());
    let (_, _, err) = run(&["decode", name(&file)]);
    let lines: Vec<&str> = err.lines().collect();
    for lines in lines.chunks(3) {
        let [_, line, mark] = lines else { panic!("{lines:?}") };
        let at = mark.find("^^").unwrap();
        assert_eq!((&line[at - 6..at + 2], mark.matches('^').count()), ("00000001", 2), "{line}\n{mark}");
    }
}

#[test]
fn a_text_that_is_no_block() {
    let error = Input::parse("log", vec![b'0'; (16 << 20) + 1], &Reading::default()).unwrap_err();
    assert!(error.to_string().contains("a text of more than 16 MiB"), "{error}");
    // The same as bytes.
    let raw = Reading { raw: true, ..Reading::default() };
    assert_eq!(Input::parse("log", vec![b'0'; (16 << 20) + 1], &raw).unwrap().bytes.len(), (16 << 20) + 1);
}
