// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A second transcription of the blocks, in Kaitai Struct, beside what `zpci` makes of them.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt::Wanted;
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// Compile the descriptions and run the comparison.
const TOOLS: [Tool; 2] = [
    Tool {
        program: "node",
        check: &["--version"],
        package: Wanted {
            name: "nodejs",
            minimum: "0",
            purpose: "compares our tables with descriptions in Kaitai Struct",
        },
    },
    Tool {
        program: "npm",
        check: &["--version"],
        package: Wanted { name: "npm", minimum: "0", purpose: "fetches the compiler of these descriptions" },
    },
];

/// The descriptions and the comparison.
const DIRECTORY: &str = "tests/kaitai";

/// Where recorded blocks are.
const FIXTURES: [&str; 3] = ["clp/tests/fixtures", "tests/fixtures", "s390-iommu/tests/fixtures"];

/// Compares every field of every recorded block; returns what was compared, in a sentence.
///
/// # Errors
///
/// The fields that differ.
pub(crate) fn check(workspace: &Workspace) -> Result<String> {
    tool::ensure_all(workspace, &TOOLS)?;
    let step = Step::start("Comparing with descriptions in Kaitai Struct");
    let result = compare(workspace, &step);
    step.end("compared", result)
}

fn compare(workspace: &Workspace, step: &Step) -> Result<String> {
    let directory = workspace.directory("kaitai")?;
    let wanted = fs::read_to_string(workspace.root.join(DIRECTORY).join("package.json"))?;
    let installed = directory.join("package.json");
    if fs::read_to_string(&installed).ok().as_deref() != Some(&wanted) {
        step.at("installing the compiler from npm's registry");
        let place = directory.join("new");
        fs::create_dir_all(&place)?;
        fs::write(place.join("package.json"), &wanted)?;
        let mut npm = Command::new("npm");
        step.run(npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&place))?;
        let modules = directory.join("node_modules");
        if modules.exists() {
            fs::remove_dir_all(&modules)?;
        }
        fs::rename(place.join("node_modules"), modules)?;
        // Last, so that what is not whole is made again.
        fs::write(installed, wanted)?;
    }
    step.run(workspace.cargo().args(["build", "--package", "zpci", "--bin", "zpci"]))?;
    let mut node = Command::new("node");
    node.current_dir(&workspace.root).env("NODE_PATH", directory.join("node_modules"));
    node.arg(format!("{DIRECTORY}/compare.js")).arg(workspace.target.join("debug").join("zpci")).args(FIXTURES);
    let said = step.run(&mut node)?;
    said.lines().next().map(str::to_owned).context("the comparison says nothing")
}
