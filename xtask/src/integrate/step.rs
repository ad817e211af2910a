// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is done to a tree, one thing after the other. Each leaves a tree that is understood, so that what was interrupted
//! can be done again or taken back.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{fchown, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{plan, products};

/// A step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Gives a file these contents.
    Write(PathBuf, Vec<u8>),
    /// Removes a file, if there is one.
    Remove(PathBuf),
    /// Removes what make has made of these files and in the driver's directory.
    Sweep(BTreeSet<PathBuf>),
    /// Removes the directories in the driver's directory that no file is in, and itself too if it is one.
    Prune,
}

impl Step {
    /// Takes the step in `tree`.
    pub(super) fn take(&self, tree: &Path) -> Result<()> {
        match self {
            Self::Write(path, bytes) => replace(&tree.join(path), bytes),
            Self::Remove(path) => remove(&tree.join(path)),
            Self::Sweep(files) => products::of(tree, files)?.iter().try_for_each(|product| remove(product)),
            Self::Prune => remove_empty(&tree.join(plan::directory())).map(drop),
        }
    }
}

/// Takes all of `steps` in `tree`.
pub(super) fn take(tree: &Path, steps: &[Step]) -> Result<()> {
    steps.iter().try_for_each(|step| step.take(tree))
}

/// Gives `path` the contents `bytes`, unless it has them: make does nothing twice then. The file is replaced and not changed
/// in place, so that hard links to it keep the old contents.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(products::UNFINISHED);
    if fs::read(path).is_ok_and(|there| there == bytes) {
        // Of who was interrupted before.
        return remove(Path::new(&new));
    }
    let parent = path.parent().context("a file without a directory")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    // A file of its own: what is there by that name may be a link to somewhere else.
    remove(Path::new(&new))?;
    let file = fs::File::create_new(&new).and_then(|mut file| file.write_all(bytes).map(|()| file));
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    if let Ok(metadata) = fs::metadata(path) {
        // Root may work on somebody's tree; for others the owner is the same, or cannot be.
        let _ = fchown(&file, Some(metadata.uid()), Some(metadata.gid()));
        file.set_permissions(metadata.permissions())?;
    }
    fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result.with_context(|| format!("cannot remove {}", path.display())),
    }
}

/// Removes `directory` and those below it, as far as no file is in them; returns whether it is gone.
fn remove_empty(directory: &Path) -> Result<bool> {
    if !directory.is_dir() {
        return Ok(true);
    }
    let mut is_empty = true;
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        is_empty &= entry.file_type()?.is_dir() && remove_empty(&entry.path())?;
    }
    if is_empty {
        fs::remove_dir(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    Ok(is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_links_keep_the_old_contents() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::hard_link(&file, &link).unwrap();
        replace(&file, b"new").unwrap();
        assert_eq!((fs::read(file).unwrap(), fs::read(link).unwrap()), (b"new".to_vec(), b"old".to_vec()));
    }

    #[test]
    fn what_was_begun_goes_where_nothing_is_to_be_done() {
        let directory = tempfile::tempdir().unwrap();
        let (file, begun) = (directory.path().join("file"), directory.path().join("file.zpci-new"));
        fs::write(&file, "contents").unwrap();
        fs::write(&begun, "cont").unwrap();
        replace(&file, b"contents").unwrap();
        assert!(file.exists() && !begun.exists());
    }

    #[test]
    fn a_link_where_a_file_is_begun_leads_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let (file, other) = (directory.path().join("file"), directory.path().join("other"));
        fs::write(&other, "somebody's").unwrap();
        std::os::unix::fs::symlink(&other, directory.path().join("file.zpci-new")).unwrap();
        replace(&file, b"ours").unwrap();
        assert_eq!((fs::read(file).unwrap(), fs::read(other).unwrap()), (b"ours".to_vec(), b"somebody's".to_vec()));
    }

    #[test]
    fn directories_go_as_far_as_they_are_empty() {
        let tree = tempfile::tempdir().unwrap();
        let directory = tree.path().join(plan::directory());
        fs::create_dir_all(directory.join("clp/src/wire")).unwrap();
        fs::create_dir_all(directory.join("glue/src")).unwrap();
        replace(&directory.join("glue/notes"), b"mine").unwrap();
        Step::Prune.take(tree.path()).unwrap();
        assert!(!directory.join("clp").exists() && !directory.join("glue/src").exists());
        assert!(directory.join("glue/notes").is_file());
        take(tree.path(), &[Step::Remove(plan::directory().join("glue/notes")), Step::Prune]).unwrap();
        assert!(!directory.exists() && directory.parent().unwrap().is_dir());
        // Nothing is left to do.
        take(tree.path(), &[Step::Remove(plan::directory().join("glue/notes")), Step::Prune]).unwrap();
    }
}
