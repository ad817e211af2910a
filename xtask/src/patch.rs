// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A patch of a few lines of the kernel's files, as `diff -u` writes it. It fits exactly or not at all: its lines have to
//! be there once, wherever that is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};

/// The texts of files, by their paths in a tree.
pub(crate) type Texts = BTreeMap<PathBuf, String>;

/// Changes of several files.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Patch {
    hunks: Vec<Hunk>,
}

/// Lines that take the place of others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Hunk {
    path: PathBuf,
    old: String,
    new: String,
}

/// Which of the lines of a hunk a text has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lines {
    /// Those before the change.
    Old,
    /// Those after it.
    New,
}

impl Patch {
    /// Reads a patch whose paths have one directory in front, such as `a/`.
    ///
    /// # Errors
    ///
    /// There is no hunk, or one does not have as many lines as its header says, which `patch` and `git apply` refuse too.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut path: Option<PathBuf> = None;
        // How many lines of the hunk are still to come, before and after the change; nothing outside of hunks.
        let mut left: Option<(usize, usize)> = None;
        let mut lines = text.split_inclusive('\n').enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let place = || format!("line {} of the patch", number + 1);
            match left {
                Some((old, new)) if (old, new) != (0, 0) => {
                    let hunk = hunks.last_mut().context("a line of no hunk")?;
                    let is_next_file =
                        line.starts_with("--- ") && lines.peek().is_some_and(|(_, line)| line.starts_with("+++ "));
                    ensure!(!is_next_file, "{}: fewer lines than the header says", place());
                    let (sign, rest) = line.split_at_checked(1).unwrap_or((line, ""));
                    let counts = match sign {
                        " " => old.checked_sub(1).zip(new.checked_sub(1)),
                        "-" => old.checked_sub(1).zip(Some(new)),
                        "+" => Some(old).zip(new.checked_sub(1)),
                        _ => bail!("{}: a line of a hunk starts with {sign:?}, and more are to come", place()),
                    };
                    left = Some(counts.with_context(|| format!("{}: more lines than the header says", place()))?);
                    if sign != "+" {
                        hunk.old.push_str(rest);
                    }
                    if sign != "-" {
                        hunk.new.push_str(rest);
                    }
                }
                _ if line.starts_with("@@ ") => {
                    let path = path.clone().with_context(|| format!("{}: a hunk of no file", place()))?;
                    left = Some(counts(line).with_context(|| format!("{}: no header of a hunk", place()))?);
                    hunks.push(Hunk { path, ..Hunk::default() });
                }
                _ if line.starts_with("--- ") || line.starts_with("diff ") => left = None,
                _ if line.starts_with("+++ ") => {
                    path = Some(Path::new(line.trim_start_matches("+++ ").trim_end()).components().skip(1).collect());
                    left = None;
                }
                // What follows a hunk and looks like more of it is not counted by its header.
                // But for the line that git puts before its version.
                Some(_) if line != "-- \n" && line.starts_with([' ', '-', '+']) => {
                    bail!("{}: more lines than the header says", place())
                }
                _ => {}
            }
        }
        ensure!(
            left.is_none_or(|left| left == (0, 0)),
            "the last hunk of the patch has fewer lines than its header says"
        );
        ensure!(!hunks.is_empty(), "a patch without a hunk");
        Ok(Self { hunks })
    }

    /// Reads the note of a patch that was applied, whose counts are not looked at: versions that did not count have left
    /// notes too, and the lines say all.
    pub(crate) fn parse_note(text: &str) -> Result<Self> {
        Self::parse(&counted(text))
    }

    /// Makes the changes in `texts`; what of `tree` they need and is not among them is read first.
    ///
    /// # Errors
    ///
    /// A file is missing, or does not have the lines that are changed.
    pub(crate) fn apply(&self, tree: &Path, texts: &mut Texts) -> Result<()> {
        for hunk in &self.hunks {
            let text = hunk.text(tree, texts)?;
            let found = text.matches(hunk.old.as_str()).count();
            ensure!(found == 1, "{} has these lines {found} times:\n{}", tree.join(&hunk.path).display(), hunk.old);
            *text = text.replacen(hunk.old.as_str(), &hunk.new, 1);
        }
        Ok(())
    }

    /// Takes those changes back that are in the files, some or all or none; returns how many were.
    ///
    /// # Errors
    ///
    /// A file is missing, or has the lines neither as they were before the change nor as they are after it.
    pub(crate) fn take_back(&self, tree: &Path, texts: &mut Texts) -> Result<usize> {
        let mut found = 0;
        for hunk in self.hunks.iter().rev() {
            let text = hunk.text(tree, texts)?;
            match hunk.lines_in(text) {
                Some(Lines::Old) => {}
                Some(Lines::New) => {
                    found += 1;
                    *text = text.replacen(hunk.new.as_str(), &hunk.old, 1);
                }
                None => bail!(
                    "{} has these lines neither once nor as they were before them:\n{}",
                    tree.join(&hunk.path).display(),
                    hunk.new
                ),
            }
        }
        Ok(found)
    }

    /// Whether a change is in a file of `tree`; what is in `texts` is taken for the files.
    pub(crate) fn is_begun(&self, tree: &Path, texts: &Texts) -> bool {
        let mut texts = texts.clone();
        self.hunks
            .iter()
            .any(|hunk| hunk.text(tree, &mut texts).is_ok_and(|text| hunk.lines_in(text) == Some(Lines::New)))
    }
}

