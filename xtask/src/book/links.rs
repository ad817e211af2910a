// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Looks up every link of the book: the page it leads to, and the place in that page. Other hosts are not asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{ensure, Context, Result};

use crate::workspace::read_text;

/// What is looked at is the book; rustdoc looks at its own links, and the pages of files have none of their own.
const BESIDE: [&str; 2] = ["doc", "source"];

/// What a host shows for a page that is not there: its links count from the root of the host.
const NOWHERE: &str = "404.html";

/// Follows the links of every page of the book in `directory`, and returns how many there are.
///
/// # Errors
///
/// Each link that leads nowhere, with its page.
pub(super) fn check(directory: &Path) -> Result<usize> {
    let mut pages = Vec::new();
    find(directory, &mut pages)?;
    let mut places = Places::default();
    let (mut links, mut complaints) = (0, BTreeSet::new());
    for page in &pages {
        let text = read_text(page)?;
        let name = page.strip_prefix(directory).unwrap_or(page);
        for link in attributes(&text, &["href", "src"]).filter(|link| !is_elsewhere(link)) {
            links += 1;
            if let Err(complaint) = places.look_up(directory, name, link) {
                complaints.insert(format!("{}: {link}: {complaint}", name.display()));
            }
        }
    }
    ensure!(links > 0, "the book has no link");
    let complaints = complaints.into_iter().collect::<Vec<_>>();
    ensure!(complaints.is_empty(), "{} links lead nowhere:\n{}", complaints.len(), complaints.join("\n"));
    Ok(links)
}

/// The pages of the book below `directory`.
fn find(directory: &Path, pages: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !BESIDE.contains(&name.as_str()) {
            find(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") && name != NOWHERE {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(())
}

/// The places in pages that were looked at, by their files.
#[derive(Debug, Default)]
struct Places(BTreeMap<PathBuf, BTreeSet<String>>);

impl Places {
    /// Whether `link` in the page `page` leads somewhere in `directory`.
    fn look_up(&mut self, directory: &Path, page: &Path, link: &str) -> Result<(), String> {
        let (file, place) = link.split_once('#').map_or((link, None), |(file, place)| (file, Some(place)));
        let file = decoded(file.split('?').next().unwrap_or_default());
        let target = match (file.as_str(), file.strip_prefix('/')) {
            ("", _) => page.to_owned(),
            (_, Some(_)) => return Err("a link from the root of a host, which the book need not have".to_owned()),
            (file, None) => page.parent().unwrap_or(Path::new("")).join(file),
        };
        let target = normal(&target).ok_or("out of the book")?;
        let mut path = directory.join(target);
        if path.is_dir() {
            path.push("index.html");
        }
        if !path.is_file() {
            return Err("no such page".to_owned());
        }
        match place {
            None | Some("") => Ok(()),
            Some(place) if self.of(&path)?.contains(&decoded(place)) => Ok(()),
            Some(_) => Err("no such place in that page".to_owned()),
        }
    }

    fn of(&mut self, path: &Path) -> Result<&BTreeSet<String>, String> {
        if !self.0.contains_key(path) {
            let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
            let places = attributes(&text, &["id", "name"]).map(str::to_owned).collect();
            self.0.insert(path.to_owned(), places);
        }
        self.0.get(path).ok_or_else(|| "no such page".to_owned())
    }
}

/// The values of the attributes called one of `names` in a page.
fn attributes<'a>(text: &'a str, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    text.match_indices("=\"").filter_map(|(at, _)| {
        let before = text.get(..at)?;
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-').next()?;
        let is_attribute = before.get(..at - name.len())?.ends_with([' ', '\n']);
        (is_attribute && names.contains(&name)).then(|| text.get(at + 2..)?.split('"').next()).flatten()
    })
}

/// Whether a link leads to another host, or is no address.
fn is_elsewhere(link: &str) -> bool {
    let is_scheme = |scheme: &str| scheme.chars().all(|c| c.is_ascii_alphabetic());
    link.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// `text` with its escapes resolved.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.replace("&amp;", "&").into_bytes().into_iter().peekable();
    while let Some(byte) = rest.next() {
        let digits: Vec<u8> = if byte == b'%' { rest.clone().take(2).collect() } else { Vec::new() };
        match std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) if digits.len() == 2 => {
                bytes.push(escaped);
                rest.nth(1);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `path` without `..`, `None` if it leads above its start.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir if !normal.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            component => normal.push(component),
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(pages: &[(&str, &str)]) -> Result<usize> {
        let directory = tempfile::tempdir()?;
        for (name, text) in pages {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap())?;
            fs::write(path, text)?;
        }
        check(directory.path())
    }

    #[test]
    fn links_lead_to_pages_and_places() {
        let pages = [
            ("a.html", "<a href=\"b/c.html#x%20y\">1</a> <a href=\"#here\">2</a><p id=\"here\"> <img src=\"p.svg\">"),
            ("b/c.html", "<h1 id=\"x y\"></h1><a href=\"../a.html?q#here\"> <a href=\"https://example.com/\">"),
            ("p.svg", "<svg/>"),
            ("doc/other.html", "<a href=\"nowhere.html\">"),
            ("d.html", "<a class=\"x\" href=\"doc/other.html\"> <a href=\"b\">"),
            ("b/index.html", ""),
        ];
        assert_eq!(book(&pages).unwrap(), 6);
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let complaint = |link: &str| {
            let text = format!("<a href=\"{link}\">");
            book(&[("a.html", &text), ("b.html", "<p id=\"x\">")]).unwrap_err().to_string()
        };
        assert!(complaint("c.html").contains("a.html: c.html: no such page"));
        assert!(complaint("b.html#y").contains("a.html: b.html#y: no such place"));
        assert!(complaint("#y").contains("no such place"));
        assert!(complaint("../../x").contains("out of the book"));
        assert!(complaint("/b.html").contains("root of a host"));
        assert!(book(&[("a.html", "no link")]).is_err());
    }
}
