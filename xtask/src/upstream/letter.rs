// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The letter that goes before the patches.

use std::fs;
use std::path::Path;

use anyhow::{ensure, Context, Result};

use super::set::Set;
use crate::workspace::{read_text, Workspace};

/// Its text, beside the patches: a line about the series, an empty one, and the rest.
const TEXT: &str = "cover-letter.txt";

/// What git calls the file.
const NAME: &str = "0000-cover-letter.patch";

/// What git leaves to be filled in.
const SUBJECT: &str = "*** SUBJECT HERE ***";
const BLURB: &str = "*** BLURB HERE ***";

/// Whether this is the letter.
pub(crate) fn is_letter(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == NAME)
}

/// Puts the text into the letter that git wrote to `out`.
pub(crate) fn complete(workspace: &Workspace, set: &Set, out: &Path) -> Result<()> {
    let (text, letter) = (workspace.root.join(set.directory).join(TEXT), out.join(NAME));
    let words = read_text(&text)?;
    let written = read_text(&letter)?;
    let filled = fill(&written, &words).with_context(|| format!("{} is not made", letter.display()))?;
    fs::write(&letter, filled).with_context(|| format!("cannot write {}", letter.display()))
}

fn fill(letter: &str, words: &str) -> Result<String> {
    let (subject, text) = words.split_once("\n\n").context("the text has no line of its own for the subject")?;
    ensure!(letter.contains(SUBJECT) && letter.contains(BLURB), "git did not leave places for subject and text");
    Ok(letter.replacen(SUBJECT, subject, 1).replacen(BLURB, text.trim_end(), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_places_are_filled() {
        let letter = "Subject: [PATCH 0/2] *** SUBJECT HERE ***\n\n*** BLURB HERE ***\n\n2 files changed\n";
        let filled = fill(letter, "a: Fixes\n\nThese fix it.\n\nTested.\n").unwrap();
        assert_eq!(filled, "Subject: [PATCH 0/2] a: Fixes\n\nThese fix it.\n\nTested.\n\n2 files changed\n");
        assert!(fill("Subject: x", "a\n\nb").is_err());
        assert!(fill(letter, "a").is_err());
    }
}
