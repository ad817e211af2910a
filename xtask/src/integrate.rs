// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Puts the driver into a kernel tree, and takes it out again without a trace.

mod block;
mod plan;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};

use crate::core_library::CoreLibrary;
use crate::kernel_object;
use crate::progress::Step;
use crate::workspace::Workspace;
pub(crate) use plan::files_in;
use plan::{directory, files, EDITS, OBJECT};

/// Which tree, and which way.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The kernel tree that gets the driver
    #[arg(value_name = "TREE")]
    tree: PathBuf,
    /// Take the driver out again
    #[arg(long)]
    revert: bool,
}

/// Does what `options` say.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let tree = options.tree.canonicalize().with_context(|| format!("there is no {}", options.tree.display()))?;
    if options.revert {
        revert(workspace, &tree)?;
        println!("{}: the driver is out", tree.display());
        return Ok(true);
    }
    let core = CoreLibrary::obtain(workspace)?;
    put_in(workspace, &core, &tree)?;
    println!(
        "{}: the driver is in; say CONFIG_ZPCI_RUST=y (it needs CONFIG_EXPOLINE=n) and build as always",
        tree.display()
    );
    Ok(true)
}

/// Builds the object and puts it and the shim into `tree`; what is there already is brought up to date.
///
/// Nothing is written when the tree is not one that the driver is made for. A file that would stay the same is not
/// touched, so that the kernel's build does nothing twice. Files are replaced, not changed in place, so that hard links
/// to them keep the old contents.
///
/// # Errors
///
/// The object cannot be built, or the tree has no place for an edit.
pub(crate) fn put_in(workspace: &Workspace, core: &CoreLibrary, tree: &Path) -> Result<()> {
    let step = Step::start("Object for the kernel");
    let object = match kernel_object::build(workspace, core, &step, kernel_object::DRIVER) {
        Ok(object) => object,
        Err(error) => {
            step.failed();
            return Err(error);
        }
    };
    step.done(&format!("{} exports", object.exports.len()));
    let edited = EDITS
        .iter()
        .map(|edit| {
            let path = tree.join(edit.path);
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} is no kernel tree with zPCI: no {}", tree.display(), edit.path))?;
            ensure!(
                text.contains(edit.needs),
                "{} does not say \"{}\": the driver is not made for this kernel",
                path.display(),
                edit.needs
            );
            Ok((path, block::with(&text, edit.block)))
        })
        .collect::<Result<Vec<_>>>()?;
    for (source, target) in files(workspace)? {
        replace(&tree.join(target), &fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?)?;
    }
    replace(&tree.join(directory()).join(OBJECT), &fs::read(&object.path)?)?;
    edited.iter().try_for_each(|(path, text)| replace(path, text.as_bytes()))
}

/// Takes the driver out of `tree`.
fn revert(workspace: &Workspace, tree: &Path) -> Result<()> {
    let mut found = false;
    for edit in EDITS {
        let path = tree.join(edit.path);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} is no kernel tree with zPCI: no {}", tree.display(), edit.path))?;
        if let Some(without) = block::without(&text) {
            found = true;
            replace(&path, without.as_bytes())?;
        }
    }
    let targets = files(workspace)?.into_iter().map(|(_, target)| target).chain([directory().join(OBJECT)]);
    for target in targets.map(|target| tree.join(target)).filter(|target| target.is_file()) {
        found = true;
        fs::remove_file(&target).with_context(|| format!("cannot remove {}", target.display()))?;
    }
    let directory = tree.join(directory());
    if directory.is_dir() {
        // What the user put there stays, and is named.
        if let Some(left) = fs::read_dir(&directory)?.flatten().next() {
            bail!("{} is not of the driver; the rest of {} is out", left.path().display(), directory.display());
        }
        fs::remove_dir(&directory)?;
    }
    ensure!(found, "the driver is not in {}", tree.display());
    Ok(())
}

/// Gives `path` the contents `bytes`, unless it has them.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let parent = path.parent().context("a file without a directory")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let mut new = path.as_os_str().to_owned();
    new.push(".zpci-new");
    fs::write(&new, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    if let Ok(metadata) = fs::metadata(path) {
        fs::set_permissions(&new, metadata.permissions())?;
    }
    fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with the files that are edited, and nothing else.
    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for edit in EDITS {
            let path = tree.path().join(edit.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("# first\n{}\n", edit.needs)).unwrap();
        }
        tree
    }

    fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => found.extend(contents(&entry.path())),
                false => found.push((entry.path(), fs::read(entry.path()).unwrap())),
            }
        }
        found.sort();
        found
    }

    #[test]
    fn reverting_leaves_no_trace() {
        let workspace = Workspace::find().unwrap();
        let tree = tree();
        let before = contents(tree.path());
        for edit in EDITS {
            let path = tree.path().join(edit.path);
            let text = fs::read_to_string(&path).unwrap();
            replace(&path, block::with(&text, edit.block).as_bytes()).unwrap();
        }
        for (source, target) in files(&workspace).unwrap() {
            replace(&tree.path().join(target), &fs::read(source).unwrap()).unwrap();
        }
        replace(&tree.path().join(directory()).join(OBJECT), b"object").unwrap();
        assert_ne!(contents(tree.path()), before);
        revert(&workspace, tree.path()).unwrap();
        assert_eq!(contents(tree.path()), before);
        assert!(!tree.path().join(directory()).exists());
        let error = revert(&workspace, tree.path()).unwrap_err().to_string();
        assert!(error.contains("the driver is not in"), "{error}");
    }

    #[test]
    fn what_the_user_added_is_not_removed() {
        let workspace = Workspace::find().unwrap();
        let tree = tree();
        replace(&tree.path().join(directory()).join(OBJECT), b"object").unwrap();
        let own = tree.path().join(directory()).join("notes");
        fs::write(&own, "mine").unwrap();
        let error = revert(&workspace, tree.path()).unwrap_err().to_string();
        assert!(error.contains("notes is not of the driver"), "{error}");
        assert_eq!(fs::read(own).unwrap(), b"mine");
    }

    #[test]
    fn hard_links_keep_the_old_contents() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::hard_link(&file, &link).unwrap();
        replace(&file, b"new").unwrap();
        assert_eq!((fs::read(file).unwrap(), fs::read(link).unwrap()), (b"new".to_vec(), b"old".to_vec()));
    }
}
