// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The configuration of Debian's own kernel for s390x.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};
use clap::ValueEnum;

use super::super::series::Series;
use crate::apt::{self, Suites};
use crate::progress::Step;
use crate::workspace::Workspace;

/// What Debian calls the architecture.
const ARCHITECTURE: &str = "s390x";

/// Where the configuration is, and the package of Debian that it is of: name, version and suite.
pub(super) struct Configuration {
    pub(super) path: PathBuf,
    pub(super) package: String,
}

/// Fetches that of `series` unless it was done before, or of the series before it where Debian has none yet.
///
/// # Errors
///
/// No suite has one.
pub(super) fn of_debian(workspace: &Workspace, series: Series) -> Result<Configuration> {
    let path = workspace.directory("linux/source")?.join(format!("linux-config-{series}.{ARCHITECTURE}"));
    // Its package is written last, so that a configuration without one is fetched again.
    let origin = path.with_extension("package");
    if let (true, Ok(package)) = (path.is_file(), fs::read_to_string(&origin)) {
        return Ok(Configuration { path, package });
    }
    let step = Step::start(format!("Debian's configuration for {ARCHITECTURE}"));
    let result = fetch(workspace, &step, series).and_then(|(package, text)| {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        fs::write(&origin, &package).with_context(|| format!("cannot write {}", origin.display()))?;
        Ok(package)
    });
    match result {
        Ok(package) => {
            step.done(&package);
            Ok(Configuration { path, package })
        }
        Err(error) => {
            step.failed();
            Err(error.context("a configuration of your own can be given by --config FILE"))
        }
    }
}

/// The name and version of the package, and the configuration.
fn fetch(workspace: &Workspace, step: &Step, series: Series) -> Result<(String, Vec<u8>)> {
    let mut last = None;
    // They are listed from the newest on.
    for older in Series::value_variants().iter().skip_while(|known| **known != series) {
        let package = format!("linux-config-{older}");
        match apt::download_of(workspace, step, Some(ARCHITECTURE), &package, |_| true, Suites::NewestFirst) {
            Ok(deb) => {
                let scratch = workspace.empty_directory("linux/source/configuration.part")?;
                let file = format!("usr/src/{package}/config.{ARCHITECTURE}_none_{ARCHITECTURE}.xz");
                apt::unpack(step, &deb.path, &file, &scratch)?;
                let output = Command::new("xz").args(["--decompress", "--stdout"]).arg(scratch.join(&file)).output();
                let output = output.context("cannot run xz")?;
                ensure!(output.status.success(), "xz: {}", String::from_utf8_lossy(&output.stderr));
                fs::remove_dir_all(&scratch)?;
                return Ok((format!("{package} {} of {}", deb.version, deb.suite), output.stdout));
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error),
        None => bail!("there is no series before Linux {series}"),
    }
}
