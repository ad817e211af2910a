// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Puts the driver into a kernel tree, and takes it out again without a trace.

mod block;
mod crates;
mod patch;
mod plan;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};

use crate::kernel_object::{self, compiler::KernelCompiler};
use crate::progress::Step;
use crate::workspace::Workspace;
use patch::{Patch, Texts};
pub(crate) use plan::files_in;
use plan::{directory, files, APPLIED, EDITS, EXPOLINE_OBJECT, FACTS, MADE, OBJECT, PATCHES};

/// Which tree, and which way.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The kernel tree that gets the driver
    #[arg(value_name = "TREE")]
    tree: PathBuf,
    /// Put the sources of the crates in, to be compiled by the kernel's own build with CONFIG_RUST
    #[arg(long, conflicts_with = "revert")]
    source: bool,
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
    if options.source {
        put_in(workspace, Form::Source, &tree)?;
        println!(
            "{}: the driver is in as source; say CONFIG_RUST=y and CONFIG_ZPCI_RUST=y, and build as always",
            tree.display()
        );
        return Ok(true);
    }
    // Before a compiler and an object are made for a tree that takes neither.
    edited(&tree)?;
    patched(workspace, &tree)?;
    let compiler = KernelCompiler::obtain(workspace)?;
    put_in(workspace, Form::Object(&compiler), &tree)?;
    println!(
        "{}: the driver is in, compiled by {compiler}; say CONFIG_ZPCI_RUST=y and build as always",
        tree.display()
    );
    Ok(true)
}

/// What of the crates goes into a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form<'a> {
    /// Objects that this compiler makes.
    Object(&'a KernelCompiler),
    /// The sources.
    Source,
}

