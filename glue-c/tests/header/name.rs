// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The names that the shim takes from a kernel, in a kernel that may be older than what they came with.
//!
//! A shim that names what one of the supported kernels lacks does not build there. Here the names of functions, macros
//! and constants are looked for in the headers; their types and parameters are for the compiler, which sees them where
//! a kernel is built.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::compiler::{file, preprocess};
use crate::kernel_source::path;

/// Where a kernel declares what the shim takes.
const HEADERS: [&str; 6] =
    ["include", "arch/s390/include", "arch/s390/pci", "drivers/iommu", "drivers/pci", "drivers/vfio"];

/// What stands for `#include <` in text for the preprocessor.
const INCLUDED: &str = "included_here ";

/// Words of C that stand before a parenthesis.
const KEYWORDS: [&str; 12] = [
    "if",
    "for",
    "while",
    "switch",
    "return",
    "sizeof",
    "typeof",
    "volatile",
    "asm",
    "defined",
    "__packed",
    "__attribute__",
];

pub(crate) fn all() {
    let tree = path().expect("ZPCI_KERNEL_SOURCE");
    let mut headers = headers(&tree);
    headers.push(fs::read_to_string(file("include/uapi/linux/vfio_zpci.h")).expect("the header for user space"));
    let known: HashSet<&str> = headers.iter().flat_map(|text| words(text)).map(|(word, ..)| word).collect();
    assert!(known.len() > 100_000, "{} names in {}", known.len(), tree.display());

    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut taken = 0;
    // The headers that the kernel's own files include are sources here as well.
    for source in shim("c").into_iter().chain(shim("h")) {
        let text = preprocess(&with_headers(&source, &known), &found_by_the_makefile(&tree));
        for header in text.split(INCLUDED).skip(1).filter_map(|rest| rest.split('"').nth(1)) {
            assert!(has_header(&tree, header), "{}: {} has no <{header}>", source.display(), tree.display());
        }
        for name in names(&text) {
            taken += 1;
            if !known.contains(name) {
                let file = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
                missing.entry(name.to_owned()).or_default().insert(file);
            }
        }
    }
    assert!(missing.is_empty(), "not in {}: {missing:#?}", tree.display());
    assert!(taken > 250, "{taken} names are few");
}

/// Whether the kernel has such a header, or makes it of a generic one.
fn has_header(tree: &Path, name: &str) -> bool {
    let places = ["include", "include/uapi", "arch/s390/include", "arch/s390/include/uapi"];
    let lists = ["arch/s390/include/asm/Kbuild", "include/asm-generic/Kbuild"];
    let is_made = |list| {
        let text = fs::read_to_string(tree.join(list)).expect("the list of generic headers");
        name.strip_prefix("asm/").is_some_and(|name| text.split_whitespace().any(|word| word == name))
    };
    let is_ours = file("include/uapi").join(name).exists();
    is_ours || places.iter().any(|place| tree.join(place).join(name).exists()) || lists.into_iter().any(is_made)
}

/// The text of each header of the kernel.
fn headers(tree: &Path) -> Vec<String> {
    let mut folders: Vec<PathBuf> = HEADERS.map(|folder| tree.join(folder)).into();
    let mut headers = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "h" => {
                    headers.push(String::from_utf8_lossy(&fs::read(&path).expect("a header")).into_owned());
                }
                _ => {}
            }
        }
    }
    headers
}

