// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The C compiler of the host.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::LazyLock;

use cc::Tool;

/// A file of this package.
pub(crate) fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

static COMPILER: LazyLock<Tool> = LazyLock::new(|| {
    let target = env!("ZPCI_GLUE_TARGET");
    let mut build = cc::Build::new();
    build.target(target).host(target).opt_level(0).cargo_metadata(false);
    build.include(file("include")).std("gnu11").get_compiler()
});

/// Checks `text`, with the header's directory and `options`; what the compiler says where it does not take it.
pub(crate) fn check(text: &str, options: &[String]) -> Result<(), String> {
    let output = run(text, options, "-fsyntax-only");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// What the preprocessor makes of `text`, without its comments.
pub(crate) fn preprocess(text: &str, options: &[String]) -> String {
    let output = run(text, &[options, &["-undef".to_owned(), "-P".to_owned()]].concat(), "-E");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn run(text: &str, options: &[String], mode: &str) -> Output {
    let mut command = COMPILER.to_command();
    command.args(options).args([mode, "-x", "c", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a C compiler");
    let mut input = child.stdin.take().expect("a pipe");
    let text = text.to_owned();
    // A compiler that stops early says so by its status.
    let writer = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
    let output = child.wait_with_output().expect("a C compiler");
    writer.join().expect("a writer");
    output
}

/// Like [`check`], for text that has to be taken.
pub(crate) fn accept(text: &str, options: &[String]) {
    if let Err(complaint) = check(text, options) {
        panic!("{complaint}");
    }
}
