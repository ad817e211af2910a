// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Programs with the standard library for Linux on s390x. They are static, so that they run on any.
//!
//! The standard library is that of the target where it is installed, and otherwise built by cargo from the source of
//! exactly this compiler's version, as the guest's `core` is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Result};

use crate::apt::Wanted;
use crate::core_library;
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// Linux on s390x.
const TARGET: &str = "s390x-unknown-linux-gnu";

/// What links the programs.
const LINKER: &str = "s390x-linux-gnu-gcc";

/// The linker, and the C library in it.
const TOOLS: [Tool; 2] = [
    Tool {
        program: LINKER,
        check: &["--version"],
        package: Wanted { name: "gcc-s390x-linux-gnu", minimum: "0", purpose: "links programs for s390x" },
    },
    Tool {
        program: LINKER,
        check: &["-E", "-x", "c", "-include", "stdio.h", "/dev/null"],
        package: Wanted { name: "libc6-dev-s390x-cross", minimum: "0", purpose: "the C library of programs for s390x" },
    },
];

/// A program of the workspace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Program {
    package: &'static str,
    /// `bin` or `example`.
    kind: &'static str,
    /// What it is called.
    pub(crate) name: &'static str,
}

/// The command.
pub(crate) const ZPCI: Program = Program { package: "zpci", kind: "bin", name: "zpci" };

/// A VMM's half of DMA, with a real function.
pub(crate) const PASSTHROUGH: Program = Program { package: "zpci-vfio", kind: "example", name: "passthrough" };

/// What to do with the program.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {}

/// Builds the command and prints its path in the last line.
pub(crate) fn run(workspace: &Workspace, _: &Options) -> Result<bool> {
    println!("{}", build(workspace, ZPCI)?.display());
    Ok(true)
}

/// Builds `program` and returns its path.
///
/// # Errors
///
/// There is no standard library, or the program does not build.
pub(crate) fn build(workspace: &Workspace, program: Program) -> Result<PathBuf> {
    tool::ensure_all(workspace, &TOOLS)?;
    let step = Step::start(format!("{} for Linux on s390x", program.name));
    let result = build_with(workspace, &step, program);
    step.end("built", result)
}

/// Builds the static library of `package`, for C, and returns its path.
///
/// # Errors
///
/// There is no standard library, or the library does not build.
pub(crate) fn build_library(workspace: &Workspace, package: &str) -> Result<PathBuf> {
    tool::ensure_all(workspace, &TOOLS)?;
    let step = Step::start(format!("{package} for Linux on s390x"));
    let name = format!("lib{}.a", package.replace('-', "_"));
    let result = cargo_build(workspace, &step, package, &["--lib"], &name);
    step.end("built", result)
}

fn build_with(workspace: &Workspace, step: &Step, program: Program) -> Result<PathBuf> {
    let name = if program.kind == "example" { format!("examples/{}", program.name) } else { program.name.to_owned() };
    cargo_build(workspace, step, program.package, &[&format!("--{}", program.kind), program.name], &name)
}

/// Builds what `what` says of `package`, and returns the path of the file `name` of it.
fn cargo_build(workspace: &Workspace, step: &Step, package: &str, what: &[&str], name: &str) -> Result<PathBuf> {
    let source = match core_library::has_target(TARGET)? {
        true => None,
        false => Some(core_library::source(workspace, step)?),
    };
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--package", package]).args(what);
    apply(source.as_deref(), &mut command);
    step.run(&mut command)?;
    let path = workspace.target.join(TARGET).join("release").join(name);
    ensure!(path.is_file(), "cargo built no {}", path.display());
    Ok(path)
}

/// Makes the cargo command `command` build for Linux on s390x, with a standard library made of `source` if there is
/// one.
fn apply(source: Option<&Path>, command: &mut Command) {
    command.args(["--target", TARGET]);
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command.env("CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_LINKER", LINKER);
    command.env("CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    // Small, and compiled soon; nothing here is measured.
    command.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    if let Some(source) = source {
        // As for `core`: an unstable feature of cargo, and its only way to take the source from elsewhere than the
        // sysroot.
        command.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
        command.env("__CARGO_TESTS_ONLY_SRC_ROOT", source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_is_built_where_there_is_none() {
        let arguments = |source: Option<&Path>| {
            let mut command = Command::new("cargo");
            apply(source, &mut command);
            let has_source = command.get_envs().any(|(name, _)| name == "__CARGO_TESTS_ONLY_SRC_ROOT");
            let is_static =
                command.get_envs().any(|(_, value)| value.is_some_and(|value| value == "-Ctarget-feature=+crt-static"));
            (command.get_args().count(), has_source, is_static)
        };
        assert_eq!(arguments(None), (2, false, true));
        assert_eq!(arguments(Some(Path::new("library"))), (3, true, true));
    }
}
