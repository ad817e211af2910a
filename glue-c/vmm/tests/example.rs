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
const EXPECTED: &str = include_str!("../examples/vmm.stdout");

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
