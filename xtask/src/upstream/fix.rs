// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A patch of a series: a file with the message of a commit and the change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use super::set::Set;
use crate::patch::Patch;
use crate::progress::Step;
use crate::workspace::{read_text, Workspace};

/// A patch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fix {
    /// The file.
    pub(crate) path: PathBuf,
    /// The message: a line about it, an empty one, and why.
    pub(crate) message: String,
    /// The files that it changes, below the tree.
    pub(crate) files: BTreeSet<String>,
}

impl Fix {
    /// All of `set`, in the order in which they apply.
    pub(crate) fn all(workspace: &Workspace, set: &Set) -> Result<Vec<Self>> {
        super::patches_in(&workspace.root.join(set.directory))?.into_iter().map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Result<Self> {
        let text = read_text(&path)?;
        let (message, files) = parse(&text).with_context(|| format!("{} is not read", path.display()))?;
        Ok(Self { path, message, files })
    }

    /// What the file is called.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Changes the files of `tree`, with further options of git. The files are replaced, so that hard links to them keep
    /// the old contents.
    pub(crate) fn apply(&self, step: &Step, tree: &Path, options: &[&str]) -> Result<()> {
        let mut git = Command::new("git");
        git.arg("apply").args(options).arg(&self.path).current_dir(tree);
        // A tree below another repository is none of it, or git would leave out its files without a word.
        git.env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree));
        step.run(&mut git).map(drop).with_context(|| format!("{} does not apply", self.path.display()))
    }
}

/// The message of a commit and the names of the files that it changes.
fn parse(text: &str) -> Result<(String, BTreeSet<String>)> {
    let Some((licence, rest)) = text.split_once('\n') else { bail!("there is nothing in it") };
    ensure!(licence.starts_with("# SPDX-License-Identifier: "), "the first line names no licence");
    let (message, change) = rest.split_once("\n---\n").context("no line \"---\" ends the message")?;
    let mut lines = message.lines();
    let subject = lines.next().unwrap_or_default();
    ensure!(!subject.is_empty() && lines.next() == Some(""), "the message is no line, an empty one and a text");
    let files: BTreeSet<String> =
        change.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(str::to_owned).collect();
    ensure!(!files.is_empty(), "it changes no file");
    // git says no more than that a patch is corrupt.
    Patch::parse(change)?;
    Ok((format!("{message}\n"), files))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
# SPDX-License-Identifier: GPL-2.0-only
a: Do it

Since it was not done.
---
diff --git a/x.c b/x.c
--- a/x.c
+++ b/x.c
@@ -1 +1 @@
-a
+b
";

    #[test]
    fn message_and_files() {
        let (message, files) = parse(GOOD).unwrap();
        assert_eq!(message, "a: Do it\n\nSince it was not done.\n");
        assert_eq!(files.into_iter().collect::<Vec<_>>(), ["x.c"]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let error = |from: &str, to: &str| parse(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(error("# SPDX", "SPDX").contains("licence"));
        assert!(error("\n---\n", "\n").contains("---"));
        assert!(error("it\n\n", "it\n").contains("message"));
        assert!(error("+++ b/", "+++ c/").contains("no file"));
        assert!(error("@@ -1 +1 @@", "@@ -1,2 +1 @@").contains("fewer lines"));
    }
}
