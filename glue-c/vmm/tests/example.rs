// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The example in C, compiled with sanitizers, linked with the static library, and run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The static library beside this test, the newest if there are several.
fn library() -> PathBuf {
    let directory = env::current_exe().unwrap().parent().unwrap().to_owned();
    let libraries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("libzpci_vmm") && name.ends_with(".a")
    });
    libraries.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap()).expect("the static library")
}

/// What the guest of the example sees, from start to end.
const EXPECTED: &str = "\
CLP command 2: response 0x0010, bytes 32 to 80 are copied back
CLP command 5: response 0x0010, bytes 32 to 64 are copied back
MPCIFC: cc 0, effect 2, 0x100000000 to 0x1ffffffff
MPCIFC: cc 0, effect 8, word 0x30040085, vector 0x1e000, summary 0x1e040
RPCIT: cc 0, R1 0x8001000100000000, 8 pages mapped
RPCIT: cc 1, R1 0x8001000110000000, 8 pages mapped
RPCIT: cc 0, R1 0x8001000100000000, 10 pages mapped
RPCIT: cc 1, R1 0x8001000108000000, 10 pages mapped
event 0x9 of function 0x00000021
STPCIFC: state 0xf0, IOTA 0x4804
measurement: time 4, refreshes 3
";

fn run(name: &str, flags: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut compile = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compile.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g"]).args(flags);
    compile.arg("-I").arg(source.join("include")).arg(source.join("examples/vmm.c")).arg(library());
    compile.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program);
    let output = compile.output().expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), EXPECTED);
}

#[test]
fn with_sanitizers() {
    run("vmm-sanitized", &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
}

#[test]
fn plain() {
    run("vmm", &[]);
}
