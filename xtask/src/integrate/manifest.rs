// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The list of the driver's files that is kept in a tree, as `sha256sum --check` reads it: which there are, whatever version
//! put them there, and what was in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{ensure, Context, Result};
use sha2::{Digest, Sha256};

use super::plan::directory;
use crate::workspace::read_text;

/// Its name in the driver's directory.
const NAME: &str = "integrated.sha256";

/// How it begins.
const HEAD: &str = "# Files that cargo xtask integrate put into this tree; --revert takes them out.\n";

/// The list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Manifest {
    /// For each file what may be in it: two things where one is about to take the place of another.
    files: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl Manifest {
    /// Where it is in a tree.
    pub(super) fn path() -> PathBuf {
        directory().join(NAME)
    }

    /// The list in `tree`; nothing where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or names what is not within the tree.
    pub(super) fn read(tree: &Path) -> Result<Option<Self>> {
        let path = tree.join(Self::path());
        if !path.is_file() {
            return Ok(None);
        }
        let text = read_text(&path)?;
        Self::parse(&text).with_context(|| path.display().to_string()).map(Some)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut manifest = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (digest, name) = line.split_once("  ").with_context(|| format!("no digest and name: {line}"))?;
            let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(is_digest, "no digest: {digest}");
            let path = Path::new(name);
            let is_below = path.components().all(|component| matches!(component, Component::Normal(_)));
            ensure!(is_below && !name.is_empty(), "no file of the tree: {name}");
            manifest.insert(path, digest);
        }
        Ok(manifest)
    }

    /// Adds a file with these contents.
    pub(super) fn add(&mut self, path: &Path, bytes: &[u8]) {
        self.insert(path, &digest(bytes));
    }

    /// Adds all of `other`.
    pub(super) fn extend(&mut self, other: &Self) {
        for (path, digests) in &other.files {
            digests.iter().for_each(|digest| self.insert(path, digest));
        }
    }

    fn insert(&mut self, path: &Path, digest: &str) {
        self.files.entry(path.to_owned()).or_default().insert(digest.to_owned());
    }

    /// The files.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.keys()
    }

    /// The files in `tree` in which is something else. One that is not there is none of them.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub(super) fn edited(&self, tree: &Path) -> Result<Vec<&Path>> {
        let mut edited = Vec::new();
        for (path, digests) in &self.files {
            match fs::read(tree.join(path)) {
                Ok(bytes) if digests.contains(&digest(&bytes)) => {}
                Ok(_) => edited.push(path.as_path()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", tree.join(path).display())),
            }
        }
        Ok(edited)
    }

    /// Its text.
    pub(super) fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (path, digests) in &self.files {
            for digest in digests {
                // Writing to a String does not fail.
                let _ = writeln!(text, "{digest}  {}", path.display());
            }
        }
        text
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn what_is_written_is_read() {
        let mut manifest = Manifest::default();
        manifest.add(Path::new("drivers/b"), b"abc");
        manifest.add(Path::new("a"), b"");
        let text = manifest.text();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text, format!("{HEAD}{empty}  a\n{ABC}  drivers/b\n"));
        assert_eq!(Manifest::parse(&text).unwrap(), manifest);
    }

    #[test]
    fn what_is_in_a_file_is_compared() {
        let tree = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::default();
        ["a", "b", "c"].iter().for_each(|name| manifest.add(Path::new(name), b"abc"));
        fs::write(tree.path().join("a"), "abc").unwrap();
        fs::write(tree.path().join("b"), "abd").unwrap();
        assert_eq!(manifest.edited(tree.path()).unwrap(), [Path::new("b")]);
        // What is about to be there is right too.
        let mut next = Manifest::default();
        next.add(Path::new("b"), b"abd");
        manifest.extend(&next);
        assert!(manifest.edited(tree.path()).unwrap().is_empty());
    }

    #[test]
    fn only_files_of_the_tree_are_taken_from_a_list() {
        for line in ["../a", "/etc/passwd", "drivers/../../a", "./a", ""] {
            assert!(Manifest::parse(&format!("{ABC}  {line}\n")).is_err(), "{line}");
        }
        assert!(Manifest::parse("abc  a\n").is_err());
        assert!(Manifest::parse(&format!("{ABC} a\n")).is_err());
    }
}
