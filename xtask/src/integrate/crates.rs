// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The sources of the crates that a kernel with `CONFIG_RUST` compiles itself.
//!
//! zerocopy is in the kernel's tree already. heapless is needed for the guest's side alone, which is left out by its feature.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};
use serde::Deserialize;

use super::plan::directory;
use crate::workspace::Workspace;

/// The crates of the workspace: where each is, and what rustc calls it.
const OURS: [(&str, &str); 3] = [("clp", "clp"), ("s390-iommu", "s390_iommu"), ("glue-c", "zpci_glue")];

/// The crates of others, and what rustc calls them.
const OTHERS: [(&str, &str); 2] = [("bitfield-struct", "bitfield_struct"), ("static_assertions", "static_assertions")];

/// The files: where each is, and where in a kernel tree it goes.
///
/// # Errors
///
/// cargo cannot find a crate of others.
pub(super) fn files(workspace: &Workspace) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut files = Vec::new();
    for (place, name) in OURS {
        below(&workspace.root.join(place).join("src"), &directory().join(name).join("src"), &mut files)?;
    }
    let packages = Packages::all(workspace)?;
    for (package, name) in OTHERS {
        let (from, to) = (packages.directory(package)?, directory().join(name));
        below(&from.join("src"), &to.join("src"), &mut files)?;
        // Its terms, and what its documentation includes.
        for entry in entries(&from)? {
            let Some(name) = entry.file_name().and_then(|name| name.to_str()) else { continue };
            if entry.is_file() && (name.starts_with("LICENSE") || name == "README.md") {
                files.push((entry.clone(), to.join(name)));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Where the crates of others go in a kernel tree.
pub(super) fn others() -> impl Iterator<Item = PathBuf> {
    OTHERS.into_iter().map(|(_, name)| directory().join(name))
}

/// Every file below `from`, to go to the same place below `to`.
fn below(from: &Path, to: &Path, files: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    for entry in entries(from)? {
        let Some(name) = entry.file_name() else { continue };
        if entry.is_dir() {
            below(&entry, &to.join(name), files)?;
        } else {
            files.push((entry.clone(), to.join(name)));
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// What cargo knows of all packages.
#[derive(Debug, Deserialize)]
struct Packages {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

impl Packages {
    fn all(workspace: &Workspace) -> Result<Self> {
        let mut command: Command = workspace.cargo();
        let output = command.args(["metadata", "--format-version=1"]).output().context("cannot run cargo")?;
        ensure!(output.status.success(), "cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).context("cargo metadata printed something unexpected")
    }

    fn directory(&self, name: &str) -> Result<PathBuf> {
        let package = self.packages.iter().find(|package| package.name == name);
        let directory = package.and_then(|package| package.manifest_path.parent());
        Ok(directory.with_context(|| format!("cargo knows no package {name}"))?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_comes_with_its_root_and_its_terms() {
        let files = files(&Workspace::find().unwrap()).unwrap();
        let has =
            |name: &str| files.iter().any(|(source, target)| source.is_file() && *target == directory().join(name));
        for root in OURS.into_iter().chain(OTHERS).map(|(_, name)| directory().join(name)) {
            assert!(files.iter().any(|(_, target)| *target == root.join("src/lib.rs")), "{}", root.display());
        }
        for name in ["bitfield_struct/LICENSE", "bitfield_struct/README.md", "static_assertions/LICENSE-MIT"] {
            assert!(has(name), "{name}");
        }
        let mut targets: Vec<_> = files.iter().map(|(_, target)| target).collect();
        targets.dedup();
        assert_eq!(targets.len(), files.len());
    }
}
