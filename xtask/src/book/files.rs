// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A page for each file of the repository, and one for each folder, so that a link to either holds wherever the book is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::test::source_text;
use crate::workspace::Workspace;

/// Writes the pages into `directory`.
pub(super) fn write(workspace: &Workspace, directory: &Path) -> Result<()> {
    let mut folders: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for name in source_text::files(workspace)? {
        let path = Path::new(&name);
        let bytes = fs::read(workspace.root.join(path)).with_context(|| format!("cannot read {name}"))?;
        note(&mut folders, path);
        let page = directory.join(page_name(&name));
        fs::create_dir_all(page.parent().context("a page is in a folder")?)?;
        fs::write(page, file_page(&name, std::str::from_utf8(&bytes).ok()))?;
    }
    for (folder, entries) in &folders {
        fs::write(directory.join(folder).join("index.html"), folder_page(&folder.to_string_lossy(), entries))?;
    }
    Ok(())
}

/// The page of a file: the preprocessor makes links to it by the same rule.
fn page_name(file: &str) -> String {
    match file.strip_suffix(".md") {
        Some(stem) => format!("{stem}-md.html"),
        None => format!("{file}.html"),
    }
}

/// Enters a file into its folder, and each folder into the one above.
fn note(folders: &mut BTreeMap<PathBuf, BTreeSet<String>>, path: &Path) {
    let mut entry = path;
    let mut is_file = true;
    while let (Some(folder), Some(name)) = (entry.parent(), entry.file_name()) {
        let name = name.to_string_lossy();
        let page = if is_file { page_name(&name) } else { format!("{name}/index.html") };
        folders.entry(folder.to_owned()).or_default().insert(page);
        (entry, is_file) = (folder, false);
    }
}

/// The page of a file; `None` is no text.
fn file_page(name: &str, text: Option<&str>) -> String {
    let mut body = String::from("<pre>");
    match text {
        None => body.push_str("This file is no text."),
        Some(text) => {
            for (number, line) in (1..).zip(text.lines()) {
                body.push_str(&format!(
                    "<span id=\"L{number}\"><a href=\"#L{number}\">{number:5}</a> {}</span>\n",
                    escaped(line)
                ));
            }
        }
    }
    body.push_str("</pre>");
    page(name, &body)
}

fn folder_page(name: &str, entries: &BTreeSet<String>) -> String {
    let mut body = String::from("<ul>\n");
    for entry in entries {
        let shown = entry.trim_end_matches("index.html").trim_end_matches(".html").replace("-md", ".md");
        body.push_str(&format!("<li><a href=\"{}\">{}</a></li>\n", escaped(entry), escaped(&shown)));
    }
    body.push_str("</ul>");
    page(if name.is_empty() { "The repository" } else { name }, &body)
}

fn page(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>\n\
         :root {{ color-scheme: light dark }}\nbody {{ font-family: sans-serif; margin: 2em }}\n\
         pre a {{ color: inherit; opacity: 0.5; text-decoration: none; user-select: none }}\n\
         span:target {{ background: #8884 }}\n</style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_numbered_lines() {
        let page = file_page("a/b.rs", Some("fn f<T>() {}\n"));
        assert!(page.contains("<span id=\"L1\"><a href=\"#L1\">    1</a> fn f&lt;T>() {}</span>"), "{page}");
        assert!(file_page("x.bin", None).contains("no text"));
    }

    #[test]
    fn folders_lead_to_files_and_folders() {
        let mut folders = BTreeMap::new();
        note(&mut folders, Path::new("a/b/c.rs"));
        note(&mut folders, Path::new("d.md"));
        let entries = |folder: &str| folders[Path::new(folder)].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(entries(""), ["a/index.html", "d-md.html"]);
        assert_eq!((entries("a"), entries("a/b")), (vec!["b/index.html"], vec!["c.rs.html"]));
        let page = folder_page("a", &folders[Path::new("a")]);
        assert!(page.contains("<a href=\"b/index.html\">b/</a>"), "{page}");
    }
}
