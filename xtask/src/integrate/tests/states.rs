// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every state that a tree may be in, and from each the ways in and out, interrupted after each step.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::manifest::Manifest;
use super::super::plan::{self, directory, APPLIED, EXPOLINE_OBJECT, FACTS, OBJECT};
use super::super::step::{self, replace, Step};
use super::super::{block, products, steps_in, steps_out, Contents, EDITS};
use super::mock::{self, contents, tree_that_does_not_ask, DOES_NOT_ASK, HEADER, TYPE1};
use crate::workspace::Workspace;

/// A form of the crates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Made {
    Object,
    Source,
}

const BOTH: [Made; 2] = [Made::Object, Made::Source];

/// A few files in place of those of the driver.
fn few(made: Made) -> Contents {
    let own: &[&str] = match made {
        Made::Object => &[OBJECT, EXPOLINE_OBJECT, FACTS],
        Made::Source => &["clp/LICENSE-MIT", "clp/src/lib.rs", "clp/src/wire/list.rs", FACTS],
    };
    let own = own.iter().map(|name| (directory().join(name), format!("{made:?}").into_bytes()));
    let shim = ["iommu.c", "Makefile"].map(|name| (directory().join(name), b"shim".to_vec()));
    let elsewhere = plan::elsewhere().map(|path| (path, b"elsewhere".to_vec()));
    own.chain(shim).chain(elsewhere).collect()
}

fn in_steps(workspace: &Workspace, tree: &Path, made: Made) -> Vec<Step> {
    steps_in(workspace, tree, |_| Ok(few(made))).unwrap()
}

fn put_in(workspace: &Workspace, tree: &Path, made: Made) {
    step::take(tree, &in_steps(workspace, tree, made)).unwrap();
}

/// The kernel's own files, by a name that is the same in every tree.
fn without_driver() -> Vec<(PathBuf, Vec<u8>)> {
    named(tree_that_does_not_ask().path())
}

/// The files of `tree` by their names in it.
fn named(tree: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let name = |path: PathBuf| path.strip_prefix(tree).unwrap().to_owned();
    contents(tree).into_iter().map(|(path, bytes)| (name(path), bytes)).collect()
}

/// What git does to what it knows: the kernel's files are as they were.
fn restore(tree: &Path, only: Option<&Path>) {
    for (path, bytes) in without_driver() {
        if only.is_none_or(|only| only == path) {
            replace(&tree.join(path), &bytes).unwrap();
        }
    }
}

/// What git does to what it does not know. Patches and what make makes are ignored by Linux's `.gitignore`, and go on request.
fn clean_untracked(tree: &Path, with_ignored: bool) {
    let known = without_driver();
    for (path, _) in named(tree).into_iter().filter(|(path, _)| known.iter().all(|(known, _)| known != path)) {
        let is_ignored = path.ends_with(APPLIED) || BUILT.iter().any(|built| path == Path::new(built));
        if with_ignored || !is_ignored {
            fs::remove_file(tree.join(path)).unwrap();
        }
    }
    Step::Prune.take(tree).unwrap();
}

/// What a build in the tree leaves.
const BUILT: [&str; 17] = [
    "usr/include/linux/vfio_zpci.h",
    "usr/include/linux/vfio_zpci.hdrtest",
    "usr/include/linux/.vfio_zpci.hdrtest.cmd",
    "drivers/iommu/zpci-rust/.built-in.a.cmd",
    "drivers/iommu/zpci-rust/built-in.a",
    "drivers/iommu/zpci-rust/modules.order",
    "drivers/iommu/zpci-rust/.iommu.o.cmd",
    "drivers/iommu/zpci-rust/iommu.o",
    "drivers/iommu/zpci-rust/.zpci_rust.o.cmd",
    "drivers/iommu/zpci-rust/zpci_rust.o",
    "drivers/iommu/zpci-rust/clp/src/.lib.o.cmd",
    "drivers/iommu/zpci-rust/clp/src/lib.o",
    "drivers/iommu/zpci-rust/libclp.rmeta",
    "drivers/iommu/zpci-rust/libsyn.rlib",
    "drivers/iommu/zpci-rust/libbitfield_struct.so",
    "drivers/vfio/pci/.vfio_pci_zdev_rust.o.cmd",
    "drivers/vfio/pci/vfio_pci_zdev_rust.o",
];