impl Hunk {
    /// The text of its file.
    fn text<'a>(&self, tree: &Path, texts: &'a mut Texts) -> Result<&'a mut String> {
        if !texts.contains_key(&self.path) {
            let file = tree.join(&self.path);
            let text = fs::read_to_string(&file).with_context(|| format!("there is no {}", file.display()))?;
            texts.insert(self.path.clone(), text);
        }
        texts.get_mut(&self.path).context("a file without a text")
    }

    /// Which of its lines are in `text`, once; nothing where that cannot be told.
    fn lines_in(&self, text: &str) -> Option<Lines> {
        let count = |lines: &str| if lines.is_empty() { 0 } else { text.matches(lines).count() };
        let (mut old, mut new) = (count(&self.old), count(&self.new));
        // Lines that are added at an end leave the old ones within the new ones, and the other way round.
        if self.new.contains(&self.old) {
            old = old.checked_sub(new)?;
        } else if self.old.contains(&self.new) {
            new = new.checked_sub(old)?;
        }
        match (old, new) {
            (1, 0) => Some(Lines::Old),
            (0, 1) => Some(Lines::New),
            _ => None,
        }
    }
}

/// How many lines a hunk has before and after the change, by its header.
fn counts(header: &str) -> Option<(usize, usize)> {
    let (ranges, _) = header.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    // One line where there is no count.
    let count = |range: &str| {
        let (line, count) = range.split_once(',').unwrap_or((range, "1"));
        line.parse::<usize>().ok()?;
        count.parse::<usize>().ok()
    };
    Some((count(old)?, count(new)?))
}

