// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a tree may look like that the driver goes into or out of. Trees are made up, since a kernel takes minutes to copy.

mod mock;
mod states;

use std::fs;

use super::step::replace;
use super::*;
use mock::{contents, tree, tree_that_does_not_ask, ASM, DOES_NOT_ASK, TYPE1, TYPE1_TEXT};

/// Puts the shim in as it is, with the crates as source.
fn put_source_in(workspace: &Workspace, tree: &Path) {
    let crates = sources(workspace).unwrap();
    step::take(tree, &steps_in(workspace, tree, |note| with_shim(workspace, crates, note)).unwrap()).unwrap();
}

fn note(tree: &Path) -> String {
    fs::read_to_string(tree.join(directory()).join(APPLIED)).unwrap()
}

#[test]
fn reverting_leaves_no_trace() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    let before = contents(tree.path());
    put_source_in(&workspace, tree.path());
    assert_ne!(contents(tree.path()), before);
    revert(&workspace, tree.path()).unwrap();
    assert_eq!(contents(tree.path()), before);
    assert!(!tree.path().join(directory()).exists());
    let error = revert(&workspace, tree.path()).unwrap_err().to_string();
    assert!(error.contains("the driver is not in"), "{error}");
}

/// The list has every file that was put there, and says what is in it.
#[test]
fn the_list_is_of_all_files() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    let before = contents(tree.path());
    put_source_in(&workspace, tree.path());
    let manifest = Manifest::read(tree.path()).unwrap().unwrap();
    let mut listed: Vec<_> = manifest.files().map(|file| tree.path().join(file)).collect();
    listed.push(tree.path().join(Manifest::path()));
    listed.sort();
    let added = contents(tree.path()).into_iter().map(|(path, _)| path);
    let added: Vec<_> = added.filter(|path| before.iter().all(|(there, _)| there != path)).collect();
    assert_eq!(listed, added);
    assert!(manifest.edited(tree.path()).unwrap().is_empty());
    assert_eq!(manifest.text().lines().count(), listed.len());
}

/// Nothing is touched that stays the same, so that make does nothing twice.
#[test]
fn what_is_in_already_is_not_written_again() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    put_source_in(&workspace, tree.path());
    let times = || -> Vec<_> {
        contents(tree.path()).into_iter().map(|(path, _)| fs::metadata(path).unwrap().modified().unwrap()).collect()
    };
    let (before, once) = (times(), contents(tree.path()));
    put_source_in(&workspace, tree.path());
    assert_eq!(contents(tree.path()), once);
    assert_eq!(times(), before);
}

#[test]
fn a_kernel_that_no_patch_fits_is_named() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    fs::write(tree.path().join(TYPE1), TYPE1_TEXT.replace("put_pfn", "give_pfn")).unwrap();
    let before = contents(tree.path());
    let error = format!("{:#}", put_in(&workspace, Form::Source, tree.path()).unwrap_err());
    assert!(error.contains("type1.patch does not fit") && error.contains("vfio_iommu_type1.c has these lines 0 times"));
    assert_eq!(contents(tree.path()), before);
}

/// What a block is about has to be said by the kernel, not by the block.
#[test]
fn a_kernel_without_the_driver_that_is_replaced_is_named() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    put_source_in(&workspace, tree.path());
    let path = tree.path().join("drivers/iommu/Makefile");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("s390-iommu.o\n", "", 1)).unwrap();
    let error = put_in(&workspace, Form::Source, tree.path()).unwrap_err().to_string();
    assert!(error.contains("drivers/iommu/Makefile does not say \"s390-iommu.o\""), "{error}");
}

/// No line of any file of the kernel's moves, so that nothing that is compiled of it changes.
#[test]
fn no_line_moves() {
    let workspace = Workspace::find().unwrap();
    let tree = tree_that_does_not_ask();
    let before = contents(tree.path());
    put_source_in(&workspace, tree.path());
    let mut changed = 0;
    for (path, bytes) in before {
        let (old, new) = (String::from_utf8(bytes).unwrap(), fs::read_to_string(&path).unwrap());
        if EDITS.iter().any(|edit| path.ends_with(edit.path)) {
            continue;
        }
        assert_eq!(old.lines().count(), new.lines().count(), "{}", path.display());
        changed += usize::from(old != new);
    }
    assert_eq!(changed, 7);
}

