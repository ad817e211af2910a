// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The package of what tells us in an hour what no emulator can: `zpci_report`, and the page.

#[cfg(test)]
mod log_test;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod report_test;
#[cfg(test)]
mod self_test_test;
#[cfg(test)]
mod use_test;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::program;
use crate::progress::Step;
use crate::workspace::{files_of_kind, Workspace};

/// The script, below the workspace.
const SCRIPT: &str = "glue-c/package/zpci_report";

/// What it is made of, below the workspace.
const PARTS: &str = "glue-c/package/zpci-report";

/// Makes the package in `out`.
pub(super) fn make(workspace: &Workspace, out: &Path) -> Result<()> {
    let root = workspace.empty_directory("linux/zpci-report")?;
    let version = env!("CARGO_PKG_VERSION");
    let control = format!(
        "Package: zpci-report\n\
         Version: {version}\n\
         Architecture: s390x\n\
         Section: admin\n\
         Priority: optional\n\
         Maintainer: zpci <zpci@localhost>\n\
         Description: what an s390x machine says of its PCI functions\n \
         The command zpci, which asks the machine by CLP and the kernel by VFIO.\n \
         A script that prints CLP's attributes, counters, debug views and log lines\n \
         with identifiers replaced, and tests a function that nobody uses.\n"
    );
    file(&root, "DEBIAN/control", control.as_bytes(), 0o644)?;
    install(&workspace.root, &root)?;
    let command = program::build(workspace, program::ZPCI)?;
    file(&root, "usr/bin/zpci", &fs::read(&command)?, 0o755)?;
    let page = fs::read(workspace.root.join(super::PAGE)).with_context(|| format!("cannot read {}", super::PAGE))?;
    file(&root, "usr/share/doc/zpci-report/README.md", &page, 0o644)?;
    let step = Step::start("Package zpci-report");
    let mut build = Command::new("dpkg-deb");
    build.args(["--build", "--root-owner-group"]).arg(&root).arg(out.join(format!("zpci-report_{version}_s390x.deb")));
    let result = step.run(&mut build);
    step.end("built", result).map(drop)
}

/// Puts the script of the workspace at `source`, and what it is made of, where they are in a system at `root`.
fn install(source: &Path, root: &Path) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    file(root, "usr/sbin/zpci_report", &read(&source.join(SCRIPT))?, 0o755)?;
    for path in files_of_kind(&source.join(PARTS), "sh")? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        file(root, &format!("usr/lib/zpci-report/{name}"), &read(&path)?, 0o644)?;
    }
    Ok(())
}

fn file(root: &Path, name: &str, content: &[u8], mode: u32) -> Result<()> {
    let path = root.join(name);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    }
    fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(Into::into)
}
