// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What make puts beside the driver's files when a kernel is built in its tree.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::plan;

/// The end of the name of a file that is not written to the end.
pub(super) const UNFINISHED: &str = ".zpci-new";

/// Ends of names that Kbuild gives to what it makes, and those of this project to what it has begun.
const ENDS: [&str; 27] = [
    "_generated.rs",
    ".a",
    ".bc",
    ".cmd",
    ".d",
    ".dwo",
    ".gcda",
    ".gcno",
    ".hdrtest",
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
    let mut found = plan::files_in_directory(tree)?;
    found.retain(|path| is_product(name(path)));
    for file in files.iter().filter(|file| !file.starts_with(plan::directory())) {
        let (Some(parent), Some(stem)) = (file.parent(), file.file_stem().and_then(|stem| stem.to_str())) else {
            continue;
        };
        let stem = format!("{stem}.");
        let mut parent = tree.join(parent);
        // What `make headers` has installed in the tree, and has found compiles.
        if let Ok(installed) = file.strip_prefix("include/uapi") {
            let installed = tree.join("usr/include").join(installed);
            parent = installed.parent().map(Path::to_owned).unwrap_or(parent);
            found.extend(Some(installed).filter(|header| header.is_file()));
        }
        if !parent.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&parent).with_context(|| format!("cannot read {}", parent.display()))? {
            let entry = entry?;
            let path = entry.path();
            let is_of_it = name(&path).strip_prefix('.').unwrap_or(name(&path)).starts_with(&stem);
            if is_of_it && is_product(name(&path)) && !entry.file_type()?.is_dir() {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
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
            "zpci_generated.rs",
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
