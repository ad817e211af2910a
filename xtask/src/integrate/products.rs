// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What make puts beside the driver's files when a kernel is built in its tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::plan;

/// The end of the name of a file that is not written to the end.
pub(super) const UNFINISHED: &str = ".zpci-new";

/// Ends of names that Kbuild gives to what it makes, and those of this project to what it has begun.
const ENDS: [&str; 25] = [
    ".a",
    ".bc",
    ".cmd",
    ".d",
    ".dwo",
    ".gcda",
    ".gcno",
    ".i",
    ".ko",
    ".ll",
    ".lst",
    ".mod",
    ".mod.c",
    ".o",
    ".order",
    ".rlib",
    ".rmeta",
    ".rsi",
    ".s",
    ".so",
    ".su",
    ".symtypes",
    ".symversions",
    ".tmp",
    UNFINISHED,
];

/// Whether Kbuild gives such a name to what it makes.
fn is_product(name: &str) -> bool {
    ENDS.iter().any(|end| name.len() > end.len() && name.ends_with(end)) || name.starts_with(".tmp_")
}

/// Everything that make has made in the driver's directory of `tree`, and of those of `files` that are elsewhere.
pub(super) fn of(tree: &Path, files: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    below(&tree.join(plan::directory()), &mut found)?;
    for file in files.iter().filter(|file| !file.starts_with(plan::directory())) {
        let (Some(parent), Some(stem)) = (file.parent(), file.file_stem().and_then(|stem| stem.to_str())) else {
            continue;
        };
        let stem = format!("{stem}.");
        let parent = tree.join(parent);
        if parent.is_dir() {
            found.extend(products_in(&parent)?.into_iter().filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.strip_prefix('.').unwrap_or(&name).starts_with(&stem)
            }));
        }
    }
    Ok(found)
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if !directory.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            below(&entry.path(), found)?;
        }
    }
    found.extend(products_in(directory)?);
    Ok(())
}

/// The products in `directory` itself.
fn products_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() && entry.file_name().to_str().is_some_and(is_product) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_make_makes_is_told_from_sources() {
        for name in [
            "built-in.a",
            ".built-in.a.cmd",
            "iommu.o",
            ".iommu.o.cmd",
            ".iommu.o.d",
            "modules.order",
            "zpci_rust.o",
            "libclp.rmeta",
            "libsyn.rlib",
            "libbitfield_struct.so",
            ".libsyn.rlib.cmd",
            "lib.rsi",
            "chain.mod.c",
            ".tmp_chain.o",
            "iommu.c.zpci-new",
        ] {
            assert!(is_product(name), "{name}");
        }
        for name in [
            "iommu.c",
            "zpci_shim.h",
            "lib.rs",
            "Kconfig",
            "zpci_rust.o_shipped",
            "applied.patch",
            "notes",
            "README.md",
            ".a",
        ] {
            assert!(!is_product(name), "{name}");
        }
    }

    #[test]
    fn those_of_other_files_are_not_the_drivers() {
        let tree = tempfile::tempdir().unwrap();
        let place = tree.path().join("drivers/vfio/pci");
        fs::create_dir_all(&place).unwrap();
        for name in ["a_rust.c", "a_rust.o", ".a_rust.o.cmd", "a.o", ".a.o.cmd", "ba_rust.o", "built-in.a"] {
            fs::write(place.join(name), "").unwrap();
        }
        let mut found = of(tree.path(), &["drivers/vfio/pci/a_rust.c".into(), "nowhere/b.h".into()].into()).unwrap();
        found.sort();
        assert_eq!(found, [place.join(".a_rust.o.cmd"), place.join("a_rust.o")]);
    }
}
