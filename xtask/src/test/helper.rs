// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The helper for drgn, beside what `zpci walk` makes of the same tables.

use std::process::Command;

use anyhow::{Context, Result};

use crate::apt::Wanted;
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// What the helper is written in; drgn is not needed.
const TOOLS: [Tool; 1] = [Tool {
    program: "python3",
    check: &["--version"],
    package: Wanted { name: "python3", minimum: "0", purpose: "compares the helper for drgn with zpci" },
}];

/// The comparison, below the workspace; a dump, and the anchor of the tables in it.
const COMPARISON: [&str; 3] = ["tests/drgn/compare.py", "zpci/tests/dumps/guest.elf", "0x24804"];

/// Compares the two; returns what was compared, in a sentence.
///
/// # Errors
///
/// Where they differ.
pub(crate) fn check(workspace: &Workspace) -> Result<String> {
    tool::ensure_all(workspace, &TOOLS)?;
    let step = Step::start("Comparing the helper for drgn with zpci");
    let result = compare(workspace, &step);
    step.end("compared", result)
}

fn compare(workspace: &Workspace, step: &Step) -> Result<String> {
    step.run(workspace.cargo().args(["build", "--package", "zpci", "--bin", "zpci"]))?;
    let [script, dump, anchor] = COMPARISON;
    let mut python = Command::new("python3");
    python.current_dir(&workspace.root).arg(script).arg(workspace.target.join("debug").join("zpci"));
    let said = step.run(python.args([dump, anchor]))?;
    said.lines().next().map(str::to_owned).context("the comparison says nothing")
}