/// Puts the crates in this form and the shim into `tree`; what is there already is brought up to date, and the other form
/// is taken out.
///
/// Nothing is written when the tree is not one that the driver is made for. A file that would stay the same is not
/// touched, so that the kernel's build does nothing twice. Files are replaced, not changed in place, so that hard links
/// to them keep the old contents.
///
/// # Errors
///
/// The object cannot be built, or the tree has no place for an edit.
pub(crate) fn put_in(workspace: &Workspace, form: Form<'_>, tree: &Path) -> Result<()> {
    let edited = edited(tree)?;
    let (patch, patched) = patched(workspace, tree)?;
    let crates = match form {
        Form::Object(compiler) => objects(workspace, compiler)?,
        Form::Source => {
            compiles_rust(tree)?;
            sources(workspace)?
        }
    };
    for (source, target) in files(workspace)? {
        replace(&tree.join(target), &fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?)?;
    }
    let stale = [OBJECT, EXPOLINE_OBJECT].map(PathBuf::from).into_iter().map(|name| directory().join(name));
    for old in stale.chain(crates::files(workspace)?.into_iter().map(|(_, target)| target)) {
        if crates.iter().all(|(target, _)| *target != old) && tree.join(&old).is_file() {
            fs::remove_file(tree.join(&old)).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    crates.iter().try_for_each(|(target, bytes)| replace(&tree.join(target), bytes))?;
    edited.iter().try_for_each(|(path, text)| replace(path, text.as_bytes()))?;
    // First the files, so that the note never tells of a patch that is not there; a patch without the note fits no more.
    patched.iter().try_for_each(|(path, text)| replace(&tree.join(path), text.as_bytes()))?;
    replace(&tree.join(directory()).join(APPLIED), patch.as_bytes())
}

/// The files of `tree` that get a block, with it.
fn edited(tree: &Path) -> Result<Vec<(PathBuf, String)>> {
    let with_block = |edit: &plan::Edit| {
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
    };
    EDITS.iter().map(with_block).collect()
}

/// Sees that the build of `tree` can compile Rust for s390.
fn compiles_rust(tree: &Path) -> Result<()> {
    let path = tree.join(ARCHITECTURE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        text.contains("HAVE_RUST"),
        "{} has no CONFIG_RUST for s390; without --source the driver is an object, which every kernel takes",
        tree.display()
    );
    Ok(())
}

/// Where a kernel says whether it compiles Rust.
const ARCHITECTURE: &str = "arch/s390/Kconfig";

/// Files of a kernel tree: where each goes, and what is in it.
type Contents = Vec<(PathBuf, Vec<u8>)>;

/// The objects, and what Kconfig is told of them.
fn objects(workspace: &Workspace, compiler: &KernelCompiler) -> Result<Contents> {
    let step = Step::start("Object for the kernel");
    let object = match kernel_object::build(workspace, compiler, &step, kernel_object::DRIVER) {
        Ok(object) => object,
        Err(error) => {
            step.failed();
            return Err(error);
        }
    };
    step.done(&format!("{} exports", object.exports.len()));
    let expoline = object.expoline.context("no object for kernels with expolines")?;
    Ok(vec![
        (directory().join(OBJECT), fs::read(&object.path)?),
        (directory().join(EXPOLINE_OBJECT), fs::read(&expoline.path)?),
        (directory().join(FACTS), facts(false, object.has_back_chain).into_bytes()),
    ])
}

/// The sources of the crates, and what Kconfig is told of them.
fn sources(workspace: &Workspace) -> Result<Contents> {
    let mut contents = vec![(directory().join(FACTS), facts(true, true).into_bytes())];
    for (source, target) in crates::files(workspace)? {
        contents.push((target, fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?));
    }
    Ok(contents)
}

/// What Kconfig is told of the crates.
fn facts(is_source: bool, has_back_chain: bool) -> String {
    let default = |fact: bool| if fact { "y" } else { "n" };
    format!(
        "# SPDX-License-Identifier: GPL-2.0-only\n\
         # Of the crates that are there, by cargo xtask integrate.\n\
         config ZPCI_RUST_SOURCE\n\tdef_bool {}\n\n\
         config ZPCI_RUST_BACK_CHAIN\n\tdef_bool {}\n",
        default(is_source),
        default(has_back_chain)
    )
}

/// The changes that `tree` needs as one patch, and what they make of the tree's files, without what earlier ones made of
/// them.
fn patched(workspace: &Workspace, tree: &Path) -> Result<(String, Texts)> {
    let mut texts = unpatched(tree)?;
    let mut changes = String::new();
    for patch in PATCHES {
        if !patch.is_needed(tree, &texts)? {
            continue;
        }
        let path = patch.path(workspace);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (_, change) = text.split_once("\n---\n").with_context(|| format!("{} has no change", path.display()))?;
        let parsed = Patch::parse(change).with_context(|| path.display().to_string())?;
        parsed.apply(tree, &mut texts).with_context(|| {
            format!("the driver is not made for this kernel, which {} does not fit", path.display())
        })?;
        changes.push_str(change);
    }
    Ok((changes, texts))
}

/// The files that a patch changed in `tree`, as they were before; none where there is none.
fn unpatched(tree: &Path) -> Result<Texts> {
    let applied = tree.join(directory()).join(APPLIED);
    let mut texts = Texts::new();
    if applied.is_file() {
        let patch = Patch::parse(&fs::read_to_string(&applied)?).with_context(|| applied.display().to_string())?;
        patch.reversed().apply(tree, &mut texts).context("what the driver changed is not as it left it")?;
    }
    Ok(texts)
}

/// Takes the driver out of `tree`.
fn revert(workspace: &Workspace, tree: &Path) -> Result<()> {
    let mut found = false;
    for (path, text) in unpatched(tree)? {
        found = true;
        replace(&tree.join(path), text.as_bytes())?;
    }
    for edit in EDITS {
        let path = tree.join(edit.path);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} is no kernel tree with zPCI: no {}", tree.display(), edit.path))?;
        if let Some(without) = block::without(&text) {
            found = true;
            replace(&path, without.as_bytes())?;
        }
    }
    let copied = files(workspace)?.into_iter().chain(crates::files(workspace)?).map(|(_, target)| target);
    let targets = copied.chain(MADE.map(|name| directory().join(name)));
    for target in targets.map(|target| tree.join(target)).filter(|target| target.is_file()) {
        found = true;
        fs::remove_file(&target).with_context(|| format!("cannot remove {}", target.display()))?;
    }
    // What the user put there stays, and is named.
    for place in crates::directories().chain([directory().to_owned()]).map(|place| tree.join(place)) {
        if let Some(left) = remove_empty(&place)? {
            bail!("{} is not of the driver; the rest of it is out", left.display());
        }
    }
    ensure!(found, "the driver is not in {}", tree.display());
    Ok(())
}

/// Removes `directory` and those below it, if no file is in any; returns a file otherwise.
fn remove_empty(directory: &Path) -> Result<Option<PathBuf>> {
    if !directory.is_dir() {
        return Ok(None);
    }
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        let left = if path.is_dir() { remove_empty(&path)? } else { Some(path) };
        if left.is_some() {
            return Ok(left);
        }
    }
    fs::remove_dir(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    Ok(None)
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

    const TYPE1: &str = "drivers/vfio/vfio_iommu_type1.c";
    const HEADER: &str = "include/linux/iommu.h";

    /// The lines around those that the patches change, the same in every kernel.
    const TYPE1_TEXT: &str = "#define DIRTY_BITMAP_PAGES_MAX\t ((u64)INT_MAX)
#define DIRTY_BITMAP_SIZE_MAX\t DIRTY_BITMAP_BYTES(DIRTY_BITMAP_PAGES_MAX)

static int put_pfn(unsigned long pfn, int prot);

[...]

\t/* replay mappings on new domains */
\tret = vfio_iommu_replay(iommu, domain);
\tif (ret)
\t\tgoto out_detach;
[...]

\tif (!ret)
\t\tret = vfio_iommu_iova_build_caps(iommu, &caps);

\tmutex_unlock(&iommu->lock);
";
    const CORE: &str = "drivers/vfio/pci/vfio_pci_core.c";
    const CORE_TEXT: &str = "#include \"vfio_pci_priv.h\"

#define DRIVER_AUTHOR   \"Alex Williamson <alex.williamson@redhat.com>\"
#define DRIVER_DESC \"core driver for VFIO based PCI devices\"
[...]
\tdefault:
\t\treturn -ENOTTY;
\t}
}
EXPORT_SYMBOL_GPL(vfio_pci_core_ioctl_feature);
";
    const HEADER_TEXT: &str = "[...]

