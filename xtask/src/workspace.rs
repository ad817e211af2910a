// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the sources and the build results are, and the `cargo` to use.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};
use serde::Deserialize;

/// The cargo workspace this program belongs to.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// Where `Cargo.toml` is.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// The members.
    pub(crate) packages: Vec<Package>,
    /// Whether packages of Debian are named instead of installed.
    #[serde(skip)]
    pub(crate) no_install: bool,
}

/// A member of the workspace.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub(crate) struct Package {
    /// What cargo calls it.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: PathBuf,
    /// Where it may be published; `None` is anywhere.
    pub(crate) publish: Option<Vec<String>>,
    /// What it is about, in the words of cargo's registry.
    pub(crate) categories: Vec<String>,
    /// What it directly depends on.
    pub(crate) dependencies: Vec<Dependency>,
    /// What is built of it.
    pub(crate) targets: Vec<Target>,
}

/// A library, a program, an example.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct Target {
    /// What cargo calls it.
    pub(crate) name: String,
    /// `lib`, `bin`, `example` and others.
    pub(crate) kind: Vec<String>,
}

/// A dependency as the manifest has it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct Dependency {
    /// Name of the package depended on.
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for what is linked.
    pub(crate) kind: Option<String>,
    /// Whether a feature has to ask for it.
    #[serde(default)]
    pub(crate) optional: bool,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let mut command = cargo();
        // `cargo run` says where the package is; without it, the current directory decides.
        if let Some(package) = std::env::var_os("CARGO_MANIFEST_DIR") {
            command.current_dir(package);
        }
        let output =
            command.args(["metadata", "--format-version=1", "--no-deps"]).output().context("cannot run cargo")?;
        ensure!(output.status.success(), "cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).context("cargo metadata printed something unexpected")
    }

    /// Whether the workspace has a package called `name`.
    pub(crate) fn has_package(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }

    /// The packages that are published, and their directories.
    pub(crate) fn published(&self) -> impl Iterator<Item = (&Package, &Path)> {
        let published = self.packages.iter().filter(|package| package.publish.is_none());
        published.filter_map(|package| Some((package, package.manifest_path.parent()?)))
    }

    /// The libraries among them that need no operating system.
    pub(crate) fn published_libraries(&self) -> impl Iterator<Item = &Package> {
        let is_ours = |package: &&Package| package.categories.iter().any(|category| category == "no-std");
        self.published().map(|(package, _)| package).filter(is_ours)
    }

    /// `cargo`, to be run at the root.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }

    /// A directory for our own files below the target directory, created if need be.
    pub(crate) fn directory(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let directory = self.target.join("xtask").join(name);
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }

    /// The same, with nothing in it.
    pub(crate) fn empty_directory(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let directory = self.directory(&name)?;
        fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))?;
        self.directory(name)
    }

    /// Waits until no other run of this program uses `directory`, for as long as what is returned lives.
    pub(crate) fn alone_in(directory: &Path) -> Result<File> {
        let path = directory.join("lock");
        let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                eprintln!("Waiting for another run that uses {} ...", directory.display());
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        }
        .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }
}

/// The text of the file at `path`.
///
/// # Errors
///
/// It cannot be read; the error names it.
pub(crate) fn read_text(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The files directly in `directory` whose names end in `.` and `extension`, in their order.
pub(crate) fn files_of_kind(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// All files in `directory` and the directories below it, in their order. A link is a file, wherever it leads.
pub(crate) fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { &mut directories } else { &mut found }.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The cargo that runs this program, else the one in the path.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_comes_second_waits() {
        let directory = tempfile::tempdir().unwrap();
        let first = Workspace::alone_in(directory.path()).unwrap();
        let (say, said) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _second = Workspace::alone_in(directory.path()).unwrap();
                say.send(()).unwrap();
            });
            assert!(said.recv_timeout(Duration::from_millis(50)).is_err());
            drop(first);
            said.recv().unwrap();
        });
    }
}
