// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! All boots: a table for people, JSON for programs.

use std::fmt;

use comfy_table::{presets, Table};
use serde::Serialize;

use super::boot_report::{BootReport, Check, Outcome};
use super::boots::Api;
use super::counted::Counted;
use super::vmm::{Choice, Vmm};
use crate::linux::{Implementation, Series};

/// Version of the JSON; it changes when a field changes its meaning or goes, not when one is added.
const SCHEMA: u32 = 1;

/// What was found, of all boots.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    /// Series of the kernels.
    kernel: String,
    /// Version of the inner QEMU.
    qemu: String,
    vmm: Choice,
    boots: Vec<BootReport>,
}

/// The columns: the stock driver beside ours.
const COLUMNS: [(Implementation, Api, &str); 4] = [
    (Implementation::Stock, Api::Type1, "stock, type1"),
    (Implementation::Stock, Api::Iommufd, "stock, iommufd"),
    (Implementation::Rust, Api::Type1, "ours, type1"),
    (Implementation::Rust, Api::Iommufd, "ours, iommufd"),
];

impl Report {
    /// Nothing yet.
    pub(crate) fn new(series: Series, vmm: &Vmm) -> Self {
        Self {
            schema: SCHEMA,
            kernel: series.to_string(),
            qemu: vmm.version.clone(),
            vmm: vmm.choice,
            boots: Vec::new(),
        }
    }

    /// Adds a boot.
    pub(crate) fn add(&mut self, boot: BootReport) {
        self.boots.push(boot);
    }

    /// Whether there was a boot, and nothing is wrong that is not known.
    pub(crate) fn passed(&self) -> bool {
        !self.boots.is_empty() && self.boots.iter().all(BootReport::passed)
    }

    /// The report as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    /// Every check once, in the order of the boots.
    fn rows(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let mut rows = Vec::new();
        for boot in &self.boots {
            for Check { scenario, name, .. } in &boot.checks {
                if !rows.contains(&(boot.boot, *scenario, *name)) {
                    rows.push((boot.boot, *scenario, *name));
                }
            }
        }
        rows
    }

    fn cell(&self, row: (&str, &str, &str), implementation: Implementation, api: Api) -> &'static str {
        let boots = self.boots.iter().filter(|boot| boot.implementation == implementation.name() && boot.api == api);
        let found = boots
            .filter(|boot| boot.boot == row.0)
            .flat_map(|boot| &boot.checks)
            .find(|check| (check.scenario, check.name) == (row.1, row.2));
        match found.map(|check| check.outcome) {
            Some(Outcome::Passed) => "yes",
            Some(Outcome::Known) => "no, known",
            Some(Outcome::Failed) => "NO",
            None => "",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["boot", "scenario", "check"].into_iter().chain(COLUMNS.map(|(.., title)| title)));
        for row in self.rows() {
            let cells = COLUMNS.map(|(implementation, api, _)| self.cell(row, implementation, api));
            table.add_row([row.0, row.1, row.2].into_iter().chain(cells));
        }
        writeln!(f, "{}", table.trim_fmt())?;
        for boot in &self.boots {
            writeln!(
                f,
                "\n{} {} {}: {}, {:.0} s; {}",
                boot.implementation,
                boot.api,
                boot.boot,
                boot.summary(),
                boot.seconds,
                boot.console.display()
            )?;
            for Check { scenario, name, outcome, detail, cause } in &boot.checks {
                let word = match outcome {
                    Outcome::Passed => "ok",
                    Outcome::Known => "known",
                    Outcome::Failed => "FAILED",
                };
                write!(f, "  {word:6} {scenario} / {name}")?;
                if !detail.is_empty() {
                    write!(f, ": {detail}")?;
                }
                match cause.filter(|_| *outcome == Outcome::Known) {
                    Some(cause) => writeln!(f, " ({cause})")?,
                    None => writeln!(f)?,
                }
            }
            for Counted { scenario, mapped, unmapped, refreshes, at_ms } in &boot.counted {
                writeln!(
                    f,
                    "  {scenario}: {mapped} pages mapped, {unmapped} unmapped, {refreshes} refreshes by the first kernel, \
                     {} s after its start",
                    at_ms / 1000
                )?;
            }
            boot.problems.iter().try_for_each(|problem| writeln!(f, "  PROBLEM {problem}"))?;
        }
        let verdict = if self.passed() { "PASSED" } else { "FAILED" };
        let seconds: f64 = self.boots.iter().map(|boot| boot.seconds).sum();
        writeln!(
            f,
            "\n{verdict}: Linux {}, QEMU {}{} inside, {} boots in {seconds:.0} s",
            self.kernel,
            self.qemu,
            if self.vmm == Choice::Crates { " with the crates" } else { "" },
            self.boots.len()
        )
    }
}
