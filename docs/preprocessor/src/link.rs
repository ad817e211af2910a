// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Links out of the book: to files of the repository, and to the documentation of the crates.

use std::path::{Component, Path, PathBuf};

use anyhow::{bail, Result};

/// Where the sources of the book are in the repository.
const BOOK: &str = "docs/src";

/// Where the pages with files of the repository are in the book.
const FILES: &str = "source";

/// Where the documentation of the crates is in the book.
const DOCUMENTATION: &str = "doc";

/// `content` of the chapter `path`, `depth` folders down, with its links out of the book as they are in the built one.
///
/// # Errors
///
/// A file is not there.
pub(crate) fn rewritten(content: &str, repository: &Path, path: &Path, depth: usize) -> Result<String> {
    let mut rest = content;
    let mut text = String::with_capacity(content.len());
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        text.push_str("](");
        let (target, behind) = after.split_once(')').unwrap_or((after, ""));
        match outside(target, repository, path, depth)? {
            Some(outside) => text.push_str(&outside),
            None => text.push_str(target),
        }
        rest = &after[target.len()..];
        debug_assert!(rest.is_empty() || rest.len() == behind.len() + 1, "the parenthesis alone is between");
    }
    text.push_str(rest);
    Ok(text)
}

/// `text` of a file at the root of the repository, with its links as a chapter at the top of the book has them.
pub(crate) fn from_root(text: &str) -> String {
    let mut parts = text.split("](");
    let mut chapter = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        chapter.push_str("](");
        let is_elsewhere = part.starts_with('#') || part.split(')').next().is_some_and(|target| target.contains(':'));
        match part.strip_prefix(BOOK).and_then(|part| part.strip_prefix('/')) {
            Some(inside) => chapter.push_str(inside),
            None if is_elsewhere => chapter.push_str(part),
            None => {
                chapter.push_str("../../");
                chapter.push_str(part);
            }
        }
    }
    chapter
}

/// Where `target` leads in the built book; `None` if it stays in the book or leads to another host.
fn outside(target: &str, repository: &Path, path: &Path, depth: usize) -> Result<Option<String>> {
    let up = "../".repeat(depth);
    if let Some(page) = target.strip_prefix("doc:") {
        return Ok(Some(format!("{up}{DOCUMENTATION}/{page}")));
    }
    if !target.starts_with("../") {
        return Ok(None);
    }
    let (file, anchor) = target.split_once('#').map_or((target, String::new()), |(file, at)| (file, format!("#{at}")));
    let folder = Path::new(BOOK).join(path.parent().unwrap_or(Path::new("")));
    let Some(file) = normal(&folder.join(file)) else { bail!("{target} leads out of the repository") };
    if file.starts_with(BOOK) {
        return Ok(None);
    }
    let place = repository.join(&file);
    let page = match (place.is_dir(), place.is_file()) {
        (true, _) => file.join("index.html"),
        (_, true) => PathBuf::from(file_page(&file.to_string_lossy())),
        _ => bail!("there is no {}", file.display()),
    };
    Ok(Some(format!("{up}{FILES}/{}{anchor}", page.display())))
}

/// The page of a file. mdBook takes what ends in `.md`, and goes on, for a chapter.
fn file_page(name: &str) -> String {
    match name.strip_suffix(".md") {
        Some(stem) => format!("{stem}-md.html"),
        None => format!("{name}.html"),
    }
}

/// `path` without `..`, `None` if it leads above its start.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            component => normal.push(component),
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(content: &str, path: &str) -> Result<String> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).unwrap();
        let path = Path::new(path);
        rewritten(content, repository, path, path.components().count() - 1)
    }

    #[test]
    fn files_and_folders_have_pages() {
        let chapter = "a [file](../../clp/src/lib.rs), a [folder](../../clp) (and [more](../../README.md#try-it)).";
        let built = "a [file](source/clp/src/lib.rs.html), a [folder](source/clp/index.html) (and \
                     [more](source/README-md.html#try-it)).";
        assert_eq!(rewrite(chapter, "clp.md").unwrap(), built);
        let deeper = rewrite("[x](../../../clp) [y](../clp.md) [z](doc:clp/index.html)", "benchmarks/host.md").unwrap();
        assert_eq!(deeper, "[x](../source/clp/index.html) [y](../clp.md) [z](../doc/clp/index.html)");
    }

    #[test]
    fn a_file_of_the_root_becomes_a_chapter() {
        let text = "[a](docs/src/clp.md#x) [b](clp/src/lib.rs) [c](#d) [e](https://example.com)";
        let chapter = "[a](clp.md#x) [b](../../clp/src/lib.rs) [c](#d) [e](https://example.com)";
        assert_eq!(from_root(text), chapter);
    }

    #[test]
    fn other_links_stay() {
        for text in ["[a](b.md#c)", "[a](https://example.com/x)", "no link ](", "f(x)](y"] {
            assert_eq!(rewrite(text, "clp.md").unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(rewrite("[a](../../no-such-file)", "clp.md").is_err());
        assert!(rewrite("[a](../../../../x)", "clp.md").is_err());
    }
}
