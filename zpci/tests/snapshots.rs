// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is printed, to the letter: in the book, and in `snapshots/`.
//!
//! `TRYCMD=overwrite cargo test -p zpci --test snapshots` writes what is printed now; the difference is for a person to
//! look at.

use std::path::Path;

#[test]
fn outputs() {
    // The book names files from the root of the repository on.
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    trycmd::TestCases::new()
        .register_bin("zpci", Path::new(env!("CARGO_BIN_EXE_zpci")))
        .case("docs/src/zpci.md")
        .case("docs/src/five-minutes.md")
        .case("zpci/tests/snapshots/*.md");
}
