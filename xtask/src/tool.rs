// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Programs of the system that we need, how to tell that they work, and the packages that bring them.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, Stdio};

use anyhow::{bail, ensure, Context, Result};

use crate::apt::{self, Wanted};
use crate::workspace::Workspace;

/// A program and the package it is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tool {
    /// What to run.
    pub(crate) program: &'static str,
    /// Makes it say something about itself and end well.
    pub(crate) check: &'static [&'static str],
    /// What Debian calls the package, and from which version on it will do.
    pub(crate) package: Wanted,
}

/// The linker for s390x.
pub(crate) const LINKER: Tool = Tool {
    program: "s390x-linux-gnu-ld",
    check: &["--version"],
    package: Wanted { name: "binutils-s390x-linux-gnu", minimum: "0", purpose: "links and disassembles for s390x" },
};

/// Lists the symbols of s390x objects; in the same package as the linker.
pub(crate) const ASSEMBLER: Tool = Tool { program: "s390x-linux-gnu-as", ..LINKER };

/// See there.
pub(crate) const NM: Tool = Tool { program: "s390x-linux-gnu-nm", ..LINKER };

/// Disassembles s390x objects; in the same package as the linker.
pub(crate) const OBJDUMP: Tool = Tool { program: "s390x-linux-gnu-objdump", ..LINKER };

/// Counts instructions of programs of this machine.
pub(crate) const VALGRIND: Tool = Tool {
    program: "valgrind",
    check: &["--version"],
    package: Wanted { name: "valgrind", minimum: "0", purpose: "counts instructions" },
};

/// The emulated machine.
///
/// Measured: 10.0.2 and 10.0.13 have all that is needed; 7.2.22, the one in Debian 12 itself, has no NVMe controller for s390x.
pub(crate) const QEMU: Tool = Tool {
    program: "qemu-system-s390x",
    check: &["-device", "help"],
    package: Wanted { name: "qemu-system-s390x", minimum: "1:10", purpose: "emulates the machine" },
};

/// In what QEMU says of its devices, if it has an NVMe controller.
const NVME: &str = "name \"nvme\"";

/// In what QEMU says of its devices, if its machine has PCI of our kind.
const ZPCI: &str = "name \"zpci\"";

impl Tool {
    /// Whether the program runs, and is what we need.
    fn works(&self) -> bool {
        let is_qemu = self.program == QEMU.program;
        says(self.program.as_ref(), self.check).is_ok_and(|said| !is_qemu || said.contains(NVME))
    }
}

/// What `program` says on its standard output, an error if it does not end well.
fn says(program: &OsStr, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(io::Error::other(format!("it fails ({})", output.status))),
    }
}

/// Installs the packages of those tools that do not work here.
///
/// # Errors
///
/// See [`apt::install`]; or a tool does not work although its package is installed.
pub(crate) fn ensure_all(workspace: &Workspace, tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !tool.works()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<Wanted> = missing.iter().map(|tool| tool.package).collect();
    packages.dedup();
    // Installing once more would change nothing.
    packages.retain(|package| !apt::is_installed(package));
    if !packages.is_empty() {
        apt::install(workspace, &packages)?;
    }
    match missing.iter().find(|tool| !tool.works()) {
        Some(tool) => bail!(
            "`{}` fails although {} is installed; is another one first in PATH?",
            [&[tool.program], tool.check].concat().join(" "),
            tool.package.name
        ),
        None => Ok(()),
    }
}

/// Installs what is missing to link and to boot a guest, and returns the QEMU to run.
///
/// That is the program which the environment variable `QEMU` names, else Debian's.
pub(crate) fn qemu_and_linker(workspace: &Workspace) -> Result<OsString> {
    let Some(program) = std::env::var_os("QEMU") else {
        ensure_all(workspace, &[QEMU, LINKER])?;
        return Ok(QEMU.program.into());
    };
    let said = says(&program, QEMU.check);
    let said = said.with_context(|| format!("QEMU={} cannot be run", program.to_string_lossy()))?;
    ensure!(
        said.contains(ZPCI),
        "QEMU={} does not know the device zpci; is it one for s390x?",
        program.to_string_lossy()
    );
    ensure_all(workspace, &[LINKER])?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_exist_does_not_work() {
        let absent = Tool { program: "no-such-program-of-this-name", ..LINKER };
        assert!(!absent.works());
    }

    #[test]
    fn a_program_that_fails_does_not_work() {
        let shell = Tool { program: "sh", check: &["-c", "exit 1"], ..LINKER };
        assert!(!shell.works());
        assert!(Tool { check: &["-c", "exit 0"], ..shell }.works());
    }
}