fn build(tree: &Path) {
    BUILT.iter().for_each(|name| replace(&tree.join(name), b"built").unwrap());
}

/// Linux's `clean`, whose list of names is in its Makefile, as it was while nothing led it to the driver's directory.
fn make_clean(tree: &Path) {
    for name in BUILT.iter().filter(|name| [".cmd", ".o", ".a", ".order"].iter().any(|end| name.ends_with(end))) {
        fs::remove_file(tree.join(name)).unwrap();
    }
}

/// Linux's `mrproper`, likewise.
fn make_mrproper(tree: &Path) {
    make_clean(tree);
    fs::remove_file(tree.join("drivers/iommu/zpci-rust/libclp.rmeta")).unwrap();
}

/// Linux's `distclean`, which removes what editors and patch leave too; and the driver's own part of `clean`.
fn make_distclean(tree: &Path) {
    make_mrproper(tree);
    for name in ["libsyn.rlib", "libbitfield_struct.so"] {
        fs::remove_file(tree.join(directory()).join(name)).unwrap();
    }
}

/// What a version without a list left: other files, other lines, and a note with counts that are wrong.
fn put_former_in(tree: &Path) {
    let files = ["Kconfig", "Kconfig.object", "Makefile", "former.c", "clp/src/lib.rs", "clp/src/former.rs", OBJECT];
    files.iter().for_each(|name| replace(&tree.join(directory()).join(name), b"former").unwrap());
    replace(&tree.join("drivers/vfio/pci/vfio_pci_zdev_rust.c"), b"former").unwrap();
    let header = "\tvoid (*free)(struct iommu_domain *domain);\n";
    let change = |path: &str, old: &str, new: &str| {
        let text = fs::read_to_string(tree.join(path)).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{path}");
        replace(&tree.join(path), text.replacen(old, new, 1).as_bytes()).unwrap();
    };
    change(HEADER, header, &format!("{header}\tint (*add_info)(void);\n\tint (*may_join)(void);\n"));
    let (kvm, text) = DOES_NOT_ASK[3];
    let calls = text.replace("zpci_register_ioat", "zpci_register_again");
    change(kvm, text, &calls);
    let note = format!(
        "--- a/{HEADER}\n+++ b/{HEADER}\n@@ -1,3 +1,5 @@\n \n {header}+\tint (*add_info)(void);\n+\tint (*may_join)(void);\n }};\n\
         --- a/{kvm}\n+++ b/{kvm}\n@@ -486,5 +486,5 @@\n\
         -\trc = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,\n\
         +\trc = zpci_register_again(zdev, 0, zdev->start_dma, zdev->end_dma,\n\
         @@ -555,5 +555,5 @@\n\
         -\tzpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,\n\
         +\tzpci_register_again(zdev, 0, zdev->start_dma, zdev->end_dma,\n \t\t\t   virt_to_phys(zdev->dma_table), &status);\n"
    );
    replace(&tree.join(directory()).join(APPLIED), note.as_bytes()).unwrap();
    for edit in EDITS {
        let text = fs::read_to_string(tree.join(edit.path)).unwrap();
        replace(&tree.join(edit.path), block::with(&text, "former := y\n").as_bytes()).unwrap();
    }
}

/// What another version with a list left.
fn put_other_in(workspace: &Workspace, tree: &Path) {
    let other = steps_in(workspace, tree, |_| {
        let mut contents = few(Made::Source);
        contents.iter_mut().for_each(|(_, bytes)| bytes.extend(b" of another version"));
        contents.extend(["other.c", "clp/src/other.rs"].map(|name| (directory().join(name), b"other".to_vec())));
        Ok(contents)
    });
    step::take(tree, &other.unwrap()).unwrap();
    // With another patch.
    let (note, file) = (directory().join(APPLIED), Path::new(TYPE1));
    let mut manifest = Manifest::read(tree).unwrap().unwrap();
    for path in [note.as_path(), file] {
        let text = fs::read_to_string(tree.join(path)).unwrap().replace("vfio_join_and_replay", "vfio_other_replay");
        replace(&tree.join(path), text.as_bytes()).unwrap();
        if path == note {
            manifest.add(path, text.as_bytes());
        }
    }
    replace(&tree.join(Manifest::path()), manifest.text().as_bytes()).unwrap();
}

/// How a tree gets into a state.
type Into = Box<dyn Fn(&Workspace, &Path)>;

