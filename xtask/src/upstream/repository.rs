// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A kernel tree with a commit for each patch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use super::fix::Fix;
use super::set::Set;
use crate::linux::Source;
use crate::progress::Step;
use crate::workspace::Workspace;

/// What the commit of the tree as it is is called.
const BASE: &str = "base";

/// A copy of a kernel tree under git, which knows the files alone that the patches change.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The tree.
    pub(crate) tree: PathBuf,
}

impl Repository {
    /// The tree of `source` as it is.
    ///
    /// # Errors
    ///
    /// There is no room for it, or git does not know the name and the address of who runs this, who signs the commits.
    pub(crate) fn new(workspace: &Workspace, source: &Source, set: &Set, fixes: &[Fix]) -> Result<Self> {
        let tree = workspace.directory("linux/source")?.join(format!("{}-series-{}", source.name, set.name));
        source.copy_to(&tree)?;
        let repository = Self { tree };
        let step = Step::start("Repository of the series");
        let result = repository.found(&step, source, fixes);
        step.end("made", result)?;
        Ok(repository)
    }

    fn found(&self, step: &Step, source: &Source, fixes: &[Fix]) -> Result<()> {
        let mut files: BTreeSet<&String> = fixes.iter().flat_map(|fix| &fix.files).collect();
        // Those that a patch adds are not there yet.
        files.retain(|file| self.tree.join(file).is_file());
        step.run(&mut self.git(&["init", "--quiet", "."]))?;
        // The tree may say itself which files are to be ignored.
        step.run(self.git(&["add", "--force", "--"]).args(files))?;
        let message = format!("Linux {}", source.version);
        step.run(&mut self.git(&["commit", "--quiet", "--message", &message]))
            .context("git needs `user.name` and `user.email` to commit")?;
        step.run(&mut self.git(&["tag", BASE])).map(drop)
    }

    /// Adds a commit for `fix`, signed off by who runs this if `signed`.
    pub(crate) fn commit(&self, fix: &Fix, signed: bool) -> Result<()> {
        let step = Step::start(fix.name());
        // A file that somebody has made another link to meanwhile is as it was.
        let refreshed = step.run(&mut self.git(&["update-index", "-q", "--refresh"]));
        let result = refreshed.and_then(|_| fix.apply(&step, &self.tree, &["--index"])).and_then(|()| {
            let mut commit = self.git(&["commit", "--quiet", "--message", &fix.message]);
            commit.args(signed.then_some("--signoff"));
            step.run(&mut commit).map(drop)
        });
        step.end("committed", result)
    }

    /// Writes a patch for each commit to `out`, and a letter to go before them.
    pub(crate) fn write(&self, out: &Path) -> Result<()> {
        let step = Step::start("Patches");
        let mut git = self.git(&["format-patch", "--quiet", "--cover-letter", "--output-directory"]);
        let result = step.run(git.arg(out).arg(BASE));
        step.end("written", result).map(drop)
    }

    /// Runs checkpatch on each of `patches`, which have to be signed off if `signed`.
    pub(crate) fn check(&self, patches: &[PathBuf], signed: bool) -> Result<()> {
        let step = Step::start("checkpatch --strict");
        let mut checkpatch = Command::new("perl");
        // The tree has no history, so that no commit that a tag names is in it.
        checkpatch.args(["scripts/checkpatch.pl", "--strict", "--quiet", "--ignore", "UNKNOWN_COMMIT_ID"]);
        if !signed {
            checkpatch.args(["--ignore", "MISSING_SIGN_OFF"]);
        }
        checkpatch.args(patches).current_dir(&self.tree);
        // It runs the first `python3`, which is to be Debian's.
        checkpatch.env("PATH", format!("/usr/bin:{}", std::env::var("PATH").unwrap_or_default()));
        let result = step.run(&mut checkpatch);
        step.end("clean", result).map(drop)
    }

    /// Sees that the Rust which `fixes` change is as rustfmt writes it for this tree.
    pub(crate) fn format(&self, fixes: &[Fix]) -> Result<()> {
        let files: BTreeSet<_> = fixes.iter().flat_map(|fix| &fix.files).filter(|file| file.ends_with(".rs")).collect();
        if files.is_empty() {
            return Ok(());
        }
        let step = Step::start("rustfmt --check");
        let mut rustfmt = Command::new("rustfmt");
        // What `make rustfmtcheck` runs; the file of options is the tree's.
        rustfmt.args(["--check", "--edition", "2021"]).args(files).current_dir(&self.tree);
        let result = step.run(&mut rustfmt);
        step.end("clean", result).map(drop)
    }

    /// Applies `patches` to the tree as it was, and sees that the result is the same.
    pub(crate) fn apply_again(&self, patches: &[PathBuf]) -> Result<()> {
        let step = Step::start("git am");
        let result = (|| {
            let made = step.run(&mut self.git(&["rev-parse", "HEAD^{tree}"]))?;
            step.run(&mut self.git(&["checkout", "--quiet", "--detach", BASE]))?;
            step.run(self.git(&["am", "--quiet"]).args(patches))?;
            let applied = step.run(&mut self.git(&["rev-parse", "HEAD^{tree}"]))?;
            ensure!(made == applied, "the patches make another tree than the commits");
            Ok(())
        })();
        step.end("the same tree", result)
    }

    fn git(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.tree).args(arguments);
        git
    }
}
