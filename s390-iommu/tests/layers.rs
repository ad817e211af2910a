// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Folders import from those below them, and never the other way round.

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up.
const FOLDERS: [&str; 6] = ["format", "table", "machine", "attach", "user", "guest"];

/// What a guest does is beside what user space learns: neither imports from the other.
const BESIDE: [&str; 2] = ["user", "guest"];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn height(module: &str) -> Option<usize> {
    FOLDERS.iter().position(|folder| *folder == module)
}

#[test]
fn imports_run_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let mut imports = 0;
    for path in found.iter().filter(|path| !path.ends_with("lib.rs")) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let folder = name.split(['/', '.']).next().unwrap();
        let own = height(folder).unwrap_or_else(|| panic!("{name} is on no floor"));
        for line in fs::read_to_string(path).unwrap().lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            for import in line.split("crate::").skip(1) {
                let module = import.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let floor = height(module).unwrap_or_else(|| panic!("{name}: {line}"));
                assert!(floor <= own, "{name}: {line}");
                let is_beside = BESIDE.contains(&module) && BESIDE.contains(&folder);
                assert!(!is_beside || module == folder, "{name}: {line}");
                imports += 1;
            }
        }
    }
    assert!(imports > 100, "{imports} imports");
}

/// `unsafe` in the library stands where `docs/src/architecture.md` says.
#[test]
fn unsafe_code_is_in_its_rooms() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    for path in found {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let machine = ["machine/zpci.rs", "machine/gate.rs", "machine/registration.rs"];
        let attach = ["attach.rs", "attach/refresh.rs"];
        let allowed = [&["table/"], &machine[..], &attach[..]].concat();
        if allowed.iter().any(|allowed| name.starts_with(allowed)) {
            continue;
        }
        let code = |line: &&str| !line.trim().starts_with("//") && line.contains("unsafe");
        assert_eq!(fs::read_to_string(&path).unwrap().lines().find(code), None, "{name}");
    }
}