/// The states in which the driver, or what is left of it, is there: by each way in.
fn ways_in() -> Vec<(String, Into)> {
    let mut ways: Vec<(String, Into)> =
        vec![("former".into(), Box::new(|_, tree| put_former_in(tree))), ("other".into(), Box::new(put_other_in))];
    for made in BOTH {
        ways.push((format!("{made:?}"), Box::new(move |workspace, tree| put_in(workspace, tree, made))));
    }
    ways
}

/// What happens to a tree afterwards.
fn afterwards() -> Vec<(String, Into)> {
    let mut events: Vec<(String, Into)> = vec![
        ("left alone".into(), Box::new(|_, _| ())),
        ("restored by git".into(), Box::new(|_, tree| restore(tree, None))),
        ("built".into(), Box::new(|_, tree| build(tree))),
        ("built and restored".into(), Box::new(|_, tree| (build(tree), restore(tree, None)).1)),
        ("built and cleaned".into(), Box::new(|_, tree| (build(tree), make_clean(tree)).1)),
        ("built, mrproper".into(), Box::new(|_, tree| (build(tree), make_mrproper(tree)).1)),
        ("built, distclean".into(), Box::new(|_, tree| (build(tree), make_distclean(tree)).1)),
        ("the object lost".into(), Box::new(|_, tree| drop(fs::remove_file(tree.join(directory()).join(OBJECT))))),
    ];
    for (path, _) in without_driver() {
        events.push((format!("{} restored", path.display()), Box::new(move |_, tree| restore(tree, Some(&path)))));
    }
    events
}

/// The same tree in every state, with what it is called.
fn each_state(workspace: &Workspace, mut visit: impl FnMut(&str, &dyn Fn() -> tempfile::TempDir)) {
    visit("pristine", &tree_that_does_not_ask);
    for (way, put) in ways_in() {
        for (event, happen) in afterwards() {
            visit(&format!("{way}, {event}"), &|| {
                let tree = tree_that_does_not_ask();
                put(workspace, tree.path());
                happen(workspace, tree.path());
                tree
            });
        }
    }
    // Only the kernel's files are left, with what this version changed in them.
    visit("cleaned by git", &|| {
        let tree = tree_that_does_not_ask();
        put_in(workspace, tree.path(), Made::Object);
        clean_untracked(tree.path(), true);
        tree
    });
    for (way, put) in ways_in() {
        visit(&format!("built and cleaned by git, after {way}"), &|| {
            let tree = tree_that_does_not_ask();
            put(workspace, tree.path());
            build(tree.path());
            clean_untracked(tree.path(), false);
            tree
        });
    }
}

/// What the tree is to be like with the driver in it, which does not depend on how it was.
fn with_driver(workspace: &Workspace, made: Made) -> Vec<(PathBuf, Vec<u8>)> {
    let tree = tree_that_does_not_ask();
    put_in(workspace, tree.path(), made);
    named(tree.path())
}

/// The files of `tree` without what make made.
fn sources_of(tree: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let made = products::of(tree, &plan::elsewhere().collect()).unwrap();
    named(tree).into_iter().filter(|(path, _)| !made.contains(&tree.join(path))).collect()
}

#[test]
fn the_driver_gets_out_of_every_state() {
    let workspace = Workspace::find().unwrap();
    let without = without_driver();
    let mut count = 0;
    each_state(&workspace, |state, make| {
        let tree = make();
        match steps_out(&workspace, tree.path()) {
            Ok(steps) => step::take(tree.path(), &steps).unwrap(),
            Err(error) => assert!(state == "pristine" && error.to_string().contains("is not in"), "{state}: {error:#}"),
        }
        assert_eq!(named(tree.path()), without, "{state}");
        assert!(!tree.path().join(directory()).exists(), "{state}");
        count += 1;
    });
    assert_eq!(count, 2 + 4 * (8 + 11 + 1));
}

#[test]
fn the_driver_gets_into_every_state() {
    let workspace = Workspace::find().unwrap();
    for made in BOTH {
        let with = with_driver(&workspace, made);
        each_state(&workspace, |state, make| {
            let tree = make();
            put_in(&workspace, tree.path(), made);
            assert_eq!(sources_of(tree.path()), with, "{made:?} over {state}");
            let is_same = state.starts_with(&format!("{made:?}"));
            assert!(is_same || named(tree.path()) == with, "{made:?} over {state}: what another form made is left");
            if is_same && state.ends_with("built") {
                assert!(BUILT.iter().all(|name| tree.path().join(name).is_file()), "{state}: it would be built again");
            }
        });
    }
}

