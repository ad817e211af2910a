// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The figures of two kernels side by side, and those of the library alone; as a table for people and as JSON for programs.

use std::fmt;

use anyhow::Result;
use comfy_table::{presets, CellAlignment, Table};
use serde::Serialize;

use super::library::Library;
use super::measurement::Measurement;
use crate::linux::Measured;

/// Version of the JSON; it changes when a field changes its meaning or goes, not when one is added.
const SCHEMA: u32 = 1;

/// What was measured in one kernel.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Side {
    kernel: String,
    /// Everything that was not as it should be.
    problems: Vec<String>,
    boots: Vec<Boot>,
}

/// What was measured in one boot, in the order in which it was said.
#[derive(Clone, Debug, Serialize)]
struct Boot {
    name: &'static str,
    measurements: Vec<Measurement>,
}

/// Two kernels, or ours alone, or none, and the library without one.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<Library>,
}

impl Side {
    /// Reads what the guest said in each boot.
    ///
    /// # Errors
    ///
    /// It is not understood.
    pub(super) fn new(measured: Measured) -> Result<Self> {
        let mut boots = Vec::new();
        let mut problems = Vec::new();
        for boot in measured.boots {
            let mut measurements = Vec::new();
            for fact in boot.facts("measurement") {
                measurements.push(Measurement::read(fact)?);
            }
            for fact in boot.facts("benchmark") {
                measurements.extend(Measurement::read_benchmark(fact)?);
            }
            problems.extend(boot.problems.iter().map(|problem| format!("{}: {problem}", boot.name())));
            boots.push(Boot { name: boot.name(), measurements });
        }
        Ok(Self { kernel: measured.version, problems, boots })
    }

    fn find(&self, boot: &str, what: &str, unit: &str) -> Option<&Measurement> {
        let mut all = self.boots.iter().filter(|other| other.name == boot).flat_map(|boot| &boot.measurements);
        all.find(|measurement| measurement.what == what && measurement.unit == unit)
    }
}

impl Comparison {
    /// Puts two kernels side by side, as far as they were measured.
    pub(super) fn new(stock: Option<Side>, ours: Option<Side>, library: Option<Library>) -> Self {
        Self { schema: SCHEMA, stock, ours, library }
    }

    /// Whether everything could be measured.
    pub(super) fn is_complete(&self) -> bool {
        self.problems().next().is_none()
    }

    fn problems(&self) -> impl Iterator<Item = &String> {
        let sides = self.stock.iter().chain(&self.ours).flat_map(|side| &side.problems);
        sides.chain(self.library.iter().flat_map(|library| &library.problems))
    }

    /// The figures as JSON.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    fn rows<'a>(&'a self, boot: &'a Boot) -> impl Iterator<Item = [String; 5]> + 'a {
        boot.measurements.iter().map(|ours| {
            let stock = self.stock.as_ref().and_then(|stock| stock.find(boot.name, &ours.what, &ours.unit));
            let ratio = stock.filter(|stock| stock.count != 0).map(|stock| ours.count as f64 / stock.count as f64);
            [
                ours.what.clone(),
                ours.unit.clone(),
                stock.map_or("-".to_owned(), text),
                text(ours),
                ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}")),
            ]
        })
    }
}

/// The figure, and what it is for each thing where there are several.
pub(super) fn text(measurement: &Measurement) -> String {
    let Measurement { each, count, .. } = measurement;
    match each {
        1 => grouped(*count),
        each => format!("{} ({:.2} each)", grouped(*count), *count as f64 / *each as f64),
    }
}

/// A table that shows figures from column `first` on, counted from 0.
pub(super) fn table(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>, first: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table.add_rows(rows);
    table.column_iter_mut().skip(first).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// With a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for boot in self.ours.iter().flat_map(|side| &side.boots) {
            let header = [boot.name, "unit", "stock", "ours", "ours / stock"].map(str::to_owned);
            let table = table(header.into(), self.rows(boot).map(Vec::from), 2);
            writeln!(f, "\n{}", table.trim_fmt())?;
        }
        if let Some(library) = &self.library {
            write!(f, "{library}")?;
        }
        self.problems().try_for_each(|problem| writeln!(f, "PROBLEM {problem}"))?;
        writeln!(f)?;
        if let Some(ours) = &self.ours {
            write!(f, "Linux {}: ", ours.kernel)?;
        }
        writeln!(f, "instructions are not time, and the machine is emulated")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(count: u64) -> Side {
        let one = Measurement { what: "map 4 pages".to_owned(), each: 4, count, unit: "instructions".to_owned() };
        Side {
            kernel: "7.2".to_owned(),
            problems: Vec::new(),
            boots: vec![Boot { name: "core", measurements: vec![one] }],
        }
    }

    #[test]
    fn figures_stand_side_by_side() {
        let comparison = Comparison::new(Some(side(2000)), Some(side(1000)), None);
        let ours = comparison.ours.as_ref().unwrap();
        let rows: Vec<_> = comparison.rows(&ours.boots[0]).collect();
        assert_eq!(
            rows,
            [["map 4 pages", "instructions", "2,000 (500.00 each)", "1,000 (250.00 each)", "0.500"].map(str::to_owned)]
        );
        assert!(comparison.is_complete());
    }

    #[test]
    fn what_only_one_kernel_has_is_shown_without_a_ratio() {
        let comparison = Comparison::new(None, Some(side(1)), None);
        let ours = comparison.ours.as_ref().unwrap();
        assert_eq!(comparison.rows(&ours.boots[0]).next().unwrap()[2..], ["-", "1 (0.25 each)", "-"]);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 13_893_831].map(grouped), ["0", "999", "1,000", "13,893,831"]);
    }
}
