// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The sources that apt is configured with on this machine.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{ensure, Context, Result};

use super::source::Source;
use crate::workspace::read_text;

/// Every enabled source of binary packages in the configuration of apt.
///
/// # Errors
///
/// This is no system with apt, or a file of its configuration cannot be read.
pub(super) fn configured() -> Result<Vec<Source>> {
    let arguments = ["shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"];
    let output = Command::new("apt-config")
        .args(arguments)
        .output()
        .context("cannot run apt-config; is this a Debian system?")?;
    ensure!(output.status.success(), "apt-config failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let variable = |name: &str| {
        output
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\''))
            .map(PathBuf::from)
    };
    let mut files: Vec<PathBuf> = variable("LIST").into_iter().filter(|path| path.is_file()).collect();
    if let Some(entries) = variable("PARTS").and_then(|directory| fs::read_dir(directory).ok()) {
        let mut parts: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        parts.sort();
        files.extend(parts);
    }
    let mut sources = Vec::new();
    for file in files {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(Source::parse_list(&read_text(&file)?)),
            Some("sources") => sources.extend(Source::parse_sources(&read_text(&file)?)),
            _ => {}
        }
    }
    Ok(sources)
}
