// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A file that says from what the things beside it were made, so that they are not made again from the same.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::files_below;

/// From what something is made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stamp(String);

impl Stamp {
    /// Adds a word.
    pub(crate) fn text(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// Adds the name and the content of a file.
    pub(crate) fn file(&mut self, path: &Path) -> Result<()> {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "{} {} {:016x}", path.display(), content.len(), hasher.finish());
        Ok(())
    }

    /// Adds every file below `directory`.
    pub(crate) fn directory(&mut self, directory: &Path) -> Result<()> {
        for path in files_below(directory)? {
            self.file(&path)?;
        }
        Ok(())
    }

    /// Whether the stamp at `path` says the same.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        fs::read_to_string(path).is_ok_and(|text| text == self.0)
    }

    /// Writes the stamp, which is to be done last.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, &self.0).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_its_files() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("inner")).unwrap();
        let file = directory.path().join("inner/file");
        fs::write(&file, "one").unwrap();
        let stamp = |word: &str| {
            let mut stamp = Stamp::default();
            stamp.text(word);
            stamp.directory(&directory.path().join("inner")).unwrap();
            stamp
        };
        let at = directory.path().join("stamp");
        assert!(!stamp("a").is_at(&at));
        stamp("a").write(&at).unwrap();
        assert!(stamp("a").is_at(&at));
        assert!(!stamp("b").is_at(&at));
        fs::write(&file, "two").unwrap();
        assert!(!stamp("a").is_at(&at));
    }
}
