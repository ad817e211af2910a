// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Counts the instructions of a Linux guest: the same kernel with its own zPCI code and with ours, in one run; and those
//! of the library alone, in the bare-metal image.

mod boots;
mod comparison;
mod library;
mod measurement;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::linux;
use crate::workspace::Workspace;
use boots::{BOOTS, IMAGE, INSTRUCTIONS};
use comparison::{Comparison, Side};
use library::Library;

/// What to measure and where to put it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Boot only this way; may be given several times
    #[arg(long, value_name = "NAME", value_parser = boots::names())]
    boot: Vec<String>,
    /// Leave the kernel's own code out
    #[arg(long)]
    ours_only: bool,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures both kernels and the library, prints the figures side by side, and returns whether all of them could be had.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<bool> {
    let is_chosen = |name: &str| arguments.boot.is_empty() || arguments.boot.iter().any(|chosen| chosen == name);
    let chosen: Vec<_> = BOOTS.iter().filter(|boot| is_chosen(boot.name)).collect();
    let measured = |stock| Side::new(linux::measure(workspace, stock, &chosen, &INSTRUCTIONS.map(str::to_owned))?);
    let with_linux = !chosen.is_empty();
    let stock = if with_linux && !arguments.ours_only { Some(measured(true)?) } else { None };
    let ours = if with_linux { Some(measured(false)?) } else { None };
    let library = if is_chosen(IMAGE) { Some(Library::measure(workspace)?) } else { None };
    let comparison = Comparison::new(stock, ours, library);
    print!("{comparison}");
    if let Some(path) = &arguments.json {
        fs::write(path, comparison.to_json()?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(comparison.is_complete())
}
