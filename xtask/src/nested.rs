// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Passthrough, nested: a Linux guest runs QEMU, as Debian has it unless asked otherwise, which gives functions of that guest to a
//! guest of its own.
//! The stock driver in the first guest stands beside ours.

mod boot_report;
mod boots;
mod console;
mod counted;
mod expectation;
mod first_level;
mod group;
mod judge;
mod report;
mod values;
mod vmm;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, Context, Result};

use crate::boot::Equipment;
use crate::image;
use crate::linux::{self, Implementation, Series};
use crate::workspace::Workspace;
use boots::{Api, Boot, BOOTS};
use first_level::FirstLevel;
use report::Report;
use vmm::{Choice, Vmm};

/// Which runs a person wants.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Series of the kernels whose source Debian packages
    #[arg(long, value_enum, default_value_t = Series::V7_2)]
    kernel: Series,
    /// Take the kernel with the driver that was built in this directory, with its headers, instead of building one
    #[arg(long, value_name = "DIR")]
    ours: Option<PathBuf>,
    /// The same for the kernel as it is
    #[arg(long, value_name = "DIR")]
    stock: Option<PathBuf>,
    /// Leave the stock kernel out
    #[arg(long)]
    ours_only: bool,
    /// Leave the kernel with the driver out of the first level; the inner Linux has it all the same
    #[arg(long, conflicts_with = "ours_only")]
    stock_only: bool,
    /// Which QEMU runs in the first guest
    #[arg(long, value_enum, default_value_t = Choice::Debian)]
    vmm: Choice,
    /// Boot only this way; may be given several times; `help` names them
    #[arg(long, value_name = "NAME")]
    boot: Vec<String>,
    /// Only by this interface of the kernel
    #[arg(long, value_enum)]
    api: Option<Api>,
    /// Write everything that was found to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// End a boot after this time
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

/// Does what `options` say, prints a table, and returns whether everything was as it should be.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let boots = chosen(&options.boot)?;
    let apis = Api::ALL.into_iter().filter(|api| options.api.is_none_or(|only| only == *api));
    let vmm = Vmm::obtain(workspace, options.vmm)?;
    let equipment = Equipment::prepare(workspace, image::EXERCISE)?;
    let ours = linux::kernel(workspace, options.kernel, Implementation::Rust, options.ours.as_deref())?;
    let stock = match options.ours_only {
        true => None,
        false => Some(linux::kernel(workspace, options.kernel, Implementation::Stock, options.stock.as_deref())?),
    };
    let first = (!options.stock_only).then_some((Implementation::Rust, &ours));
    let kernels = stock.iter().map(|kernel| (Implementation::Stock, kernel)).chain(first);
    // The inner Linux is the same everywhere.
    let levels = kernels
        .map(|(implementation, kernel)| FirstLevel::new(workspace, &equipment, implementation, kernel, &ours, &vmm))
        .collect::<Result<Vec<_>>>()?;
    let mut report = Report::new(options.kernel, &vmm);
    for (boot, level) in boots.iter().flat_map(|boot| levels.iter().map(move |level| (boot, level))) {
        for api in apis.clone() {
            report.add(level.run(boot, api, Duration::from_secs(options.timeout))?);
            // What was found is not lost if a later one is interrupted.
            if let Some(path) = &options.json {
                fs::write(path, report.to_json()?).with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    print!("{report}");
    Ok(report.passed())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Boot>> {
    if let Some(unknown) = names.iter().find(|name| BOOTS.iter().all(|boot| boot.name != name.as_str())) {
        let all = BOOTS.iter().map(|boot| boot.name).collect::<Vec<_>>().join(", ");
        bail!("there is no boot \"{unknown}\"; there are {all}");
    }
    Ok(BOOTS.iter().filter(|boot| names.is_empty() || names.iter().any(|name| name == boot.name)).collect())
}
