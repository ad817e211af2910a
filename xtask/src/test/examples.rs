// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The examples of the packages: each is run, and prints what the file beside it says. One without such a file wants a machine
//! that has devices, and is built alone.

use anyhow::{bail, ensure, Result};

use crate::progress::Step;
use crate::workspace::{read_text, Workspace};

/// Runs every example and returns their number.
pub(crate) fn check(workspace: &Workspace, step: &Step) -> Result<usize> {
    let (mut examples, mut complaints) = (0, Vec::new());
    for (package, directory) in workspace.published() {
        for target in package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "example")) {
            step.at(&target.name);
            let path = directory.join("examples").join(format!("{}.stdout", target.name));
            let what = if path.is_file() { "run" } else { "build" };
            let mut command = workspace.cargo();
            command.args([what, "--quiet", "--package", &package.name, "--example", &target.name]);
            let printed = step.run(&mut command)?;
            if !path.is_file() {
                continue;
            }
            let expected = read_text(&path)?;
            if printed != expected {
                complaints.push(format!("{} of {} printed:\n{printed}", target.name, package.name));
            }
            examples += 1;
        }
    }
    ensure!(examples > 0, "no package has an example");
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    Ok(examples)
}
