// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The files of a version of the driver that kept no list of them in the tree.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::plan::{self, directory};

/// The files in `tree`. The driver's directory was made by it, so what is there counts as its own if it is of a kind that
/// some version had; other files are whoever's. Without the directory, which somebody may have removed, those elsewhere
/// count if they are as `current` has them: each file of this version, and where it goes.
pub(super) fn files(tree: &Path, current: &[(PathBuf, PathBuf)]) -> Result<BTreeSet<PathBuf>> {
    if !tree.join(directory()).is_dir() {
        let is_ours = |(source, target): &&(PathBuf, PathBuf)| {
            fs::read(tree.join(target)).is_ok_and(|there| fs::read(source).is_ok_and(|ours| ours == there))
        };
        return Ok(current.iter().filter(is_ours).map(|(_, target)| target.clone()).collect());
    }
    let mut files: BTreeSet<PathBuf> = plan::elsewhere().filter(|file| tree.join(file).is_file()).collect();
    files.extend(
        plan::files_in_directory(tree)?
            .iter()
            .filter_map(|file| file.strip_prefix(tree).ok())
            .filter(|file| is_of_a_kind(file))
            .map(Path::to_owned),
    );
    Ok(files)
}

/// Whether some version had such a file: the shim, the objects and the note directly in the directory, and crates below it.
fn is_of_a_kind(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if path.parent() == Some(directory()) {
        ["c", "h", "rs", "o_shipped"].contains(&extension)
            || ["Kconfig", "Kconfig.object", "Makefile", "Makefile.source", "rustfmt.toml", plan::APPLIED]
                .contains(&name.as_ref())
    } else {
        extension == "rs" || name.starts_with("LICENSE") || name == "README.md" || name == "rustfmt.toml"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_version_had_is_not_the_drivers() {
        let tree = tempfile::tempdir().unwrap();
        let ours =
            ["Kconfig", "applied.patch", "clp/LICENSE-MIT", "clp/src/former.rs", "former.c", "zpci_rust.o_shipped"];
        for name in ours.iter().chain(&["notes", "clp/notes", "clp/src/a.c", "Kconfig.mine", "a.o"]) {
            let path = tree.path().join(directory()).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let elsewhere = tree.path().join("drivers/vfio");
        fs::create_dir_all(&elsewhere).unwrap();
        for name in ["vfio_iommu_type1_info.h", "vfio_main.c"] {
            fs::write(elsewhere.join(name), "").unwrap();
        }
        let mut expected: BTreeSet<PathBuf> = ours.iter().map(|name| directory().join(name)).collect();
        expected.insert("drivers/vfio/vfio_iommu_type1_info.h".into());
        assert_eq!(files(tree.path(), &[]).unwrap(), expected);
        assert!(files(&tree.path().join("nowhere"), &[]).unwrap().is_empty());
    }

    #[test]
    fn without_its_directory_the_driver_has_what_is_as_it_brought_it() {
        let tree = tempfile::tempdir().unwrap();
        for name in ["ours.h", "as-ours.h", "edited.h"] {
            fs::write(tree.path().join(name), if name == "edited.h" { "edited" } else { "ours" }).unwrap();
        }
        let ours = tree.path().join("ours.h");
        let current = ["as-ours.h", "edited.h", "missing.h"].map(|target| (ours.clone(), PathBuf::from(target)));
        assert_eq!(files(tree.path(), &current).unwrap(), BTreeSet::from(["as-ours.h".into()]));
    }
}
