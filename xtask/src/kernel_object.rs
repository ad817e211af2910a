// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a kernel links of Rust: a static library, made into one relocatable object.

pub(crate) mod compiler;
pub(crate) mod symbols;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{ensure, Result};

use crate::progress::Step;
use crate::tool;
use crate::workspace::Workspace;
use compiler::KernelCompiler;
use symbols::{is_mangled, Symbols};

/// What an object is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Recipe {
    /// The package whose static library holds the exports.
    pub(crate) package: &'static str,
    /// How its sections are put together.
    script: &'static str,
}

/// The driver.
pub(crate) const DRIVER: Recipe = Recipe { package: "zpci-object", script: "glue-c/object/object.ld" };

/// The cases in a test module.
pub(crate) const CASES: Recipe = Recipe { package: "zpci-cases", script: "qemu-s390x/linux/cases/object.ld" };

/// The object, and what C can call in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KernelObject {
    /// The file.
    pub(crate) path: PathBuf,
    /// The exports.
    pub(crate) exports: Vec<String>,
    /// Whether a kernel finds the callers of what is in it.
    pub(crate) has_back_chain: bool,
}

/// Links the static library as a kernel does: everything that no export needs is left out, and debugging information
/// too, whose relocations a kernel's own check does not take.
///
/// # Errors
///
/// A tool is missing and cannot be installed, or the library does not build.
pub(crate) fn build(
    workspace: &Workspace,
    compiler: &KernelCompiler,
    step: &Step,
    recipe: Recipe,
) -> Result<KernelObject> {
    tool::ensure_all(workspace, &[tool::LINKER, tool::NM, tool::OBJDUMP])?;
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--package", recipe.package]);
    let results = compiler.apply(workspace, &mut command)?;
    step.run(&mut command)?;
    let name = recipe.package.replace('-', "_");
    let archive = results.join(format!("lib{name}.a"));
    // Of the members of the archive, those of the package itself are named after it; the others are of the compiler.
    let exported = Symbols::read(step, &archive, |member| member.starts_with(&name))?.exported;
    let exports: Vec<String> = exported.into_iter().filter(|symbol| !is_mangled(symbol)).collect();
    ensure!(!exports.is_empty(), "{} exports nothing", archive.display());
    let path = workspace.directory("object")?.join(format!("{name}.o"));
    let mut link = Command::new(tool::LINKER.program);
    link.args(["-r", "--gc-sections", "--strip-debug", "-T"])
        .arg(workspace.root.join(recipe.script))
        .arg("-o")
        .arg(&path);
    exports.iter().for_each(|symbol| {
        link.arg("-u").arg(symbol);
    });
    step.run(link.arg(&archive))?;
    Ok(KernelObject { path, exports, has_back_chain: compiler.packs_frames() })
}