/// `text` with headers that say how many lines their hunks have.
fn counted(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut result = String::new();
    for (number, line) in lines.iter().enumerate() {
        if !line.starts_with("@@ ") {
            result.push_str(line);
            continue;
        }
        let hunk = lines.iter().skip(number + 1).take_while(|line| {
            line.starts_with([' ', '+', '-']) && !line.starts_with("--- ") && !line.starts_with("+++ ")
        });
        let (old, new) = hunk.fold((0, 0), |(old, new), line| {
            (old + usize::from(!line.starts_with('+')), new + usize::from(!line.starts_with('-')))
        });
        result.push_str(&format!("@@ -1,{old} +1,{new} @@\n"));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{files_of_kind, Workspace};

    const PATCH: &str = "\
What it is for.

--- a/one/file.c
+++ b/one/file.c
@@ -1,3 +1,3 @@
 first
-second
+zweite
 
@@ -9,2 +9,3 @@ in a function
 ninth
+and a half
 tenth
--- a/other.h
+++ b/other.h
@@ -1 +1,0 @@
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
        // A line that was removed altogether leaves nothing by which its place could be found.
        patch.take_back(Path::new("/tree"), &mut text.clone()).unwrap_err();
        let patch = Patch::parse(PATCH.split_once("--- a/other.h").unwrap().0).unwrap();
        assert_eq!(patch.take_back(Path::new("/tree"), &mut text).unwrap(), 2);
        assert_eq!(text.get(Path::new("one/file.c")), before.get(Path::new("one/file.c")));
    }

    #[test]
    fn what_is_taken_back_already_is_left() {
        let patch = Patch::parse(PATCH.split_once("--- a/other.h").unwrap().0).unwrap();
        let whole = "first\nsecond\n\nninth\ntenth\n";
        for (now, count) in
            [(whole, 0), ("first\nzweite\n\nninth\ntenth\n", 1), ("first\nsecond\n\nninth\nand a half\ntenth\n", 1)]
        {
            let mut text = texts(now, "");
            assert_eq!(patch.is_begun(Path::new("/tree"), &text), count == 1, "{now}");
            assert_eq!(patch.take_back(Path::new("/tree"), &mut text).unwrap(), count, "{now}");
            assert_eq!(text, texts(whole, ""));
        }
        let mut text = texts("first\ndeuxième\n\nninth\ntenth\n", "");
        let error = patch.take_back(Path::new("/tree"), &mut text).unwrap_err().to_string();
        assert_eq!(
            error,
            "/tree/one/file.c has these lines neither once nor as they were before them:\nfirst\nzweite\n\n"
        );
        assert!(!patch.is_begun(Path::new("/nowhere"), &Texts::new()));
    }

    /// Lines at the end of a hunk: those before are part of those after, or the other way round.
    #[test]
    fn lines_that_contain_the_others_are_told_apart() {
        for (header, body) in [("@@ -1 +1,2 @@", " a\n+b\n"), ("@@ -1,2 +1 @@", " a\n-b\n")] {
            let patch = Patch::parse(&format!("--- a/one/file.c\n+++ b/one/file.c\n{header}\n{body}")).unwrap();
            let (before, after) = if body.contains('+') { ("a\nc\n", "a\nb\nc\n") } else { ("a\nb\nc\n", "a\nc\n") };
            for (now, count) in [(before, 0), (after, 1)] {
                let mut text = texts(now, "");
                assert_eq!(patch.take_back(Path::new("/tree"), &mut text).unwrap(), count, "{body} in {now}");
                assert_eq!(text, texts(before, ""));
            }
        }
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
        assert!(Patch::parse("@@ -1 +1 @@\n-a\n+b\n").is_err());
        assert!(Patch::parse("+++ b/file\n@@ -1 +1 @@\n*a\n").is_err());
        assert!(Patch::parse("+++ b/file\n@@ -a +1 @@\n-a\n+b\n").is_err());
        assert!(Patch::parse("+++ b/file\n@@ -1 +1\n-a\n+b\n").is_err());
    }

    #[test]
    fn counts_that_are_not_those_of_the_lines_are_refused() {
        for (right, wrong) in [
            ("-1,3 +1,3", "-1,2 +1,3"),
            ("-1,3 +1,3", "-1,4 +1,3"),
            ("-1,3 +1,3", "-1,3 +1,2"),
            ("-1,3 +1,3", "-1,3 +1,4"),
            ("-1,3 +1,3", "-1 +1"),
            ("-9,2 +9,3", "-9,3 +9,4"),
            ("-9,2 +9,3", "-9,1 +9,2"),
            ("-1 +1,0", "-1,2 +1,1"),
            ("-1 +1,0", "-1,0 +1,0"),
        ] {
            assert!(Patch::parse(&PATCH.replace(right, wrong)).is_err(), "{wrong} for {right}");
        }
    }

    #[test]
    fn a_note_is_read_whatever_it_counts() {
        let patch = Patch::parse(PATCH).unwrap();
        for (right, wrong) in [("-1,3 +1,3", "-1,4 +1,4"), ("-9,2 +9,3", "-9 +9"), ("-1 +1,0", "-1,5 +1,5")] {
            assert_eq!(Patch::parse_note(&PATCH.replace(right, wrong)).unwrap(), patch);
        }
        assert!(Patch::parse_note("nothing\n").is_err());
    }

    /// What the kernel gets by hand or by the commands of others is read by a parser that counts.
    #[test]
    fn every_patch_that_is_shipped_counts_its_lines() {
        let root = Workspace::find().unwrap().root;
        let mut seen = 0;
        for directory in ["glue-c/kernel/patches", "glue-c/upstream/fixes", "glue-c/upstream/leaf", "glue-c/vmm/qemu"] {
            for path in files_of_kind(&root.join(directory), "patch").unwrap() {
                let text = fs::read_to_string(&path).unwrap();
                let (_, change) = text.split_once("\n---\n").unwrap();
                if let Err(error) = Patch::parse(change) {
                    panic!("{}: {error:#}", path.display());
                }
                seen += 1;
            }
        }
        assert_eq!(seen, 21);
    }
}