\tvoid (*free)(struct iommu_domain *domain);
};

";

    const ASM: &str = "arch/s390/include/asm/pci.h";
    /// A kernel that asks the driver to register tables after a reset.
    const ASKS: &str = "int zpci_iommu_register_ioat(struct zpci_dev *zdev, u8 *status);\n";
    /// The lines of one that does so by itself.
    const DOES_NOT_ASK: [(&str, &str); 4] = [
        (
            ASM,
            "int zpci_hot_reset_device(struct zpci_dev *zdev);
int zpci_register_ioat(struct zpci_dev *, u8, u64, u64, u64, u8 *);
int zpci_unregister_ioat(struct zpci_dev *, u8);
void zpci_remove_reserved_devices(void);
",
        ),
        (
            "arch/s390/pci/pci.c",
            "
\tif (zdev->dma_table)
\t\trc = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t\t\tvirt_to_phys(zdev->dma_table), &status);
\tif (rc) {
",
        ),
        (
            "arch/s390/pci/pci_sysfs.c",
            "
\tif (zdev->dma_table) {
\t\tret = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t\t\t virt_to_phys(zdev->dma_table), &status);
\t\tif (ret)
",
        ),
        (
            "arch/s390/kvm/pci.c",
            "
\t/* Re-register the IOMMU that was already created */
\trc = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t\tvirt_to_phys(zdev->dma_table), &status);
\tif (rc)
[...]
\t/* Re-register the IOMMU that was already created */
\tzpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t   virt_to_phys(zdev->dma_table), &status);

