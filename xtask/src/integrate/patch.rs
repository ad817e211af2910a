// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A patch of a few lines of the kernel's files, as `diff -u` writes it. It fits exactly or not at all: its lines have to
//! be there once, wherever that is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

/// The texts of files, by their paths in a tree.
pub(super) type Texts = BTreeMap<PathBuf, String>;

/// Changes of several files.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Patch {
    hunks: Vec<Hunk>,
}

/// Lines that take the place of others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Hunk {
    path: PathBuf,
    old: String,
    new: String,
}

impl Patch {
    /// Reads a patch whose paths have one directory in front, such as `a/`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut path: Option<PathBuf> = None;
        let mut in_hunk = false;
        for line in text.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("+++ ") {
                path = Some(Path::new(name.trim_end()).components().skip(1).collect());
                in_hunk = false;
            } else if line.starts_with("--- ") {
                in_hunk = false;
            } else if line.starts_with("@@ ") {
                let path = path.clone().context("a hunk of no file")?;
                hunks.push(Hunk { path, ..Hunk::default() });
                in_hunk = true;
            } else if let (true, Some(hunk)) = (in_hunk, hunks.last_mut()) {
                let (sign, rest) = line.split_at(line.len().min(1));
                ensure!([" ", "-", "+"].contains(&sign), "a line of a hunk starts with {sign:?}");
                if sign != "+" {
                    hunk.old.push_str(rest);
                }
                if sign != "-" {
                    hunk.new.push_str(rest);
                }
            }
        }
        ensure!(!hunks.is_empty(), "a patch without a hunk");
        Ok(Self { hunks })
    }

    /// The patch that takes the changes back.
    pub(super) fn reversed(mut self) -> Self {
        self.hunks.iter_mut().for_each(|hunk| std::mem::swap(&mut hunk.old, &mut hunk.new));
        self
    }

    /// Makes the changes in `texts`; what of `tree` they need and is not among them is read first.
    ///
    /// # Errors
    ///
    /// A file is missing, or does not have the lines that are changed.
    pub(super) fn apply(&self, tree: &Path, texts: &mut Texts) -> Result<()> {
        for Hunk { path, old, new } in &self.hunks {
            if !texts.contains_key(path) {
                let file = tree.join(path);
                let text = fs::read_to_string(&file).with_context(|| format!("there is no {}", file.display()))?;
                texts.insert(path.clone(), text);
            }
            let text = texts.get_mut(path).context("a file without a text")?;
            let found = text.matches(old.as_str()).count();
            ensure!(found == 1, "{} has these lines {found} times:\n{old}", tree.join(path).display());
            *text = text.replacen(old.as_str(), new, 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "\
What it is for.

--- a/one/file.c
+++ b/one/file.c
@@ -1,3 +1,3 @@
 first
-second
+zweite
 
@@ -9,2 +9,3 @@
 ninth
+and a half
 tenth
--- a/other.h
+++ b/other.h
@@ -1,1 +1,0 @@
-gone
";

    fn texts(one: &str, other: &str) -> Texts {
        [("one/file.c", one), ("other.h", other)].map(|(path, text)| (path.into(), text.to_owned())).into()
    }

    #[test]
    fn lines_are_changed_and_changed_back() {
        let patch = Patch::parse(PATCH).unwrap();
        let before = texts("zeroth\nfirst\nsecond\n\nninth\ntenth\n", "gone\nstays\n");
        let mut text = before.clone();
        patch.apply(Path::new("/tree"), &mut text).unwrap();
        assert_eq!(text, texts("zeroth\nfirst\nzweite\n\nninth\nand a half\ntenth\n", "stays\n"));
        patch.reversed().apply(Path::new("/tree"), &mut text.clone()).unwrap_err();
        // A line that was removed altogether leaves nothing by which its place could be found.
        let patch = Patch::parse(PATCH.split_once("--- a/other.h").unwrap().0).unwrap();
        patch.reversed().apply(Path::new("/tree"), &mut text).unwrap();
        assert_eq!(text.get(Path::new("one/file.c")), before.get(Path::new("one/file.c")));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let patch = Patch::parse(PATCH).unwrap();
        for (one, count) in [("first\nninth\ntenth\n", 0), ("first\nsecond\n\nfirst\nsecond\n\n", 2)] {
            let error = patch.apply(Path::new("/tree"), &mut texts(one, "gone\n")).unwrap_err().to_string();
            assert_eq!(error, format!("/tree/one/file.c has these lines {count} times:\nfirst\nsecond\n\n"));
        }
        let error = patch.apply(Path::new("/nowhere"), &mut Texts::new()).unwrap_err().to_string();
        assert_eq!(error, "there is no /nowhere/one/file.c");
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        assert!(Patch::parse("nothing\n").is_err());
        assert!(Patch::parse("@@ -1 +1 @@\n-a\n").is_err());
        assert!(Patch::parse("+++ b/file\n@@ -1 +1 @@\n*a\n").is_err());
    }
}
