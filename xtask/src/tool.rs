// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Programs of the system that we need, how to tell that they work, and the packages that bring them.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::apt::{self, Wanted};
use crate::workspace::Workspace;

/// A program and the package it is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tool {
    /// What to run.
    pub(crate) program: &'static str,
    /// Makes it say its version and end.
    check: &'static [&'static str],
    /// What Debian calls the package, and from which version on it will do.
    package: Wanted,
}

/// The linker for s390x.
pub(crate) const LINKER: Tool = Tool {
    program: "s390x-linux-gnu-ld",
    check: &["--version"],
    package: Wanted { name: "binutils-s390x-linux-gnu", minimum: "0" },
};

/// Lists the symbols of s390x objects; in the same package as the linker.
pub(crate) const NM: Tool = Tool { program: "s390x-linux-gnu-nm", ..LINKER };

/// Disassembles s390x objects; in the same package as the linker.
pub(crate) const OBJDUMP: Tool = Tool { program: "s390x-linux-gnu-objdump", ..LINKER };

/// The major version of QEMU that is known to do: the older ones in Debian answer QUERY PCI FNGRP wrongly.
const QEMU_MAJOR: u32 = 8;

/// The emulated machine.
pub(crate) const QEMU: Tool = Tool {
    program: "qemu-system-s390x",
    check: &["--version"],
    package: Wanted { name: "qemu-system-s390x", minimum: "1:8" },
};

impl Tool {
    /// Whether the program runs, and is recent enough.
    fn works(&self) -> bool {
        let output = Command::new(self.program).args(self.check).output();
        let Ok(output) = output else { return false };
        let first = String::from_utf8_lossy(&output.stdout);
        output.status.success()
            && (self.program != QEMU.program || qemu_major(&first).is_some_and(|major| major >= QEMU_MAJOR))
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
    apt::install(workspace, &packages)?;
    match missing.iter().find(|tool| !tool.works()) {
        Some(tool) => bail!(
            "{} still does not run although {} is installed; is another one first in PATH?",
            tool.program,
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
    let output = Command::new(&program).arg("--version").output();
    let output = output.with_context(|| format!("QEMU={} cannot be run", program.to_string_lossy()))?;
    let is_qemu = qemu_major(&String::from_utf8_lossy(&output.stdout)).is_some();
    ensure!(is_qemu, "QEMU={} does not say that it is QEMU", program.to_string_lossy());
    ensure_all(workspace, &[LINKER])?;
    Ok(program)
}

/// Reads the major number out of `QEMU emulator version 10.0.2 (...)`.
fn qemu_major(text: &str) -> Option<u32> {
    text.strip_prefix("QEMU emulator version ")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_qemu_is_read() {
        assert_eq!(qemu_major("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright"), Some(10));
        assert_eq!(qemu_major("GNU ld 2.40"), None);
    }

    #[test]
    fn a_program_that_does_not_exist_does_not_work() {
        let absent = Tool { program: "no-such-program-of-this-name", ..LINKER };
        assert!(!absent.works());
    }
}