",
        ),
    ];

    /// A tree with the files that are edited, and nothing else.
    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for edit in EDITS {
            let path = tree.path().join(edit.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("# first\n{}\n", edit.needs)).unwrap();
        }
        for (path, text) in [(TYPE1, TYPE1_TEXT), (CORE, CORE_TEXT), (HEADER, HEADER_TEXT), (ASM, ASKS)] {
            replace(&tree.path().join(path), text.as_bytes()).unwrap();
        }
        tree
    }

    fn put_patch_in(workspace: &Workspace, tree: &Path) {
        let (patch, patched) = patched(workspace, tree).unwrap();
        replace(&tree.join(directory()).join(APPLIED), patch.as_bytes()).unwrap();
        patched.iter().for_each(|(path, text)| replace(&tree.join(path), text.as_bytes()).unwrap());
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
        for (source, target) in files(&workspace).unwrap().into_iter().chain(crates::files(&workspace).unwrap()) {
            replace(&tree.path().join(target), &fs::read(source).unwrap()).unwrap();
        }
        // The note of the patch comes with the patch.
        for name in MADE.into_iter().filter(|name| *name != APPLIED) {
            replace(&tree.path().join(directory()).join(name), b"made").unwrap();
        }
        put_patch_in(&workspace, tree.path());
        assert_ne!(contents(tree.path()), before);
        revert(&workspace, tree.path()).unwrap();
        assert_eq!(contents(tree.path()), before);
        assert!(!tree.path().join(directory()).exists());
        let error = revert(&workspace, tree.path()).unwrap_err().to_string();
        assert!(error.contains("the driver is not in"), "{error}");
    }

    /// What was patched once is patched anew, as if it had not been.
    #[test]
    fn a_patch_is_not_applied_twice() {
        let workspace = Workspace::find().unwrap();
        let tree = tree();
        put_patch_in(&workspace, tree.path());
        let once = contents(tree.path());
        put_patch_in(&workspace, tree.path());
        assert_eq!(contents(tree.path()), once);
    }

    #[test]
    fn a_kernel_that_no_patch_fits_is_named() {
        let workspace = Workspace::find().unwrap();
        let tree = tree();
        fs::write(tree.path().join(TYPE1), TYPE1_TEXT.replace("put_pfn", "give_pfn")).unwrap();
        let error = format!("{:#}", patched(&workspace, tree.path()).unwrap_err());
        assert!(
            error.contains("type1.patch does not fit") && error.contains("vfio_iommu_type1.c has these lines 0 times")
        );
    }

    /// A kernel that registers tables by itself is made to ask; no line of a C file moves.
    #[test]
    fn a_kernel_that_does_not_ask_is_patched_once() {
        let workspace = Workspace::find().unwrap();
        let tree = tree();
        put_patch_in(&workspace, tree.path());
        let note = |tree: &Path| fs::read_to_string(tree.join(directory()).join(APPLIED)).unwrap();
        assert!(!note(tree.path()).contains("zpci_register_again"));
        revert(&workspace, tree.path()).unwrap();
        for (path, text) in DOES_NOT_ASK {
            replace(&tree.path().join(path), text.as_bytes()).unwrap();
        }
        let before = contents(tree.path());
        put_patch_in(&workspace, tree.path());
        let once = contents(tree.path());
        put_patch_in(&workspace, tree.path());
        assert_eq!(contents(tree.path()), once);
        for (path, text) in DOES_NOT_ASK {
            let now = fs::read_to_string(tree.path().join(path)).unwrap();
            assert!(now.contains("zpci_register_again"), "{path}");
            assert!(path == ASM || now.lines().count() == text.lines().count(), "{path}");
        }
        assert!(note(tree.path()).contains("zpci_register_again"));
        revert(&workspace, tree.path()).unwrap();
        assert_eq!(contents(tree.path()), before);
    }

    #[test]
    fn lines_that_somebody_else_changed_are_not_taken_back() {
        let workspace = Workspace::find().unwrap();
        let tree = tree();
        put_patch_in(&workspace, tree.path());
        let text = fs::read_to_string(tree.path().join(TYPE1)).unwrap();
        fs::write(tree.path().join(TYPE1), text.replace("(iommu, &caps, info.argsz)", "(iommu, &caps, 0)")).unwrap();
        let error = format!("{:#}", revert(&workspace, tree.path()).unwrap_err());
        assert!(error.starts_with("what the driver changed is not as it left it: "), "{error}");
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
