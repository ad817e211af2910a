// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A copy of a kernel tree with the driver in it, so that the tree itself is only read.

use anyhow::Result;

use super::source::Source;
use crate::integrate::{self, Form};
use crate::kernel_object::compiler::KernelCompiler;
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
        source.copy_to(&copy)?;
    }
    if from_source {
        integrate::put_in(workspace, Form::Source, &copy)?;
    } else {
        let compiler = KernelCompiler::obtain(workspace)?;
        integrate::put_in(workspace, Form::Object(&compiler), &copy)?;
    }
    Ok(source.at(copy))
}
