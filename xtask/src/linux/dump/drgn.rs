// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The debugger drgn with our helper, in an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::reader::Ran;
use crate::apt::Wanted;
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// The version that the helper was tried with.
const VERSION: &str = "drgn==0.3.0";

/// The helper, below the workspace.
const HELPER: &str = "zpci/contrib/zpci.py";

/// What makes the environment.
const TOOLS: [Tool; 1] = [Tool {
    program: "python3",
    check: &["-c", "import ensurepip, venv"],
    package: Wanted { name: "python3-venv", minimum: "0", purpose: "makes an environment for the debugger drgn" },
}];

/// The debugger.
#[derive(Debug)]
pub(super) struct Drgn {
    program: PathBuf,
    helper: PathBuf,
}

impl Drgn {
    /// Installs it from the Python package index unless that was done before.
    ///
    /// # Errors
    ///
    /// There is no Python, or the index cannot be reached.
    pub(super) fn obtain(workspace: &Workspace) -> Result<Self> {
        let environment = workspace.directory("drgn")?;
        let drgn = Self { program: environment.join("bin/drgn"), helper: workspace.root.join(HELPER) };
        if drgn.is_right() {
            return Ok(drgn);
        }
        tool::ensure_all(workspace, &TOOLS)?;
        let step = Step::start("drgn");
        let result =
            step.run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment)).and_then(|_| {
                let mut install = Command::new(environment.join("bin/python3"));
                step.run(install.args(["-m", "pip", "install", "--disable-pip-version-check", VERSION]))
            });
        step.end("installed", result).with_context(|| {
            format!(
                "drgn cannot be installed; by hand: python3 -m venv {0} && {0}/bin/pip install {VERSION}",
                environment.display()
            )
        })?;
        Ok(drgn)
    }

    /// Whether it is there, in the version that is wanted.
    fn is_right(&self) -> bool {
        let said = Command::new(&self.program).arg("--version").output();
        let version = VERSION.trim_start_matches("drgn==");
        said.is_ok_and(|said| said.status.success() && String::from_utf8_lossy(&said.stdout).contains(version))
    }

    /// The dump `core` of the kernel `executable`, with what QEMU leaves out of it.
    ///
    /// # Errors
    ///
    /// There is no VMCOREINFO in the storage.
    pub(super) fn open<'d>(&'d self, core: &'d Path, executable: &'d Path) -> Result<Session<'d>> {
        let mut command = Command::new("python3");
        command.arg(&self.helper).arg("vmcoreinfo").arg(core);
        let information = core.with_extension("vmcoreinfo");
        let text = Ran::of(&command)?.output;
        fs::write(&information, text).with_context(|| format!("cannot write {}", information.display()))?;
        Ok(Session { drgn: self, core, executable, information })
    }
}

/// A dump that is looked at.
#[derive(Debug)]
pub(super) struct Session<'d> {
    drgn: &'d Drgn,
    core: &'d Path,
    executable: &'d Path,
    information: PathBuf,
}

impl Session<'_> {
    /// Runs the helper with `arguments`.
    ///
    /// # Errors
    ///
    /// The debugger does not read the dump, or warns of something.
    pub(super) fn run<A: AsRef<str>>(&self, arguments: &[A]) -> Result<Ran> {
        let mut command = Command::new(&self.drgn.program);
        command.args(["-q", "-c"]).arg(self.core).arg("--vmcoreinfo").arg(&self.information);
        command.arg("-s").arg(self.executable).arg(&self.drgn.helper);
        command.args(arguments.iter().map(AsRef::as_ref));
        Ran::of(&command)
    }
}
