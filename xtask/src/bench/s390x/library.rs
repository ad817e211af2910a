// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The figures of the library alone, from the bare-metal image: no kernel, no C, no device.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::boots::INSTRUCTIONS;
use super::comparison::{table, text};
use super::measurement::Measurement;
use crate::boot::{Boot, Equipment};
use crate::image;
use crate::report::Report;
use crate::workspace::Workspace;

/// How long it may take; under emulation, on a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(120);

/// What was measured of every kind of table, in the order in which it was said.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Library {
    /// Everything that was not as it should be.
    pub(super) problems: Vec<String>,
    measurements: Vec<Figure>,
}

/// One figure, and the kind of table that it belongs to.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Figure {
    /// Tables on the way from the root to a frame of 4 KiB.
    levels: u32,
    /// Size of the largest frame in bytes.
    frame_bytes: u64,
    #[serde(flatten)]
    measurement: Measurement,
}

impl Library {
    /// Boots the image that measures.
    ///
    /// # Errors
    ///
    /// It cannot be built or booted, or says something that is not understood.
    pub(super) fn measure(workspace: &Workspace) -> Result<Self> {
        let equipment = Equipment::prepare(workspace, image::BENCHMARK)?;
        let arguments = INSTRUCTIONS.map(str::to_owned).to_vec();
        let boot = Boot { name: "bench-image", devices: &[], arguments, limit: LIMIT };
        Self::new(boot.run(workspace, &equipment)?.report)
    }

    fn new(report: Report) -> Result<Self> {
        let mut problems = report.problems;
        if report.measurements.is_empty() {
            problems.push("image: nothing was measured".to_owned());
        }
        let measurements = report.measurements.into_iter().map(Figure::read).collect::<Result<_>>()?;
        Ok(Self { problems, measurements })
    }

    /// The figures for tables with frames of this size: a column for each number of levels.
    fn rows(&self, frame_bytes: u64) -> (Vec<u32>, Vec<Vec<String>>) {
        let all = || self.measurements.iter().filter(|figure| figure.frame_bytes == frame_bytes);
        let mut levels: Vec<u32> = all().map(|figure| figure.levels).collect();
        levels.sort_unstable();
        levels.dedup();
        let mut order: Vec<(&str, &str)> = Vec::new();
        let mut figures = BTreeMap::new();
        for Figure { levels, measurement, .. } in all() {
            let name = (measurement.what.as_str(), measurement.unit.as_str());
            if !order.contains(&name) {
                order.push(name);
            }
            figures.insert((name, *levels), text(measurement));
        }
        let row = |name: (&str, &str)| {
            let figure = |levels: &u32| figures.get(&(name, *levels)).map_or("-".to_owned(), String::clone);
            let names = [name.0.to_owned(), name.1.to_owned()];
            names.into_iter().chain(levels.iter().map(figure)).collect()
        };
        let rows = order.into_iter().map(row).collect();
        (levels, rows)
    }
}

impl Figure {
    fn read(fact: Value) -> Result<Self> {
        let error = format!("the image says something unreadable: {fact}");
        serde_json::from_value(fact).context(error)
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut frames: Vec<u64> = self.measurements.iter().map(|figure| figure.frame_bytes).collect();
        frames.dedup();
        for frame_bytes in frames {
            let (levels, rows) = self.rows(frame_bytes);
            let size = match frame_bytes >> 20 {
                0 => format!("{} KiB", frame_bytes >> 10),
                mebibytes => format!("{mebibytes} MiB"),
            };
            let mut header = vec![format!("image, frames of {size}"), "unit".to_owned()];
            header.extend(levels.iter().map(|levels| format!("{levels} levels")));
            writeln!(f, "\n{}", table(header, rows, 2).trim_fmt())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(levels: u32, what: &str, count: u64) -> Figure {
        let fact = serde_json::json!({"levels": levels, "frame_bytes": 4096, "what": what, "each": 8, "count": count,
                                      "unit": "instructions"});
        Figure::read(fact).unwrap()
    }

    #[test]
    fn kinds_of_tables_stand_side_by_side() {
        let measurements = vec![figure(3, "unmap", 1600), figure(3, "map", 80), figure(5, "map", 88)];
        let library = Library { problems: Vec::new(), measurements };
        let (levels, rows) = library.rows(4096);
        assert_eq!(levels, [3, 5]);
        assert_eq!(
            rows,
            [
                ["unmap", "instructions", "1,600 (200.00 each)", "-"],
                ["map", "instructions", "80 (10.00 each)", "88 (11.00 each)"]
            ]
        );
        assert!(library.rows(1 << 20).1.is_empty());
        assert!(library.to_string().contains("image, frames of 4 KiB"));
    }

    #[test]
    fn a_figure_without_its_kind_is_not_understood() {
        let fact = serde_json::json!({"what": "map", "each": 8, "count": 700, "unit": "instructions"});
        assert!(Figure::read(fact).is_err());
    }
}
