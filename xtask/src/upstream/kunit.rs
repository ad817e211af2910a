// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The kernel's own runner of its tests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::linux::rust_variables;
use crate::progress::Step;
use crate::tool;
use crate::workspace::Workspace;

/// The longest that a kernel with tests may run, in seconds.
const LIMIT: u32 = 300;

/// Builds a kernel of `tree` with the tests in its directory `tests`, and runs them under QEMU.
///
/// # Errors
///
/// A test fails; the error then has what was said.
pub(super) fn run(workspace: &Workspace, tree: &Path, tests: &str) -> Result<()> {
    tool::qemu_and_linker(workspace)?;
    let build = workspace.directory("linux/kunit")?;
    let variables = rust_variables(workspace)?;
    let step = Step::start(format!("kunit.py: {tests}"));
    let mut kunit = Command::new("python3");
    kunit.arg("tools/testing/kunit/kunit.py").args(["run", "--arch", "s390", "--cross_compile", "s390x-linux-gnu-"]);
    kunit.args(["--kunitconfig", tests, "--timeout", &LIMIT.to_string()]).arg("--build_dir").arg(&build);
    for variable in &variables {
        kunit.args(["--make_options", variable]);
    }
    let result = step.run(kunit.current_dir(tree).env_remove("MAKEFLAGS"));
    let said = step.end("passed", result).context("the tests of the series")?;
    // What counts the tests is the last but one of its lines.
    said.lines().filter(|line| line.contains("Testing complete")).for_each(|line| println!("{line}"));
    Ok(())
}
