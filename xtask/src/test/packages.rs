// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The packages as a user gets them: packed, and depended on by a program outside of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use crate::progress::Step;
use crate::workspace::Workspace;

/// The program, a workspace of its own.
const PROGRAM: &str = "tests/outside";

/// What it prints when all that it tried was well.
const PRINTED: &str = "used\n";

/// What every package has beside its sources.
const NEEDED: [&str; 4] = ["README.md", "LICENSES/MIT.txt", "LICENSES/Apache-2.0.txt", "LICENSES/GPL-2.0-only.txt"];

/// Packs what is published, unpacks it, and runs the program with it; returns the number of packages.
pub(crate) fn check(workspace: &Workspace, step: &Step) -> Result<usize> {
    let directory = workspace.directory("package")?;
    let packed = directory.join("package");
    if packed.exists() {
        fs::remove_dir_all(&packed)?;
    }
    let mut command = workspace.cargo();
    command.args(["package", "--no-verify", "--allow-dirty", "--target-dir"]).arg(&directory);
    for (package, _) in workspace.published() {
        command.args(["--package", &package.name]);
    }
    step.run(&mut command)?;
    let mut patches = Vec::new();
    for (package, _) in workspace.published() {
        let name = format!("{}-{}", package.name, package.version);
        let unpacked = unpack(step, &packed.join(format!("{name}.crate")), &packed.join("unpacked"))?.join(&name);
        for needed in NEEDED {
            // A link would have been packed as a link.
            let metadata = fs::symlink_metadata(unpacked.join(needed));
            ensure!(metadata.is_ok_and(|metadata| metadata.is_file()), "{name}.crate has no {needed}");
        }
        let path = unpacked.to_str().context("the target directory has a name that is no text")?;
        patches.push(format!("patch.crates-io.{}.path=\"{path}\"", package.name));
    }
    let printed = run_program(workspace, step, &directory, &patches)?;
    ensure!(printed == PRINTED, "{PROGRAM} printed:\n{printed}");
    Ok(patches.len())
}

fn unpack(step: &Step, archive: &Path, directory: &Path) -> Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let mut tar = Command::new("tar");
    // With the time of now: cargo gives all files of a package one time, by which it would take what it built before for new.
    step.run(tar.args(["--extract", "--touch", "--gzip", "--file"]).arg(archive).arg("--directory").arg(directory))?;
    Ok(directory.to_owned())
}

/// Builds and runs a copy of the program, so that what cargo writes beside it is not in the sources.
fn run_program(workspace: &Workspace, step: &Step, directory: &Path, patches: &[String]) -> Result<String> {
    let copy = directory.join("outside");
    fs::create_dir_all(copy.join("src"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        let from = workspace.root.join(PROGRAM).join(file);
        fs::copy(&from, copy.join(file)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    // The versions that the workspace has, so that nothing needs to be fetched.
    fs::copy(workspace.root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    let mut command = workspace.cargo();
    command.current_dir(&copy).args(["run", "--quiet", "--target-dir"]).arg(&workspace.target);
    for patch in patches {
        command.args(["--config", patch]);
    }
    step.at("a program that depends on them");
    step.run(&mut command)
}
