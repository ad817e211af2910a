// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A copy of a kernel tree with the driver in it, so that the tree itself is only read.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::source::Source;
use crate::integrate::{self, Form};
use crate::kernel_object::compiler::KernelCompiler;
use crate::progress::Step;
use crate::workspace::Workspace;

/// The configuration that chooses the driver, below the workspace.
pub(crate) const CONFIGURATION: &str = "qemu-s390x/linux/config-rust";

/// The configuration that has the kernel compile the crates itself, below the workspace.
pub(crate) const FROM_SOURCE: &str = "qemu-s390x/linux/config-source";

/// Copies the tree of `source` by hard links and puts the driver into the copy, as objects or as source.
///
/// A tree that never changes is copied once.
///
/// # Errors
///
/// There is no room for the copy, or the driver is not made for this kernel.
pub(crate) fn integrated(workspace: &Workspace, source: &Source, from_source: bool) -> Result<Source> {
    let kind = if from_source { "source" } else { "rust" };
    let copy = workspace.directory("linux/source")?.join(format!("{}-{kind}", source.name));
    if !(source.fixed && copy.is_dir()) {
        copy_tree(source, &copy)?;
    }
    if from_source {
        integrate::put_in(workspace, Form::Source, &copy)?;
    } else {
        let compiler = KernelCompiler::obtain(workspace)?;
        integrate::put_in(workspace, Form::Object(&compiler), &copy)?;
    }
    Ok(Source { tree: copy, ..source.clone() })
}

fn copy_tree(source: &Source, copy: &PathBuf) -> Result<()> {
    let step = Step::start("Copying the kernel tree");
    let part = copy.with_extension("part");
    let result = (|| {
        for old in [&part, copy] {
            if old.exists() {
                fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
            }
        }
        // Links are not possible from another file system.
        let link = step.run(Command::new("cp").arg("-al").arg(&source.tree).arg(&part));
        if link.is_err() {
            if part.exists() {
                fs::remove_dir_all(&part)?;
            }
            step.run(Command::new("cp").arg("-a").arg(&source.tree).arg(&part))?;
        }
        fs::rename(&part, copy).with_context(|| format!("cannot make {}", copy.display()))
    })();
    match &result {
        Ok(()) => step.done("copied"),
        Err(_) => step.failed(),
    }
    result
}
