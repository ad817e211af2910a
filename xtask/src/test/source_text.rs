// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What every source file must say, and what none may.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::workspace::Workspace;

/// The licences that occur: of the crates, of the kernel's C files, of a patch of QEMU, of a user API header.
const LICENCES: [&str; 4] =
    ["MIT OR Apache-2.0 OR GPL-2.0-only", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-2.0 WITH Linux-syscall-note"];

/// Endings of the names of files that carry a licence line.
const LICENSED: [&str; 14] = [
    ".rs",
    ".toml",
    ".S",
    ".c",
    ".h",
    ".sh",
    ".py",
    ".ld",
    ".md",
    ".yml",
    ".patch",
    "/Kbuild",
    "/Kconfig",
    "/Makefile",
];

/// What must not be in any file, in two halves so that it is not in this one, and why.
const FORBIDDEN: [(&str, &str, &str); 16] = [
    ("crates", ".io", HOST),
    (".debian", ".org", HOST),
    ("rust-lang", ".org/dist", HOST),
    ("pypi", ".org", HOST),
    ("npmjs", ".org", HOST),
    ("docker", ".io", HOST),
    ("ghcr", ".io", HOST),
    ("artif", "actory", HOST),
    ("/wo", "rk/", MACHINE),
    ("/ro", "ot/", MACHINE),
    ("/ho", "me/", MACHINE),
    ("/tm", "p/", MACHINE),
    ("TO", "DO", UNFINISHED),
    ("FIX", "ME", UNFINISHED),
    ("#[ign", "ore", UNFINISHED),
    ("should", "_panic", UNFINISHED),
];

const HOST: &str = "names the host of a package registry";
const MACHINE: &str = "is a path of one machine";
const UNFINISHED: &str = "marks something unfinished";

/// Every file that git knows or would add, from the root on.
pub(crate) fn files(workspace: &Workspace) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&workspace.root);
    let output = git.output().context("cannot run git, which knows what belongs to the sources")?;
    ensure!(output.status.success(), "git ls-files failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let names = names.map(|name| String::from_utf8_lossy(name).into_owned());
    // A file that was deleted and not yet committed is still known to git.
    let files: Vec<String> = names.filter(|name| workspace.root.join(name).is_file()).collect();
    ensure!(!files.is_empty(), "git knows no file in {}", workspace.root.display());
    Ok(files)
}

/// Checks every file, and returns how many there are.
pub(crate) fn check(workspace: &Workspace) -> Result<usize> {
    let files = files(workspace)?;
    let mut complaints = Vec::new();
    for name in &files {
        complaints.extend(complaints_of_file(name, &workspace.root.join(name))?);
    }
    if complaints.is_empty() {
        Ok(files.len())
    } else {
        bail!("{}", complaints.join("\n"))
    }
}

fn complaints_of_file(name: &str, path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(complaints(name, &String::from_utf8_lossy(&bytes)))
}

fn complaints(name: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if name.starts_with("LICENSES/") {
        return complaints;
    }
    let rooted = format!("/{name}");
    if LICENSED.iter().any(|ending| rooted.ends_with(ending)) {
        complaints.extend(licence_complaint(text).map(|complaint| format!("{name}:1: {complaint}")));
    }
    for (index, line) in text.lines().enumerate() {
        // Cargo itself names the registry of each crate it locks.
        if rooted.ends_with("/Cargo.lock") && line.starts_with("source = ") {
            continue;
        }
        for (start, end, reason) in FORBIDDEN {
            if contains(line, &[start, end].concat()) {
                complaints.push(format!("{name}:{}: \"{start}{end}\" {reason}", index + 1));
            }
        }
    }
    complaints
}

/// Whether `needle` is in `line`, and not as the end of a longer word or path.
fn contains(line: &str, needle: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || "-_.$})>".contains(c);
    let is_start = |at: usize| !line.get(..at).is_some_and(|before| before.ends_with(continues));
    line.match_indices(needle).any(|(at, _)| needle.starts_with('.') || is_start(at))
}

/// What is wrong with the licence line, the first one or the one below `#!`.
fn licence_complaint(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let first = lines.next().filter(|line| !line.starts_with("#!")).or_else(|| lines.next()).unwrap_or_default();
    match first.split_once("SPDX-License-Identifier: ") {
        None => Some("no SPDX-License-Identifier in the first line".to_owned()),
        Some((_, licence)) => {
            let licence = licence.trim_end_matches("*/").trim_end_matches("-->").trim();
            (!LICENCES.contains(&licence)).then(|| format!("\"{licence}\" is not a licence of this project"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only\n";

    #[test]
    fn a_licence_line_is_wanted_and_must_be_a_known_one() {
        assert_eq!(complaints("a/b.rs", GOOD), [""; 0]);
        assert_eq!(complaints("b.c", "/* SPDX-License-Identifier: GPL-2.0-only */\n"), [""; 0]);
        assert_eq!(complaints("run.sh", "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0-only\n"), [""; 0]);
        assert_eq!(complaints("zpci.py", "").len(), 1);
        assert_eq!(complaints("a.rs", ""), ["a.rs:1: no SPDX-License-Identifier in the first line"]);
        assert_eq!(complaints("a.rs", &format!("\n{GOOD}")).len(), 1);
        assert_eq!(complaints("Kbuild", "obj-y\n").len(), 1);
        assert!(complaints("a.rs", "// SPDX-License-Identifier: MIT\n")[0].contains("\"MIT\" is not"));
        assert_eq!(complaints("picture.svg", "<svg/>"), [""; 0]);
    }

    #[test]
    fn every_forbidden_thing_is_found_with_its_line() {
        for (start, end, _) in FORBIDDEN {
            let text = format!("{GOOD}\nsee {start}{end}x");
            let found = complaints("a.rs", &text);
            assert!(found.len() == 1 && found[0].starts_with("a.rs:3: "), "{start}{end}: {found:?}");
        }
    }

    #[test]
    fn parts_of_longer_paths_and_the_lock_file_are_no_complaint() {
        let path = ["$(objtree)/wo", "rk/", " frame/wo", "rk/"].concat();
        assert_eq!(complaints("a.txt", &path), [""; 0]);
        let locked = ["source = \"registry+https://example.com/crates", ".io-index\""].concat();
        assert_eq!(complaints("Cargo.lock", &locked), [""; 0]);
        assert_eq!(complaints("a.txt", &locked).len(), 1);
    }
}
