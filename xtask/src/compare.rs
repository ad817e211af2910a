// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Two reports of `cargo xtask linux` beside each other: of the stock kernel and of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// Which reports.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// What `cargo xtask linux --stock --json FILE` wrote
    #[arg(value_name = "STOCK")]
    stock: PathBuf,
    /// What `cargo xtask linux --json FILE` wrote
    #[arg(value_name = "OURS")]
    ours: PathBuf,
}

/// Prints the comparison; whether ours passes all that stock passes.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let comparison = Comparison::new(&read(&options.stock)?, &read(&options.ours)?);
    print!("{comparison}");
    Ok(comparison.lost.is_empty())
}

/// What user space is told: facts of these kinds are compared byte for byte.
const TOLD: [&str; 4] = ["capability", "info", "range", "hw-info"];

/// The part of a report that is compared.
#[derive(Debug, Deserialize)]
struct Report {
    kernel: String,
    boots: Vec<Boot>,
}

#[derive(Debug, Deserialize)]
struct Boot {
    name: String,
    cases: Vec<Case>,
    facts: BTreeMap<String, Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct Case {
    path: Vec<String>,
    result: String,
}

fn read(path: &Path) -> Result<Report> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no report of `cargo xtask linux`", path.display()))
}

/// What differs.
#[derive(Debug, Default, Eq, PartialEq)]
struct Comparison {
    kernels: [String; 2],
    /// Boot, and passed of all cases.
    counts: Vec<(String, [(usize, usize); 2])>,
    /// Cases that only ours passes.
    gained: Vec<String>,
    /// Cases that only stock passes.
    lost: Vec<String>,
    /// Cases that one of the two did not have.
    alone: Vec<String>,
    /// What user space was told, equal and not.
    equal: usize,
    different: Vec<String>,
}

impl Comparison {
    fn new(stock: &Report, ours: &Report) -> Self {
        let mut comparison = Self { kernels: [stock.kernel.clone(), ours.kernel.clone()], ..Self::default() };
        for boot in &stock.boots {
            let Some(other) = ours.boots.iter().find(|other| other.name == boot.name) else { continue };
            comparison.counts.push((boot.name.clone(), [boot.counts(), other.counts()]));
            comparison.cases(boot, other);
            comparison.facts(boot, other);
        }
        comparison
    }

    fn cases(&mut self, stock: &Boot, ours: &Boot) {
        let (stock_results, our_results) = (stock.results(), ours.results());
        let names: BTreeSet<_> = stock_results.keys().chain(our_results.keys()).collect();
        for name in names {
            let row = format!("{}: {name}", stock.name);
            match (stock_results.get(name), our_results.get(name)) {
                (Some(&"passed"), Some(&"passed")) => {}
                (Some(&"passed"), Some(_)) => self.lost.push(row),
                (Some(_), Some(&"passed")) => self.gained.push(row),
                (Some(_), Some(_)) => {}
                _ => self.alone.push(row),
            }
        }
    }

    fn facts(&mut self, stock: &Boot, ours: &Boot) {
        for kind in TOLD {
            let of = |boot: &Boot| -> Vec<String> {
                boot.facts.get(kind).into_iter().flatten().map(ToString::to_string).collect()
            };
            let (stock, ours) = (of(stock), of(ours));
            let pairs = stock.len().max(ours.len());
            for index in 0..pairs {
                match (stock.get(index), ours.get(index)) {
                    (Some(one), Some(other)) if one == other => self.equal += 1,
                    (one, other) => {
                        let text = |side: Option<&String>| side.map_or("nothing", String::as_str).to_owned();
                        self.different.push(format!("{kind}\n  stock {}\n  ours  {}", text(one), text(other)));
                    }
                }
            }
        }
    }
}

impl Boot {
    fn results(&self) -> BTreeMap<String, &str> {
        self.cases.iter().map(|case| (case.path.join(" / "), case.result.as_str())).collect()
    }

    fn counts(&self) -> (usize, usize) {
        (self.cases.iter().filter(|case| case.result == "passed").count(), self.cases.len())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [stock, ours] = &self.kernels;
        writeln!(f, "| boot | Linux {stock}, stock | Linux {ours}, ours |\n|---|---|---|")?;
        for (boot, [(passed, all), (our_passed, our_all)]) in &self.counts {
            writeln!(f, "| {boot} | {passed} of {all} | {our_passed} of {our_all} |")?;
        }
        for (title, rows) in [
            ("Passed by ours only", &self.gained),
            ("Passed by stock only", &self.lost),
            ("Run on one of the two only", &self.alone),
        ] {
            writeln!(f, "\n{title}: {}", rows.len())?;
            rows.iter().try_for_each(|row| writeln!(f, "  {row}"))?;
        }
        writeln!(
            f,
            "\nTold to user space ({}): {} equal byte for byte, {} not",
            TOLD.join(", "),
            self.equal,
            self.different.len()
        )?;
        self.different.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(results: [&str; 3], raw: &str) -> Report {
        let cases: Vec<Value> = ["a", "b", "c"]
            .iter()
            .zip(results)
            .filter(|(_, result)| !result.is_empty())
            .map(|(name, result)| serde_json::json!({ "path": ["suite", name], "result": result }))
            .collect();
        let facts = serde_json::json!({ "capability": [{ "id": 1, "raw": raw }], "load": [{ "rounds": raw }] });
        let boots = serde_json::json!([{ "name": "vfio", "cases": cases, "facts": facts }]);
        serde_json::from_value(serde_json::json!({ "kernel": "7.2.12", "boots": boots })).unwrap()
    }

    #[test]
    fn what_differs_is_named() {
        let comparison =
            Comparison::new(&report(["passed", "failed", "passed"], "00"), &report(["failed", "passed", ""], "01"));
        assert_eq!(comparison.lost, ["vfio: suite / a"]);
        assert_eq!(comparison.gained, ["vfio: suite / b"]);
        assert_eq!(comparison.alone, ["vfio: suite / c"]);
        assert_eq!(comparison.counts, [("vfio".to_owned(), [(2, 3), (1, 2)])]);
        assert_eq!((comparison.equal, comparison.different.len()), (0, 1));
        assert!(comparison.different[0].contains(r#""raw":"01""#), "{comparison}");
    }

    #[test]
    fn what_user_space_is_not_told_is_not_compared() {
        let same = Comparison::new(&report(["passed"; 3], "00"), &report(["passed"; 3], "00"));
        assert_eq!((same.equal, same.different.len(), same.lost.len()), (1, 0, 0));
    }
}
