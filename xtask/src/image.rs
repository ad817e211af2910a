// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Building the bare-metal image.

use std::path::PathBuf;

use anyhow::{ensure, Result};

use crate::core_library::{CoreLibrary, TARGET};
use crate::progress::Step;
use crate::workspace::Workspace;

/// The package of the image.
pub(crate) const PACKAGE: &str = "qemu-s390x";

/// The program of the package that exercises every function.
pub(crate) const EXERCISE: &str = "qemu-s390x";

/// The program of the package that counts the instructions of the library.
pub(crate) const BENCHMARK: &str = "qemu-s390x-benchmark";

/// The program of the package that issues random instructions, and compares.
pub(crate) const RANDOM: &str = "qemu-s390x-random";

/// The program of the package that refreshes ranges of one size.
pub(crate) const REFRESH: &str = "qemu-s390x-refresh";

/// Builds an image with this program and returns its ELF file; the linker must be there.
pub(crate) fn build(workspace: &Workspace, core: &CoreLibrary, program: &str) -> Result<PathBuf> {
    build_with(workspace, core, program, &[])
}

/// The same, with variables that the program reads when it is compiled.
pub(crate) fn build_with(
    workspace: &Workspace,
    core: &CoreLibrary,
    program: &str,
    variables: &[(&str, String)],
) -> Result<PathBuf> {
    let step = Step::start("Building the image");
    let mut command = workspace.cargo();
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command.args(["build", "--release", "--package", PACKAGE, "--bin", program]);
    core.apply(&mut command);
    let image = workspace.target.join(TARGET).join("release").join(program);
    match step.run(&mut command) {
        Ok(_) => {
            ensure!(image.is_file(), "cargo built no {}", image.display());
            step.done(&image.display().to_string());
            Ok(image)
        }
        Err(error) => {
            step.failed();
            Err(error)
        }
    }
}
