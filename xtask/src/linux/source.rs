// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the kernel's source comes from: a tree of the user's, or Debian's package of a series.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use super::series::Series;
use crate::apt::{self, Suites};
use crate::progress::Step;
use crate::workspace::{read_text, Workspace};

/// A kernel tree, which is only read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Source {
    /// The tree.
    pub(crate) tree: PathBuf,
    /// What `make kernelversion` says of it.
    pub(crate) version: String,
    /// The series this version belongs to.
    pub(crate) series: Series,
    /// What a build of it is called, usable as the name of a directory.
    pub(crate) name: String,
    /// Whether it never changes, so that what was built once need not be looked at again.
    pub(crate) fixed: bool,
}

impl Source {
    /// Takes the tree of the user's at `tree`.
    ///
    /// # Errors
    ///
    /// It is no kernel tree, or of a series that is not supported.
    pub(crate) fn given(tree: &Path) -> Result<Self> {
        let tree = tree.canonicalize().with_context(|| format!("there is no kernel tree at {}", tree.display()))?;
        let name = name_of(&tree);
        Self::new(tree, name, false)
    }

    /// Fetches the newest source package of `series` unless that was done before.
    ///
    /// # Errors
    ///
    /// Debian's archive cannot be reached or does not have it.
    pub(crate) fn packaged(workspace: &Workspace, series: Series) -> Result<Self> {
        let directory = workspace.directory("linux/source")?;
        let package = format!("linux-source-{series}");
        let tree = directory.join(&package);
        let version = directory.join(format!("{package}.version"));
        if !version.is_file() {
            let step = Step::start(format!("Source of Linux {series}"));
            match fetch(workspace, &step, &package, &tree) {
                Ok(fetched) => {
                    fs::write(&version, &fetched)?;
                    step.done(&format!("{package} {fetched}"));
                }
                Err(error) => {
                    step.failed();
                    return Err(error.context(format!(
                        "no source of Linux {series}; a tree of your own can be given by --source DIR"
                    )));
                }
            }
        }
        let version = fs::read_to_string(&version)?;
        Self::new(tree, format!("{package}_{}", version.trim()), true)
    }

    /// The same source at `tree`, which is a changed copy of it.
    pub(crate) fn at(&self, tree: PathBuf) -> Self {
        Self { tree, ..self.clone() }
    }

    /// Copies the tree by hard links, in place of what is at `copy`, without what was built in it.
    ///
    /// # Errors
    ///
    /// There is no room for the copy.
    pub(crate) fn copy_to(&self, copy: &Path) -> Result<()> {
        let step = Step::start("Copying the kernel tree");
        let result = self.copy_by(&step, copy);
        step.end("copied", result)
    }

    fn copy_by(&self, step: &Step, copy: &Path) -> Result<()> {
        let part = copy.with_extension("part");
        for old in [part.as_path(), copy] {
            if old.exists() {
                fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
            }
        }
        // Links are not possible from another file system.
        let link = step.run(Command::new("cp").arg("-al").arg(&self.tree).arg(&part));
        if link.is_err() {
            if part.exists() {
                fs::remove_dir_all(&part)?;
            }
            step.run(Command::new("cp").arg("-a").arg(&self.tree).arg(&part))?;
        }
        if is_built_in(&part) {
            step.run(
                Command::new("make").arg("-C").arg(&part).args(["ARCH=s390", "mrproper"]).env_remove("MAKEFLAGS"),
            )?;
        }
        fs::rename(&part, copy).with_context(|| format!("cannot make {}", copy.display()))
    }

    fn new(tree: PathBuf, name: String, fixed: bool) -> Result<Self> {
        ensure!(
            tree.join("arch/s390/pci/pci_clp.c").is_file() && tree.join("drivers/iommu/s390-iommu.c").is_file(),
            "{} is not the source of a Linux kernel with zPCI",
            tree.display()
        );
        let version = kernel_version(&tree)?;
        let Some(series) = Series::of_version(&version) else {
            bail!("{} is Linux {version}; supported are {}", tree.display(), Series::names());
        };
        Ok(Self { tree, version, series, name, fixed })
    }
}

