// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Writes inputs for the targets of `zpci` to start with, made of the fixtures: `seeds DIRECTORY` makes a folder for each target.
//!
//! The last bytes of an input say how it is to be read, so that a fixture with zeros behind it is one.

use std::fs;
use std::path::{Path, PathBuf};

use zpci::input::{Input, Reading};

/// Target, folder, start of the file names, number of bytes that say how the input is read.
const BLOCKS: [(&str, &str, &str, usize); 11] = [
    ("zpci_clp", "clp/tests/fixtures", "", 1),
    ("zpci_answer", "clp/tests/fixtures", "", 1),
    ("zpci_list", "clp/tests/fixtures", "", 1),
    ("zpci_fib", "tests/fixtures", "f-", 1),
    ("zpci_measurement", "tests/fixtures", "i-", 1),
    ("zpci_event", "zpci/tests/texts", "event", 1),
    ("zpci_chain", "s390-iommu/tests/fixtures", "", 2),
    ("zpci_recognise", "clp/tests/fixtures", "", 1),
    ("zpci_recognise", "tests/fixtures", "", 1),
    ("zpci_recognise", "zpci/tests/texts", "event", 1),
    ("zpci_recognise", "s390-iommu/tests/fixtures", "", 1),
];

/// The same for files that are an input as they are.
const FILES: [(&str, &str, usize); 6] = [
    ("zpci_text", "zpci/tests/texts", 2),
    ("zpci_text", "clp/tests/fixtures", 2),
    ("zpci_text", "tests/fixtures", 2),
    ("zpci_text", "s390-iommu/tests/fixtures", 2),
    ("zpci_dump", "zpci/tests/dumps", 0),
    ("zpci_forms", "zpci/tests/texts", 0),
];

/// Anchor and address in the dump of the tests, as the target reads them.
const WALK: [u64; 2] = [0x24804, 0x1_8012_3456];

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

fn main() {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seeds DIRECTORY");
        std::process::exit(2);
    };
    let mut count = 0;
    let mut write = |target: &str, path: &Path, mut bytes: Vec<u8>, controls: usize| {
        let folder = directory.join(target);
        let name = path.file_name().unwrap_or_default();
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        bytes.resize(bytes.len() + controls, 0);
        fs::write(folder.join(name), bytes).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        count += 1;
    };
    for (target, folder, start, controls) in BLOCKS {
        for path in files(folder) {
            let name = path.to_string_lossy().into_owned();
            let is_wanted = path.extension().is_some_and(|extension| extension == "hex")
                && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start));
            if let Some(input) = is_wanted.then(|| Input::read(&name, &Reading::default()).ok()).flatten() {
                write(target, &path, input.bytes, controls);
            }
        }
    }
    for (target, folder, controls) in FILES {
        for path in files(folder) {
            let mut bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if target == "zpci_dump" {
                WALK.iter().for_each(|number| bytes.extend(number.to_be_bytes()));
            }
            write(target, &path, bytes, controls);
        }
    }
    println!("{count} inputs");
}
