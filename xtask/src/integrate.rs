// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Puts the driver into a kernel tree, and takes it out again without a trace.

mod block;
mod crates;
mod former;
mod manifest;
mod plan;
mod present;
mod products;
mod step;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::kernel_object::{self, compiler::KernelCompiler};
use crate::patch::{Patch, Texts};
use crate::progress;
use crate::workspace::{read_text, Workspace};
use manifest::Manifest;
pub(crate) use plan::files_in;
use plan::{directory, files, APPLIED, EDITS, EXPOLINE_OBJECT, FACTS, OBJECT, PATCHES};
use present::Present;
use step::Step;

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
            "{}: the driver is in as source; say CONFIG_RUST=y (which wants CONFIG_EXPOLINE=n, and CONFIG_MODVERSIONS=n or \
             CONFIG_GENDWARFKSYMS=y) and CONFIG_ZPCI_RUST=y, see that .config has both, and build as always",
            tree.display()
        );
        return Ok(true);
    }
    // Before a compiler and an object are made for a tree that takes neither.
    changed(workspace, &tree, &Present::look(workspace, &tree)?)?;
    let compiler = KernelCompiler::obtain(workspace)?;
    put_in(workspace, Form::Object(&compiler), &tree)?;
    println!(
        "{}: the driver is in, compiled by {compiler}; say CONFIG_ZPCI_RUST=y, see that .config has it, and build as always",
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

/// Puts the crates in this form and the shim into `tree`; what is there already, of this version or another and in either
/// form, is brought up to date.
///
/// Nothing is written when the tree is not one that the driver is made for. A file that would stay the same is not
/// touched, so that the kernel's build does nothing twice. Files are replaced, not changed in place, so that hard links
/// to them keep the old contents.
///
/// # Errors
///
/// The object cannot be built, the tree has no place for an edit, or somebody has edited what the driver brought.
pub(crate) fn put_in(workspace: &Workspace, form: Form<'_>, tree: &Path) -> Result<()> {
    let crates = || match form {
        Form::Object(compiler) => objects(workspace, compiler),
        Form::Source => {
            compiles_rust(tree)?;
            sources(workspace)
        }
    };
    step::take(tree, &steps_in(workspace, tree, |note| with_shim(workspace, crates()?, note))?)
}

/// These crates and the shim, for a tree that is patched by `note`.
fn with_shim(workspace: &Workspace, mut crates: Contents, note: &str) -> Result<Contents> {
    for (source, target) in files(workspace, note)? {
        crates.push((target, fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?));
    }
    Ok(crates)
}

/// The steps by which the files get into `tree` that `contents` says for the note of its patches, which is asked if the tree takes
/// the driver.
fn steps_in(workspace: &Workspace, tree: &Path, contents: impl FnOnce(&str) -> Result<Contents>) -> Result<Vec<Step>> {
    let present = Present::look(workspace, tree)?;
    let (note, texts) = changed(workspace, tree, &present)?;
    let contents = contents(&note)?;
    let note = (directory().join(APPLIED), note.into_bytes());
    let mut manifest = Manifest::default();
    for (path, bytes) in contents.iter().chain([&note]) {
        manifest.add(path, bytes);
        if !present.files.contains(path) && fs::read(tree.join(path)).is_ok_and(|there| there != *bytes) {
            bail!("{} is there and not of the driver", path.display());
        }
    }
    let stale: Vec<_> = present.files.iter().filter(|file| manifest.files().all(|new| new != *file)).cloned().collect();
    // What is there and what will be, for who is interrupted.
    let mut all = manifest.clone();
    present.manifest.iter().for_each(|manifest| all.extend(manifest));
    for file in &present.files {
        if let Ok(bytes) = fs::read(tree.join(file)) {
            all.add(file, &bytes);
        }
    }
    // What make has made is of another form or version of the crates, or nobody knows of what.
    let sweep = (!stale.is_empty() || present.manifest.is_none()).then(|| present.sweep());
    let mut steps = Vec::new();
    if fs::read(tree.join(&note.0)).is_ok_and(|there| there != note.1) {
        // The old note is there as long as what it tells of may be.
        steps.extend(present.texts.into_iter().map(|(path, text)| Step::Write(path, text.into_bytes())));
    }
    steps.push(Step::Write(Manifest::path(), all.text().into_bytes()));
    steps.push(Step::Write(note.0, note.1));
    steps.extend(contents.into_iter().map(|(path, bytes)| Step::Write(path, bytes)));
    steps.extend(sweep);
    steps.extend(stale.into_iter().map(Step::Remove));
    steps.push(Step::Prune);
    steps.extend(texts.into_iter().map(|(path, text)| Step::Write(path, text.into_bytes())));
    steps.push(Step::Write(Manifest::path(), manifest.text().into_bytes()));
    Ok(steps)
}

/// Takes the driver out of `tree`.
///
/// # Errors
///
/// It is not there; somebody has edited what it brought; there is something in its directory that it did not bring.
fn revert(workspace: &Workspace, tree: &Path) -> Result<()> {
    step::take(tree, &steps_out(workspace, tree)?)?;
    // What the user put there stays, and is named.
    let place = tree.join(directory());
    if place.exists() {
        let left = files_in(tree)?.into_iter().next().unwrap_or(place);
        bail!("{} is not of the driver; the rest of it is out", left.display());
    }
    // Those of another version, if the list of them was gone.
    let left = files_in(tree)?;
    ensure!(
        left.is_empty(),
        "the driver is out, but for what is not as this version brings it: {}",
        left.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

/// The steps by which the driver gets out of `tree`.
fn steps_out(workspace: &Workspace, tree: &Path) -> Result<Vec<Step>> {
    let present = Present::look(workspace, tree)?;
    ensure!(present.is_any, "the driver is not in {}", tree.display());
    let sweep = present.sweep();
    let mut steps: Vec<_> =
        present.texts.into_iter().map(|(path, text)| Step::Write(path, text.into_bytes())).collect();
    steps.push(sweep);
    // The note and the list go last, for who is interrupted.
    let note = directory().join(APPLIED);
    steps.extend(present.files.into_iter().filter(|file| *file != note).map(Step::Remove));
    steps.extend([Step::Remove(note), Step::Remove(Manifest::path()), Step::Prune]);
    Ok(steps)
}

/// The kernel's files with what the driver needs in them, and a note of the lines that it changes.
fn changed(workspace: &Workspace, tree: &Path, present: &Present) -> Result<(String, Texts)> {
    let mut texts = present.texts.clone();
    for edit in EDITS {
        let text = texts.get_mut(Path::new(edit.path)).with_context(|| format!("no {}", edit.path))?;
        ensure!(
            text.contains(edit.needs),
            "{} does not say \"{}\": the driver is not made for this kernel",
            tree.join(edit.path).display(),
            edit.needs
        );
        *text = block::with(text, edit.block);
    }
    let mut note = String::new();
    for patch in PATCHES {
        if !patch.is_needed(tree, &texts)? {
            continue;
        }
        let changes = patch.changes(workspace)?;
        let parsed = Patch::parse(&changes).with_context(|| patch.name.to_owned())?;
        parsed
            .apply(tree, &mut texts)
            .with_context(|| format!("the driver is not made for this kernel, which {} does not fit", patch.name))?;
        note.push_str(&changes);
    }
    Ok((note, texts))
}

/// Sees that the build of `tree` can compile Rust for s390.
fn compiles_rust(tree: &Path) -> Result<()> {
    let path = tree.join(ARCHITECTURE);
    let text = read_text(&path)?;
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

/// How `make rustfmt` is to leave the sources: as the project formats them, and those of others as they are.
fn formats(workspace: &Workspace) -> Result<Contents> {
    let ours = read_text(workspace.root.join("rustfmt.toml"))? + "edition = \"2021\"\n";
    let theirs = "# As its authors formatted it.\ndisable_all_formatting = true\n";
    let place = |directory: PathBuf| directory.join("rustfmt.toml");
    let mut contents = vec![(place(directory().to_owned()), ours.into_bytes())];
    contents.extend(crates::others().map(|directory| (place(directory), theirs.as_bytes().to_owned())));
    Ok(contents)
}

/// The objects, and what Kconfig is told of them.
fn objects(workspace: &Workspace, compiler: &KernelCompiler) -> Result<Contents> {
    let step = progress::Step::start("Object for the kernel");
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
        (directory().join(FACTS), facts(&origin(workspace, &compiler.to_string()), false, object.has_back_chain)),
    ])
}

/// The sources of the crates, and what Kconfig is told of them.
fn sources(workspace: &Workspace) -> Result<Contents> {
    let mut contents = formats(workspace)?;
    contents.push((directory().join(FACTS), facts(&origin(workspace, "the kernel's rustc"), true, true)));
    for (source, target) in crates::files(workspace)? {
        contents.push((target, fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?));
    }
    Ok(contents)
}

/// What the crates are, for who has the tree and nothing else: their version, the commit, and what compiles them.
fn origin(workspace: &Workspace, compiler: &str) -> String {
    let mut git = Command::new("git");
    let described = git.current_dir(&workspace.root).args(["describe", "--always", "--dirty", "--abbrev=40"]).output();
    let commit = match described {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    };
    format!("zpci {}, commit {commit}, compiled by {compiler}", env!("CARGO_PKG_VERSION"))
}

/// What Kconfig is told of the crates, by variables: symbols would be in the configuration of every kernel.
fn facts(origin: &str, is_source: bool, has_back_chain: bool) -> Vec<u8> {
    let value = |fact: bool| if fact { "y" } else { "n" };
    format!(
        "# SPDX-License-Identifier: GPL-2.0-only\n\
         # Of the crates that are there, by cargo xtask integrate:\n\
         # {origin}.\n\
         # Their licence is MIT OR Apache-2.0 OR GPL-2.0-only, of the core library MIT OR Apache-2.0,\n\
         # of zerocopy BSD-2-Clause OR Apache-2.0 OR MIT.\n\
         zpci-rust-source := {}\n\
         zpci-rust-back-chain := {}\n",
        value(is_source),
        value(has_back_chain)
    )
    .into_bytes()
}
