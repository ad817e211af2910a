// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The command, run with files that have no name.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

/// A file that is gone with this value.
#[derive(Debug)]
pub struct Unnamed {
    file: File,
}

impl Unnamed {
    /// A file with `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        let mut file = tempfile::tempfile().expect("a directory for temporary files");
        file.write_all(bytes).expect("room for a temporary file");
        Self { file }
    }

    /// By what it can be opened as long as it is there.
    pub fn name(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }
}

/// Runs `zpci` with `arguments`: exit code, output, and what is wrong.
pub fn run(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = zpci::run(["zpci"].iter().chain(arguments).map(OsString::from), &mut out, &mut err);
    assert!(code <= zpci::UNREADABLE, "{arguments:?}: exit status {code}");
    let text = |bytes| String::from_utf8(bytes).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    let (out, err) = (text(out), text(err));
    assert!(code != zpci::UNREADABLE || !err.is_empty(), "{arguments:?}: unreadable, and nobody says why");
    (code, out, err)
}
