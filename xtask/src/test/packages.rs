// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The packages as a user gets them: packed, and depended on by programs outside of the repository.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use crate::progress::Step;
use crate::workspace::{read_text, Workspace};

/// The program, a workspace of its own.
const PROGRAM: &str = "tests/outside";

/// What it prints when all that it tried was well.
const PRINTED: &str = "used\n";

/// The package with the examples of a VMM in Rust.
const VMM: &str = "zpci-vfio";

/// These examples, and whether each runs anywhere; the others want a function.
const EXAMPLES: [(&str, bool); 2] = [("vmm", true), ("passthrough", false)];

/// The package with a static library and an example in C.
const C_LIBRARY: &str = "zpci-vmm";

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
    let (mut patches, mut unpacked) = (Vec::new(), BTreeMap::new());
    for (package, _) in workspace.published() {
        let name = format!("{}-{}", package.name, package.version);
        let home = unpack(step, &packed.join(format!("{name}.crate")), &packed.join("unpacked"))?.join(&name);
        for needed in NEEDED {
            // A link would have been packed as a link.
            let metadata = fs::symlink_metadata(home.join(needed));
            ensure!(metadata.is_ok_and(|metadata| metadata.is_file()), "{name}.crate has no {needed}");
        }
        let path = home.to_str().context("the target directory has a name that is no text")?;
        patches.push(format!("patch.crates-io.{}.path=\"{path}\"", package.name));
        unpacked.insert(package.name.clone(), home);
    }
    let packages = patches.len();
    let outside = Outside { workspace, home: workspace.empty_directory("package/outside")?, patches };
    fs::create_dir_all(outside.home.join("src/bin"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        copy(&workspace.root.join(PROGRAM).join(file), &outside.home.join(file))?;
    }
    // The versions that the workspace has, so that nothing needs to be fetched.
    copy(&workspace.root.join("Cargo.lock"), &outside.home.join("Cargo.lock"))?;
    step.at("a program that depends on them");
    let printed = step.run(outside.cargo("run").args(["--bin", "outside"]))?;
    ensure!(printed == PRINTED, "{PROGRAM} printed:\n{printed}");
    let home = |name: &str| unpacked.get(name).with_context(|| format!("{name} is not published"));
    outside.run_examples(step, home(VMM)?)?;
    outside.run_c_example(step, home(C_LIBRARY)?)?;
    Ok(packages)
}

fn unpack(step: &Step, archive: &Path, directory: &Path) -> Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let mut tar = Command::new("tar");
    // With the time of now: cargo gives all files of a package one time, by which it would take what it built before for new.
    step.run(tar.args(["--extract", "--touch", "--gzip", "--file"]).arg(archive).arg("--directory").arg(directory))?;
    Ok(directory.to_owned())
}

/// The program and what else is built with it, outside of the sources: a copy, so that what cargo writes is not in them.
struct Outside<'w> {
    workspace: &'w Workspace,
    home: PathBuf,
    /// Where each package is.
    patches: Vec<String>,
}

impl Outside<'_> {
    /// Builds the examples of [`VMM`] as programs of the outsider, and runs what runs anywhere.
    fn run_examples(&self, step: &Step, package: &Path) -> Result<()> {
        for (name, runs) in EXAMPLES {
            let from = package.join("examples");
            step.at(name);
            copy(&from.join(format!("{name}.rs")), &self.home.join("src/bin").join(format!("{name}.rs")))?;
            let verb = if runs { "run" } else { "build" };
            let printed = step.run(self.cargo(verb).args(["--bin", name]))?;
            if runs {
                let expected = read_text(from.join(format!("{name}.stdout")))?;
                ensure!(printed == expected, "{name}.rs, built outside, printed:\n{printed}");
            }
        }
        Ok(())
    }

    /// Builds the static library of the package for C, links its example, and runs that.
    fn run_c_example(&self, step: &Step, package: &Path) -> Result<()> {
        step.at("vmm.c");
        step.run(self.cargo("build").args(["--package", C_LIBRARY]))?;
        let (library, program) = (self.workspace.target.join("debug/libzpci_vmm.a"), self.home.join("vmm"));
        let mut compile = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
        compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"]).arg(package.join("include"));
        compile.arg(package.join("examples/vmm.c")).arg(library).args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program);
        step.run(&mut compile)?;
        let printed = step.run(&mut Command::new(program))?;
        ensure!(
            printed == read_text(package.join("examples/vmm.stdout"))?,
            "vmm.c, built outside, printed:\n{printed}"
        );
        Ok(())
    }

    fn cargo(&self, verb: &str) -> Command {
        let mut command = self.workspace.cargo();
        command.current_dir(&self.home).args([verb, "--quiet", "--target-dir"]).arg(&self.workspace.target);
        for patch in &self.patches {
            command.args(["--config", patch]);
        }
        command
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
