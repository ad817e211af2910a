// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the stock driver could take from this project: a series of patches for its maintainers, and a tree with them.

mod fix;
mod letter;
mod repository;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

use crate::apt::Wanted;
use crate::linux::{build_stock, Series, Source, Stamp};
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;
use fix::Fix;
use repository::Repository;

/// Applies patches and writes them.
const TOOLS: [Tool; 2] = [
    Tool {
        program: "git",
        check: &["--version"],
        package: Wanted { name: "git", minimum: "0", purpose: "applies patches" },
    },
    // Runs the kernel's checkpatch.
    Tool {
        program: "perl",
        check: &["--version"],
        package: Wanted { name: "perl", minimum: "0", purpose: "runs the script of Linux that judges patches" },
    },
];

/// What the build of the series is called.
const VARIANT: &str = "series";

/// Where the series goes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The directory for the patches, which must not have any yet
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

/// Writes the series against the newest kernel: each patch is checked by checkpatch and built, and all of them are applied
/// to the tree as it is once more.
///
/// # Errors
///
/// A patch does not apply, is not clean or does not build; git does not know who signs.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    tool::ensure_all(workspace, &TOOLS)?;
    fs::create_dir_all(&options.out).with_context(|| format!("cannot make {}", options.out.display()))?;
    let out = options.out.canonicalize()?;
    ensure!(patches_in(&out)?.is_empty(), "{} has patches already; remove them, or name another", out.display());
    let source = Source::packaged(workspace, Series::V7_3)?;
    let fixes = Fix::all(workspace)?;
    let repository = Repository::new(workspace, &source, &fixes)?;
    let tree = source.at(repository.tree.clone());
    build_stock(workspace, &tree, VARIANT)?;
    for fix in &fixes {
        repository.commit(fix)?;
        build_stock(workspace, &tree, VARIANT).with_context(|| format!("the series up to {}", fix.name()))?;
    }
    repository.write(&out)?;
    letter::complete(workspace, &out)?;
    let patches = patches_in(&out)?;
    let series: Vec<_> = patches.iter().filter(|path| !letter::is_letter(path)).cloned().collect();
    ensure!(series.len() == fixes.len(), "git wrote {} patches of {}", series.len(), fixes.len());
    repository.check(&series)?;
    repository.apply_again(&series)?;
    for path in &patches {
        println!("{}", path.display());
    }
    println!(
        "Linux {}: {} patches, each built and clean by checkpatch --strict; git am takes them",
        source.version,
        fixes.len()
    );
    Ok(true)
}

/// A copy of the tree of `source` with all fixes in it; made anew when one of them has changed.
///
/// # Errors
///
/// A fix does not apply.
pub(crate) fn fixed(workspace: &Workspace, source: &Source) -> Result<Source> {
    tool::ensure_all(workspace, &TOOLS)?;
    let fixes = Fix::all(workspace)?;
    let tree = workspace.directory("linux/source")?.join(format!("{}-fixed", source.name));
    let mut stamp = Stamp::default();
    fixes.iter().try_for_each(|fix| stamp.file(&fix.path))?;
    let applied = tree.with_extension("fixes");
    if !(tree.is_dir() && stamp.is_at(&applied)) {
        source.copy_to(&tree)?;
        let step = Step::start("Fixes of the stock driver");
        let result = fixes.iter().try_for_each(|fix| fix.apply(&step, &tree, &[]));
        step.end("applied", result)?;
        stamp.write(&applied)?;
    }
    // The name is that of the tree as it is, so that nothing else says that this one has changed.
    Ok(Source { fixed: false, ..source.at(tree) })
}

/// The patches in `directory`, in their order.
fn patches_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