/// The files of the shim with this extension.
fn shim(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(file("kernel")).expect("the shim");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the shim").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

/// `source` with the shim's headers in it and nothing of the kernel's, but for the macros that are asked for.
fn with_headers(source: &Path, known: &HashSet<&str>) -> String {
    let mut text = String::from("#define __KERNEL__\n#define IS_ENABLED(option) 1\n");
    let mut body = String::new();
    include(source, &mut BTreeSet::new(), &mut body);
    let asked = body.lines().filter(|line| line.starts_with("#ifdef") || line.starts_with("#ifndef"));
    let asked: BTreeSet<&str> = asked.filter_map(|line| line.split_whitespace().nth(1)).collect();
    for name in asked.into_iter().filter(|name| known.contains(name)) {
        text.push_str(&format!("#define {name} {name}\n"));
    }
    text + &body
}

fn include(source: &Path, seen: &mut BTreeSet<PathBuf>, text: &mut String) {
    if !seen.insert(source.to_owned()) {
        return;
    }
    for line in fs::read_to_string(source).expect("a file of the shim").lines() {
        match line.strip_prefix("#include ") {
            None => text.extend([line, "\n"]),
            Some(name) => {
                let name = Path::new(name.trim_matches(['"', '<', '>'])).file_name().unwrap_or_default();
                let own = [file("kernel").join(name), file("include").join(name)];
                if let Some(own) = own.iter().find(|path| path.exists()) {
                    include(own, seen, text);
                } else if let Some(name) = line.strip_prefix("#include <").and_then(|name| name.strip_suffix('>')) {
                    // To be looked for if the preprocessor leaves it.
                    text.extend([INCLUDED, "\"", name, "\"\n"]);
                }
            }
        }
    }
}

/// What the Makefile finds in the headers of this kernel.
fn found_by_the_makefile(tree: &Path) -> Vec<String> {
    let makefile = fs::read_to_string(file("kernel/Makefile")).expect("the Makefile");
    let calls = makefile.lines().filter_map(|line| line.split_once("$(call zpci-has,")?.1.strip_suffix(')'));
    let mut found = Vec::new();
    for call in calls {
        let [header, pattern, name] = call.split(',').collect::<Vec<_>>()[..] else { panic!("{call}") };
        let status = Command::new("grep").args(["-qE", pattern]).arg(tree.join(header)).status();
        if status.expect("grep").success() {
            found.push(format!("-DZPCI_HAS_{name}"));
        }
    }
    found
}

/// What `text` calls and what constants it names, but for its own functions.
fn names(text: &str) -> BTreeSet<&str> {
    let mut own = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut enumeration = false;
    let mut previous = "";
    for (word, depth, before, after) in words(text) {
        // What has a type before it is declared here; a macro of the kernel's has none.
        let has_type = before == '*' || before == ' ' && !["", "static", "extern"].contains(&previous);
        previous = word;
        let constant = word.len() > 3 && !word.chars().any(|letter| letter.is_ascii_lowercase());
        enumeration = if depth == 0 { word == "enum" } else { enumeration };
        match () {
            () if KEYWORDS.contains(&word) || word.starts_with("__builtin") => {}
            () if depth == 0 && after == '(' && has_type || enumeration && constant => drop(own.insert(word)),
            () if constant || after == '(' && before != '.' && before != '-' => drop(names.insert(word)),
            () => {}
        }
    }
    &names - &own
}

/// The words of `text` outside of what is quoted: how many braces are open, what stands before it and what behind.
fn words(text: &str) -> impl Iterator<Item = (&str, usize, char, char)> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (mut rest, mut depth, mut before) = (text, 0_usize, ' ');
    std::iter::from_fn(move || loop {
        let first = rest.chars().next()?;
        if is_word(first) {
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            rest = behind;
            let found = (word, depth, before, behind.trim_start().chars().next().unwrap_or(' '));
            before = ' ';
            if !first.is_ascii_digit() {
                return Some(found);
            }
            continue;
        }
        match first {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        rest = &rest[first.len_utf8()..];
        if first == '"' {
            while let Some(at) = rest.find(['"', '\\']) {
                let quote = rest.as_bytes()[at] == b'"';
                rest = rest.get(at + if quote { 1 } else { 2 }..).unwrap_or("");
                if quote {
                    break;
                }
            }
        }
        // Of an arrow the first sign, since the second is one of a comparison as well.
        if !(first.is_whitespace() || first == '>' && before == '-') {
            before = first;
        }
    })
}