/// A kernel that registers tables by itself is made to ask, by a header that no other gets.
#[test]
fn a_kernel_that_does_not_ask_is_made_to() {
    let workspace = Workspace::find().unwrap();
    let header = "arch/s390/include/asm/zpci_rust_register.h";
    let asks = tree();
    put_source_in(&workspace, asks.path());
    assert!(!note(asks.path()).contains("zpci_register_anew") && !asks.path().join(header).exists());
    let tree = tree_that_does_not_ask();
    let before = contents(tree.path());
    put_source_in(&workspace, tree.path());
    for (path, _) in DOES_NOT_ASK {
        let now = fs::read_to_string(tree.path().join(path)).unwrap();
        assert!(now.contains(if path == ASM { "<asm/zpci_rust_register.h>" } else { "zpci_register_anew" }), "{path}");
    }
    assert!(note(tree.path()).contains("zpci_register_anew") && tree.path().join(header).is_file());
    let once = contents(tree.path());
    put_source_in(&workspace, tree.path());
    assert_eq!(contents(tree.path()), once);
    revert(&workspace, tree.path()).unwrap();
    assert_eq!(contents(tree.path()), before);
}

#[test]
fn lines_that_somebody_else_changed_are_not_taken_back() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    put_source_in(&workspace, tree.path());
    let text = fs::read_to_string(tree.path().join(TYPE1)).unwrap();
    fs::write(tree.path().join(TYPE1), text.replace("(iommu, &caps, info.argsz)", "(iommu, &caps, 0)")).unwrap();
    let before = contents(tree.path());
    for error in [revert(&workspace, tree.path()), put_in(&workspace, Form::Source, tree.path())] {
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.starts_with("what the driver changed is not as it left it: "), "{error}");
        assert!(error.contains(TYPE1), "{error}");
    }
    assert_eq!(contents(tree.path()), before);
}

#[test]
fn what_the_user_added_is_not_removed() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    let before = contents(tree.path());
    put_source_in(&workspace, tree.path());
    let own = tree.path().join(directory()).join("clp/notes.c");
    replace(&own, b"mine").unwrap();
    let error = revert(&workspace, tree.path()).unwrap_err().to_string();
    assert!(error.contains("clp/notes.c is not of the driver; the rest of it is out"), "{error}");
    assert_eq!(fs::read(&own).unwrap(), b"mine");
    fs::remove_file(own).unwrap();
    revert(&workspace, tree.path()).unwrap();
    assert_eq!(contents(tree.path()), before);
}

/// Whether or not there is a list of the driver's files.
#[test]
fn what_a_link_leads_to_is_left_alone() {
    let workspace = Workspace::find().unwrap();
    for has_list in [true, false] {
        let (tree, elsewhere) = (tree(), tempfile::tempdir().unwrap());
        put_source_in(&workspace, tree.path());
        for name in ["mine.rs", "mine.o", "mine.c"] {
            fs::write(elsewhere.path().join(name), "mine").unwrap();
        }
        let before = contents(elsewhere.path());
        std::os::unix::fs::symlink(elsewhere.path(), tree.path().join(directory()).join("clp/mine")).unwrap();
        if !has_list {
            fs::remove_file(tree.path().join(Manifest::path())).unwrap();
        }
        assert!(revert(&workspace, tree.path()).is_err());
        assert_eq!(contents(elsewhere.path()), before, "{has_list}");
    }
}

#[test]
fn what_the_kernel_has_itself_is_not_overwritten() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    replace(&tree.path().join("include/linux/zpci_rust_domain_ops.h"), b"the kernel's").unwrap();
    let before = contents(tree.path());
    let crates = sources(&workspace).unwrap();
    let error = steps_in(&workspace, tree.path(), |note| with_shim(&workspace, crates, note)).unwrap_err().to_string();
    assert_eq!(error, "include/linux/zpci_rust_domain_ops.h is there and not of the driver");
    assert_eq!(contents(tree.path()), before);
}

#[test]
fn sources_go_into_a_kernel_that_compiles_them() {
    let workspace = Workspace::find().unwrap();
    let tree = tree();
    replace(&tree.path().join(ARCHITECTURE), b"config S390\n").unwrap();
    let before = contents(tree.path());
    let error = put_in(&workspace, Form::Source, tree.path()).unwrap_err().to_string();
    assert!(error.contains("has no CONFIG_RUST for s390"), "{error}");
    assert_eq!(contents(tree.path()), before);
    replace(&tree.path().join(ARCHITECTURE), b"config S390\n\tselect HAVE_RUST if !EXPOLINE\n").unwrap();
    put_in(&workspace, Form::Source, tree.path()).unwrap();
    assert_ne!(contents(tree.path()), before);
}
