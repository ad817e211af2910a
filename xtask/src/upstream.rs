// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the kernel could take from this project: series of patches for its maintainers, and a tree with the fixes.

mod fix;
mod kunit;
mod letter;
mod repository;
mod set;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};

use crate::apt::Wanted;
use crate::linux::{build_stock, Series, Source, Stamp};
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::{files_of_kind, Workspace};
use fix::Fix;
use repository::Repository;
use set::{Set, FIXES, SETS};

/// Applies patches and writes them.
const GIT: Tool = Tool {
    program: "git",
    check: &["--version"],
    package: Wanted { name: "git", minimum: "0", purpose: "applies patches" },
};

/// Debian's Python, whose packages another one does not see.
const PYTHON: &str = "/usr/bin/python3";

/// What judges patches.
const JUDGES: [Tool; 3] = [
    // Runs the kernel's checkpatch.
    Tool {
        program: "perl",
        check: &["--version"],
        package: Wanted { name: "perl", minimum: "0", purpose: "runs the script of Linux that judges patches" },
    },
    // What that asks of licence lines.
    Tool {
        program: PYTHON,
        check: &["-c", "import ply"],
        package: Wanted { name: "python3-ply", minimum: "0", purpose: "checks the licence lines of patches" },
    },
    Tool {
        program: PYTHON,
        check: &["-c", "import git"],
        package: Wanted { name: "python3-git", minimum: "0", purpose: "checks the licence lines of patches" },
    },
];

/// What the build of a series is called, with what it adds.
const VARIANT: &str = "series";

/// The same without.
const WITHOUT: &str = "series-without";

/// Where the series go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The directory for the patches, each series in one of its own, which must not have any yet
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Write only this series: fixes (of the stock driver), leaf (CLP's parser in Rust), or uapi (what user space could be
    /// told); may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Sign the patches off, in the name that git knows: read Linux's submitting-patches.rst before
    #[arg(long)]
    sign_off: bool,
}

/// Writes the series against the newest kernel: each patch is checked by checkpatch and built, its tests are run, and all of
/// a series are applied to the tree as it is once more.
///
/// # Errors
///
/// A patch does not apply, is not clean or does not build; a test fails; git does not know who commits.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    if let Some(unknown) = options.only.iter().find(|name| SETS.iter().all(|set| set.name != name.as_str())) {
        bail!("there is no series \"{unknown}\"; there are fixes, leaf and uapi");
    }
    let wanted = |set: &&Set| options.only.is_empty() || options.only.iter().any(|name| name == set.name);
    let mut series = Vec::new();
    // All before the first is made, which takes minutes.
    for set in SETS.iter().filter(wanted) {
        let out = options.out.join(set.name);
        fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        let out = out.canonicalize()?;
        ensure!(patches_in(&out)?.is_empty(), "{} has patches already; remove them, or name another", out.display());
        series.push((set, out));
    }
    tool::ensure_all(workspace, &[GIT])?;
    tool::ensure_all(workspace, &JUDGES)?;
    let source = Source::packaged(workspace, Series::V7_3)?;
    series.iter().try_for_each(|(set, out)| write(workspace, &source, set, out, options.sign_off))?;
    Ok(true)
}

fn write(workspace: &Workspace, source: &Source, set: &Set, out: &Path, signed: bool) -> Result<()> {
    let fixes = Fix::all(workspace, set)?;
    let repository = Repository::new(workspace, source, set, &fixes)?;
    let tree = source.at(repository.tree.clone());
    build_stock(workspace, &tree, WITHOUT, None)?;
    for fix in &fixes {
        repository.commit(fix, signed)?;
        let built = build_stock(workspace, &tree, WITHOUT, None).and_then(|()| match set.option {
            Some(option) => build_stock(workspace, &tree, VARIANT, Some(option)),
            None => Ok(()),
        });
        built.with_context(|| format!("the series up to {}", fix.name()))?;
    }
    if let Some(tests) = set.tests {
        kunit::run(workspace, &repository.tree, tests)?;
    }
    repository.write(out)?;
    letter::complete(workspace, set, out)?;
    let patches = patches_in(out)?;
    let series: Vec<_> = patches.iter().filter(|path| !letter::is_letter(path)).cloned().collect();
    ensure!(series.len() == fixes.len(), "git wrote {} patches of {}", series.len(), fixes.len());
    repository.check(&series, signed)?;
    repository.format(&fixes)?;
    repository.apply_again(&series)?;
    for path in &patches {
        println!("{}", path.display());
    }
    println!(
        "Linux {}: {}, {} patches, each built and clean by checkpatch --strict; git am takes them",
        source.version,
        set.name,
        fixes.len()
    );
    Ok(())
}

/// A copy of the tree of `source` with all fixes in it; made anew when one of them has changed.
///
/// # Errors
///
/// A fix does not apply.
pub(crate) fn fixed(workspace: &Workspace, source: &Source) -> Result<Source> {
    tool::ensure_all(workspace, &[GIT])?;
    let fixes = Fix::all(workspace, &FIXES)?;
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
    files_of_kind(directory, "patch")
}
