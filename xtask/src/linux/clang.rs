// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A C compiler that knows the newest machine, z17, which no gcc of Debian 12 or 13 does.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::apt;
use crate::progress::Step;
use crate::workspace::Workspace;

/// The first release that knows z17 by this name.
const PACKAGE: &str = "clang-21";

/// Starts it with the libraries of the release that it was made for. It takes what it is called for its place, where it
/// starts itself for each step of more than one, and is told where its own headers are; the steps are told by it.
const START: &str = "\
#!/bin/sh
root=${0%/*}
for llvm in \"$root\"/usr/lib/llvm-*; do
\tfor loader in \"$root\"/usr/lib/*/ld-linux*.so.*; do
\t\tfor headers in \"$llvm\"/lib/clang/*; do
\t\t\tcase $1 in
\t\t\t-cc1*) ;;
\t\t\t*) set -- -no-canonical-prefixes -resource-dir \"$headers\" \"$@\" ;;
\t\t\tesac
\t\t\texec \"$loader\" --argv0 \"$0\" --library-path \"${loader%/*}:$llvm/lib\" \"$llvm/bin/clang\" \"$@\"
\t\tdone
\tdone
done
";

/// Finds what a former run unpacked, or fetches it; returns a program that starts it.
///
/// # Errors
///
/// No suite of Debian has it.
pub(super) fn obtain(workspace: &Workspace) -> Result<PathBuf> {
    let step = Step::start("A C compiler for z17");
    let result = find_or_fetch(workspace, &step);
    match &result {
        Ok(program) => step.done(&program.display().to_string()),
        Err(_) => step.failed(),
    }
    result
}

fn find_or_fetch(workspace: &Workspace, step: &Step) -> Result<PathBuf> {
    let directory = workspace.directory(Path::new(PACKAGE))?;
    let program = directory.join("clang");
    if !program.is_file() {
        let debs = apt::download_set(workspace, step, PACKAGE, "0", &[], &[PACKAGE])?;
        apt::unpack_program(step, &debs, &directory, "clang", START)?;
    }
    Ok(program)
}
