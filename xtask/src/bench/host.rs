// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Times the tables on this machine: ours, those of the kernel's own driver, those of other crates, in one process.
//!
//! The program that measures is a package of its own, so that what it compares with is no dependency of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::linux::{Series, Source};
use crate::progress::{command_line, Step};
use crate::tool;
use crate::workspace::Workspace;

/// The package that measures, below the workspace.
const PACKAGE: &str = "tests/bench";

/// The program it builds.
const PROGRAM: &str = "zpci-bench";

/// What tells its build where the kernel tree is.
const TREE: &str = "ZPCI_BENCH_LINUX";

/// What to measure and where to put it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Samples of each workload
    #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only workloads whose name contains this
    #[arg(long, value_name = "NAME", default_value = "")]
    workload: String,
    /// Take the stock code from this kernel tree, and not from Debian's package of Linux 7.2
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Show minimum and spread of times as well; `--json` has them in any case
    #[arg(long)]
    all: bool,
    /// Do not count instructions, which needs valgrind
    #[arg(long)]
    no_instructions: bool,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw pictures (SVG) into this directory
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

/// Builds the program, runs it, and returns whether it came to an end with all tables the same.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<bool> {
    let source = match &arguments.source {
        Some(tree) => Source::given(tree)?,
        None => Source::packaged(workspace, Series::V7_2)?,
    };
    let valgrind = if arguments.no_instructions { None } else { valgrind(workspace) };
    let step = Step::start("Building what measures");
    let program = match build(workspace, &source, &step) {
        Ok(program) => program,
        Err(error) => {
            step.failed();
            return Err(error);
        }
    };
    step.done(&program.display().to_string());

    let mut command = Command::new(&program);
    command.arg("measure");
    command.arg("--rounds").arg(arguments.rounds.to_string());
    command.arg("--stock").arg(format!("Linux {}", source.version));
    let files = [("--valgrind", valgrind.as_deref()), ("--json", arguments.json.as_deref())];
    for (option, value) in files.into_iter().chain([("--plots", arguments.plots.as_deref())]) {
        if let Some(value) = value {
            command.arg(option).arg(value);
        }
    }
    command.arg("--workload").arg(&arguments.workload);
    if arguments.all {
        command.arg("--all");
    }
    // It shows its own progress.
    let status = command.status().with_context(|| format!("cannot run `{}`", command_line(&command)))?;
    Ok(status.success())
}

fn build(workspace: &Workspace, source: &Source, step: &Step) -> Result<PathBuf> {
    let target = workspace.directory("bench")?;
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--locked", "--manifest-path"]);
    command.arg(workspace.root.join(PACKAGE).join("Cargo.toml"));
    command.arg("--target-dir").arg(&target).env(TREE, &source.tree);
    step.run(&mut command)?;
    Ok(target.join("release").join(PROGRAM))
}

/// The program that counts instructions, installed if it is not there; a word of why not, if it cannot be had.
fn valgrind(workspace: &Workspace) -> Option<PathBuf> {
    match tool::ensure_all(workspace, &[tool::VALGRIND]) {
        Ok(()) => Some(Path::new(tool::VALGRIND.program).to_owned()),
        Err(error) => {
            eprintln!("Instructions are not counted, since valgrind cannot be had: {error:#}");
            None
        }
    }
}
