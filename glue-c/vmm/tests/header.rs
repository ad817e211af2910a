// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `include/zpci_vmm.h` is what cbindgen makes of the sources.

use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// With `ZPCI_WRITE_HEADER` set the header is written, to be committed.
#[test]
fn made_of_the_sources() {
    let config = Config::from_file(file("cbindgen.toml")).unwrap();
    let mut sources: Vec<_> = fs::read_dir(file("src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The root names the others, and cbindgen follows.
    sources.retain(|source| !source.ends_with("lib.rs"));
    sources.sort();
    let builder = sources.iter().fold(Builder::new().with_config(config), Builder::with_src);
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    let text = String::from_utf8(text).unwrap();
    let header = file("include/zpci_vmm.h");
    if std::env::var_os("ZPCI_WRITE_HEADER").is_some() {
        fs::write(&header, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&header).unwrap_or_default(), text);
    // Every export is declared.
    for source in sources {
        for line in fs::read_to_string(source).unwrap().lines() {
            if let Some(name) = line.strip_prefix("pub unsafe extern \"C\" fn ") {
                let name = name.split('(').next().unwrap();
                assert!(text.contains(&format!("{name}(")), "{name}");
            }
        }
    }
}