/// A copy of `tree` by hard links, which the driver's files are not written through.
fn copy(tree: &Path) -> tempfile::TempDir {
    fn below(from: &Path, to: &Path) {
        for entry in fs::read_dir(from).unwrap().flatten() {
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                fs::create_dir(&to).unwrap();
                below(&entry.path(), &to);
            } else {
                fs::hard_link(entry.path(), to).unwrap();
            }
        }
    }
    let copy = mock::directory();
    below(tree, copy.path());
    copy
}

/// Whoever ends it, and when, it can be done again or taken back.
#[test]
fn what_is_interrupted_is_taken_up() {
    let workspace = Workspace::find().unwrap();
    let without = without_driver();
    let with = with_driver(&workspace, Made::Source);
    let mut ways = ways_in();
    ways.push(("pristine".into(), Box::new(|_, _| ())));
    let mut count = 0;
    for (way, put) in &ways {
        let there = tree_that_does_not_ask();
        put(&workspace, there.path());
        if way != "pristine" {
            build(there.path());
        }
        for end in [Some(Made::Object), Some(Made::Source), None] {
            let tree = copy(there.path());
            let steps = match end {
                Some(made) => in_steps(&workspace, tree.path(), made),
                None if way == "pristine" => continue,
                None => steps_out(&workspace, tree.path()).unwrap(),
            };
            let steps = std::iter::once(None).chain(steps.iter().map(Some)).enumerate();
            for (taken, step) in steps {
                if let Some(step) = step {
                    step.take(tree.path()).unwrap();
                }
                let what = format!("{way} to {end:?}, {taken} steps");
                let next = copy(tree.path());
                put_in(&workspace, next.path(), Made::Source);
                assert_eq!(sources_of(next.path()), with, "{what}, and in");
                let next = copy(tree.path());
                match steps_out(&workspace, next.path()) {
                    Ok(steps) => step::take(next.path(), &steps).unwrap(),
                    Err(error) => assert!(error.to_string().contains("is not in"), "{what}, and out: {error:#}"),
                }
                assert_eq!(named(next.path()), without, "{what}, and out");
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
}

/// An edit is not lost: the file is named, and nothing is done.
#[test]
fn a_file_that_was_edited_is_named() {
    let workspace = Workspace::find().unwrap();
    for made in BOTH {
        for (path, _) in few(made).into_iter().chain([(directory().join(APPLIED), Vec::new())]) {
            let tree = tree_that_does_not_ask();
            put_in(&workspace, tree.path(), made);
            let mut text = fs::read(tree.path().join(&path)).unwrap();
            text.extend(b"edited\n");
            replace(&tree.path().join(&path), &text).unwrap();
            let before = named(tree.path());
            for error in [
                steps_out(&workspace, tree.path()).unwrap_err(),
                steps_in(&workspace, tree.path(), |_| Ok(few(Made::Object))).unwrap_err(),
                steps_in(&workspace, tree.path(), |_| Ok(few(Made::Source))).unwrap_err(),
            ] {
                let expected = format!("edited since the driver was put in: {}; ", path.display());
                assert!(error.to_string().starts_with(&expected), "{error:#}");
            }
            assert_eq!(named(tree.path()), before);
            // A file that is gone holds up nothing.
            fs::remove_file(tree.path().join(&path)).unwrap();
            step::take(tree.path(), &steps_out(&workspace, tree.path()).unwrap()).unwrap();
            assert_eq!(named(tree.path()), without_driver(), "{}", path.display());
        }
    }
}

/// All that is edited is named at once.
#[test]
fn files_that_were_edited_are_named_together() {
    let workspace = Workspace::find().unwrap();
    let tree = tree_that_does_not_ask();
    put_in(&workspace, tree.path(), Made::Source);
    for name in ["iommu.c", "clp/src/lib.rs"] {
        replace(&tree.path().join(directory()).join(name), b"mine").unwrap();
    }
    let error = steps_out(&workspace, tree.path()).unwrap_err().to_string();
    assert!(error.contains("zpci-rust/clp/src/lib.rs, drivers/iommu/zpci-rust/iommu.c; "), "{error}");
}
