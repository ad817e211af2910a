// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Folders import from those below them, and never the other way round.

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up; files beside the folders are below them all.
const FOLDERS: [&str; 3] = ["wire", "value", "client"];

/// As high as `client`, and not to import from it.
const BESIDE_CLIENT: &str = "responder";

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

/// Height of the module that a path starts with.
fn height(module: &str) -> usize {
    let module = if module == BESIDE_CLIENT { "client" } else { module };
    FOLDERS.iter().position(|folder| *folder == module).map_or(0, |position| position + 1)
}

#[test]
fn imports_run_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let mut imports = 0;
    for path in found.iter().filter(|path| !path.ends_with("lib.rs")) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let own = name.split(['/', '.']).next().unwrap();
        let text = fs::read_to_string(path).unwrap();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            for import in line.split("crate::").skip(1) {
                let module = import.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                assert!(
                    module == own || height(module) < height(own) || height(own) == 0 && height(module) == 0,
                    "{name}: {line}"
                );
                imports += 1;
            }
        }
    }
    assert!(imports > 50, "{imports} imports");
}
