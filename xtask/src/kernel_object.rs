// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a kernel links of Rust: a static library, made into one relocatable object.

pub(crate) mod compiler;
pub(crate) mod expoline;
pub(crate) mod symbols;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use crate::progress::Step;
use crate::tool;
use crate::workspace::{read_text, Workspace};
use compiler::KernelCompiler;
use symbols::{is_mangled, Symbols};

/// What an object is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Recipe {
    /// The package whose static library holds the exports.
    pub(crate) package: &'static str,
    /// How its sections are put together.
    script: &'static str,
    /// Whether there is another one, for kernels with expolines.
    has_expolines: bool,
}

/// The driver.
pub(crate) const DRIVER: Recipe =
    Recipe { package: "zpci-object", script: "glue-c/object/object.ld", has_expolines: true };

/// The cases in a test module.
pub(crate) const CASES: Recipe =
    Recipe { package: "zpci-cases", script: "qemu-s390x/linux/cases/object.ld", has_expolines: false };

/// The oldest machine, which is what the compiler makes code for.
const ASSEMBLER_FLAGS: [&str; 2] = ["-m64", "-march=z10"];

/// The object, and what C can call in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KernelObject {
    /// The file.
    pub(crate) path: PathBuf,
    /// The same for a kernel with expolines.
    pub(crate) expoline: Option<Expoline>,
    /// The exports.
    pub(crate) exports: Vec<String>,
    /// Whether a kernel finds the callers of what is in it.
    pub(crate) has_back_chain: bool,
}

/// An object whose branches to addresses in registers go through thunks of the kernel's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Expoline {
    /// The file.
    pub(crate) path: PathBuf,
    /// How many such branches the compiler made.
    pub(crate) branches: usize,
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
    tool::ensure_all(workspace, &[tool::LINKER, tool::ASSEMBLER, tool::NM, tool::OBJDUMP])?;
    let name = recipe.package.replace('-', "_");
    let directory = workspace.directory("object")?;
    let mut command = workspace.cargo();
    command.args(["rustc", "--release", "--lib", "--package", recipe.package]);
    let results = compiler.apply(workspace, &mut command)?;
    let assembly = results.join(format!("{name}.s"));
    // It is assembled by a program that does not know how the compiler describes sources.
    command.env("CARGO_PROFILE_RELEASE_DEBUG", "0").arg("--").arg(format!("--emit=asm={}", assembly.display()));
    step.run(&mut command)?;
    let archive = results.join(format!("lib{name}.a"));
    // Of the members of the archive, those of the package itself are named after it; the others are of the compiler.
    let exported = Symbols::read(step, &archive, |member| member.starts_with(&name))?.exported;
    let exports: Vec<String> = exported.into_iter().filter(|symbol| !is_mangled(symbol)).collect();
    ensure!(!exports.is_empty(), "{} exports nothing", archive.display());
    let link = |input: &Path, path: PathBuf| {
        let mut link = Command::new(tool::LINKER.program);
        link.args(["-r", "--gc-sections", "--strip-debug", "-T"]).arg(workspace.root.join(recipe.script));
        exports.iter().for_each(|symbol| {
            link.arg("-u").arg(symbol);
        });
        step.run(link.arg("-o").arg(&path).arg(input))?;
        Ok::<_, anyhow::Error>(path)
    };
    let path = link(&archive, directory.join(format!("{name}.o")))?;
    let expoline = match recipe.has_expolines {
        false => None,
        true => {
            let converted = results.join(format!("{name}_expoline.s"));
            let assembled = converted.with_extension("o");
            let text = read_text(&assembly)?;
            let (text, branches) = expoline::convert(&text).with_context(|| assembly.display().to_string())?;
            fs::write(&converted, text).with_context(|| format!("cannot write {}", converted.display()))?;
            let mut assemble = Command::new(tool::ASSEMBLER.program);
            step.run(assemble.args(ASSEMBLER_FLAGS).arg("-o").arg(&assembled).arg(&converted))?;
            Some(Expoline { path: link(&assembled, directory.join(format!("{name}_expoline.o")))?, branches })
        }
    };
    Ok(KernelObject { path, expoline, exports, has_back_chain: compiler.packs_frames() })
}