/// What a build of the user's tree at `tree` is called: its path, in what every tool takes in the name of a directory.
fn name_of(tree: &Path) -> String {
    let path = tree.to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._+".contains(c) { c } else { '-' };
    path.trim_start_matches('/').chars().map(plain).collect()
}

/// Whether a kernel was configured or built in `tree` itself, which then takes no build elsewhere.
fn is_built_in(tree: &Path) -> bool {
    [".config", "include/config", "arch/s390/include/generated"].iter().any(|made| tree.join(made).exists())
}

/// Downloads and unpacks `package` to `tree`, and returns its version.
fn fetch(workspace: &Workspace, step: &Step, package: &str, tree: &Path) -> Result<String> {
    let deb = apt::download(workspace, step, package, |_| true, Suites::OldestFirst)?;
    let scratch = tree.with_extension("part");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let archive = format!("usr/src/{package}.tar.xz");
    apt::unpack(step, &deb.path, &archive, &scratch)?;
    step.at(&format!("unpacking {package}.tar.xz"));
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(scratch.join(&archive)).arg("--directory").arg(&scratch);
    step.run(&mut tar)?;
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    fs::rename(scratch.join(package), tree)?;
    fs::remove_dir_all(&scratch)?;
    fs::remove_file(&deb.path)?;
    Ok(deb.version)
}

/// Reads VERSION, PATCHLEVEL, SUBLEVEL and EXTRAVERSION of the tree's Makefile.
fn kernel_version(tree: &Path) -> Result<String> {
    let path = tree.join("Makefile");
    let text = read_text(&path)?;
    parse_version(&text).with_context(|| format!("{} does not say the kernel's version", path.display()))
}

fn parse_version(makefile: &str) -> Option<String> {
    let variable =
        |name: &str| makefile.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" =")).map(str::trim);
    let (version, level, patch) = (variable("VERSION")?, variable("PATCHLEVEL")?, variable("SUBLEVEL")?);
    Some(format!("{version}.{level}.{patch}{}", variable("EXTRAVERSION").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_as_make_says_it() {
        let text = "# SPDX-License-Identifier: GPL-2.0\nVERSION = 7\nPATCHLEVEL = 2\nSUBLEVEL = 12\nEXTRAVERSION =\nNAME = X\n";
        assert_eq!(parse_version(text).as_deref(), Some("7.2.12"));
        assert_eq!(
            parse_version(&text.replace("EXTRAVERSION =", "EXTRAVERSION = -rc1")).as_deref(),
            Some("7.2.12-rc1")
        );
        assert_eq!(parse_version("VERSION = 7\n"), None);
    }

    #[test]
    fn a_build_is_called_after_any_path() {
        assert_eq!(name_of(Path::new("/srv/me/linux-7.3")), "srv-me-linux-7.3");
        assert_eq!(name_of(Path::new("/a b/my $tree:ü")), "a-b-my--tree--");
    }

    #[test]
    fn a_copy_has_nothing_that_was_built() {
        let directory = tempfile::tempdir().unwrap();
        let (tree, copy) = (directory.path().join("tree"), directory.path().join("copy"));
        fs::create_dir(&tree).unwrap();
        // What the tree's own Makefile does for it.
        fs::write(tree.join("Makefile"), "mrproper:\n\trm -f .config\n").unwrap();
        fs::write(tree.join(".config"), "CONFIG_PCI=y\n").unwrap();
        let source = Source {
            tree: tree.clone(),
            version: "7.3.4".to_owned(),
            series: Series::V7_3,
            name: "tree".to_owned(),
            fixed: false,
        };
        source.copy_to(&copy).unwrap();
        assert!(copy.join("Makefile").is_file() && !copy.join(".config").exists());
        assert!(tree.join(".config").is_file());
    }

    #[test]
    fn what_is_no_kernel_tree_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let error = Source::given(directory.path()).unwrap_err().to_string();
        assert!(error.contains("is not the source of a Linux kernel"), "{error}");
    }
}
