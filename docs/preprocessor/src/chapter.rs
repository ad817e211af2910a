// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The chapters of a book, and what is put into them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use serde_json::Value;

use crate::{codes, field, link, picture};

/// What was put into the chapters so far.
#[derive(Debug)]
pub(crate) struct Chapters {
    /// The root of the repository.
    repository: PathBuf,
    /// Structures and words, by their titles.
    used: BTreeSet<&'static str>,
    /// The chapters, by their files.
    paths: BTreeSet<PathBuf>,
}

impl Chapters {
    /// Those of the book in `repository`.
    pub(crate) fn new(repository: &Path) -> Self {
        Self { repository: repository.to_owned(), used: BTreeSet::new(), paths: BTreeSet::new() }
    }

    /// Puts in what is to be put in, in every chapter below `value`.
    pub(crate) fn process(&mut self, value: &mut Value) -> Result<()> {
        match value {
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.process(value)),
            Value::Object(members) => {
                let path = members.get("path").and_then(Value::as_str).map(PathBuf::from);
                if let (Some(path), Some(Value::String(content))) = (path, members.get_mut("content")) {
                    let expanded = self.expand(content).with_context(|| path.display().to_string())?;
                    self.paths.insert(path.clone());
                    let depth = path.components().count().saturating_sub(1);
                    *content = link::rewritten(&expanded, &self.repository, &path, depth)
                        .with_context(|| path.display().to_string())?;
                }
                members.values_mut().try_for_each(|value| self.process(value))
            }
            _ => Ok(()),
        }
    }

    /// The structures and words that no chapter had.
    pub(crate) fn left_out(&self) -> Vec<&'static str> {
        field::titles().filter(|title| !self.used.contains(title)).collect()
    }

    /// The files in `directory`, where those of the chapters are, and below it that are no chapter.
    pub(crate) fn without_place(&self, directory: &Path) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.search(directory, Path::new(""), &mut found)?;
        Ok(found)
    }

    fn search(&self, directory: &Path, folder: &Path, found: &mut Vec<String>) -> Result<()> {
        for entry in std::fs::read_dir(directory.join(folder))? {
            let path = folder.join(entry?.file_name());
            let is_chapter = path.extension().is_some_and(|extension| extension == "md");
            if directory.join(&path).is_dir() {
                self.search(directory, &path, found)?;
            } else if is_chapter && path != Path::new("SUMMARY.md") && !self.paths.contains(&path) {
                found.push(path.display().to_string());
            }
        }
        found.sort();
        Ok(())
    }

    /// `content` with each `{{#...}}` on a line of its own replaced.
    fn expand(&mut self, content: &str) -> Result<String> {
        let mut expanded = String::with_capacity(content.len());
        for line in content.lines() {
            match line.strip_prefix("{{#").and_then(|line| line.strip_suffix("}}")) {
                None => expanded.push_str(line),
                Some(tag) => expanded.push_str(&self.replacement(tag).with_context(|| line.to_owned())?),
            }
            expanded.push('\n');
        }
        Ok(expanded)
    }

    fn replacement(&mut self, tag: &str) -> Result<String> {
        let (kind, name) = tag.split_once(' ').context("no name")?;
        let text = match kind {
            "structure" => field::structure(name),
            "bits" => field::bits(name),
            "codes" => return codes::table(name).context("there are no such codes"),
            "file" => return self.file(name),
            "picture" => return picture::svg(name).context("there is no such picture"),
            _ => bail!("unknown"),
        };
        let (title, text) = text.context("there is no such structure")?;
        ensure!(self.used.insert(title), "a second time");
        Ok(text)
    }
}

impl Chapters {
    /// A chapter that is a file of the repository, such as stand at its root; its first line is that of its licence.
    fn file(&self, name: &str) -> Result<String> {
        let text = std::fs::read_to_string(self.repository.join(name))?;
        let (_, chapter) = text.split_once('\n').context("it is empty")?;
        Ok(link::from_root(chapter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chapters() -> Chapters {
        Chapters::new(Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).unwrap())
    }

    #[test]
    fn tags_are_replaced_in_every_chapter() {
        let mut book = json!({"items": [
            {"Chapter": {"path": "a.md", "content": "one\n\n{{#structure LIST PCI entry}}\n", "sub_items": [
                {"Chapter": {"path": "a/b.md", "content": "{{#bits segment entry}}\n", "sub_items": []}}]}},
            "Separator",
        ]});
        let mut chapters = chapters();
        chapters.process(&mut book).unwrap();
        let first = book["items"][0]["Chapter"]["content"].as_str().unwrap();
        assert!(first.starts_with("one\n\n") && first.contains("| 0x08 | 4 | `function_id` | `fid` |"), "{first}");
        let second = book["items"][0]["Chapter"]["sub_items"][0]["Chapter"]["content"].as_str().unwrap();
        assert!(second.contains("| 58 | `invalid` |"), "{second}");
        let files = chapters.without_place(&chapters.repository.join("docs/src")).unwrap();
        assert!(files.contains(&"clp.md".to_owned()) && files.contains(&"reference/clp.md".to_owned()), "{files:?}");
        assert!(!files.contains(&"SUMMARY.md".to_owned()), "{files:?}");
        let left_out = chapters.left_out();
        assert!(left_out.contains(&"FIB") && !left_out.contains(&"LIST PCI entry"), "{left_out:?}");
    }

    #[test]
    fn what_is_unknown_or_repeated_is_an_error() {
        for content in ["{{#structure no such}}", "{{#bits}}", "{{#picture no}}", "{{#codes no}}", "{{#other x}}"] {
            assert!(chapters().expand(content).is_err(), "{content}");
        }
        assert!(chapters().expand("{{#structure FIB}}\n{{#structure FIB}}").is_err());
        assert_eq!(chapters().expand("`{{#structure FIB}}`").unwrap(), "`{{#structure FIB}}`\n");
    }
}
