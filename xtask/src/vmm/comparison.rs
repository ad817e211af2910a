// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The same boot on two emulators, side by side.

use std::fmt;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use crate::report::Report;

/// What a report says that must be the same; times, and counters that depend on them, are not among it.
const COMPARED: [&str; 6] = ["passed", "counts", "functions", "devices", "written", "cases"];

/// Differences that are shown to a person.
const SHOWN: usize = 20;

/// What came out differently.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// What was booted.
    pub(super) name: String,
    /// Whether nothing differs, and both are as they should be.
    pub(super) passed: bool,
    /// What was compared, in words.
    compared: String,
    differences: Vec<Difference>,
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Difference {
    /// Where.
    at: String,
    stock: Value,
    ours: Value,
}

impl Comparison {
    /// Compares two reports of the same boot, each of which has passed.
    pub(super) fn of_reports(name: &str, stock: &Report, ours: &Report) -> Result<Self> {
        let (one, other) = (serde_json::to_value(stock)?, serde_json::to_value(ours)?);
        let mut differences = Vec::new();
        for field in COMPARED {
            let value = |report: &Value| report.get(field).cloned().unwrap_or_default();
            find(field, &value(&one), &value(&other), &mut differences);
        }
        let counts = &stock.counts;
        let compared = format!("{} cases, {} functions", counts.passed + counts.skipped, stock.functions.len());
        let passed = differences.is_empty() && stock.passed && ours.passed;
        Ok(Self { name: name.to_owned(), passed, compared, differences })
    }

    /// Compares two lists, thing by thing, of which there is at least one.
    pub(super) fn of_lists(name: &str, what: &str, stock: &[Value], ours: &[Value]) -> Self {
        let mut differences = Vec::new();
        for index in 0..stock.len().max(ours.len()) {
            let value = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
            let (one, other) = (value(stock), value(ours));
            if one != other {
                differences.push(Difference { at: format!("{what} {index}"), stock: one, ours: other });
            }
        }
        let passed = differences.is_empty() && !stock.is_empty();
        Self { name: name.to_owned(), passed, compared: format!("{} {what}s", stock.len()), differences }
    }

    /// The same comparison, with more words on what was compared.
    pub(super) fn with(self, more: &str, passed: bool) -> Self {
        Self { compared: format!("{}, {more}", self.compared), passed: self.passed && passed, ..self }
    }
}

/// Finds where two values differ, element by element.
fn find(at: &str, one: &Value, other: &Value, differences: &mut Vec<Difference>) {
    match (one, other) {
        (Value::Array(first), Value::Array(second)) if first.len() == second.len() => {
            for (index, (one, other)) in first.iter().zip(second).enumerate() {
                find(&format!("{at} {index}"), one, other, differences);
            }
        }
        _ if one == other => {}
        _ => differences.push(Difference { at: at.to_owned(), stock: one.clone(), ours: other.clone() }),
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, passed, compared, differences } = self;
        let verdict = if *passed { "ok" } else { "FAILED" };
        writeln!(f, "{name:8} {verdict:6} {compared}; {} differences", differences.len())?;
        for Difference { at, stock, ours } in differences.iter().take(SHOWN) {
            writeln!(f, "    {at}\n        as it is:        {stock}\n        with the crates: {ours}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_that_differs_is_named() {
        let (one, other) = (serde_json::json!([1, {"a": 2}, 3]), serde_json::json!([1, {"a": 4}, 3]));
        let mut differences = Vec::new();
        find("cases", &one, &other, &mut differences);
        assert_eq!(differences.len(), 1);
        assert_eq!((differences[0].at.as_str(), &differences[0].ours), ("cases 1", &serde_json::json!({"a": 4})));
        find("cases", &one, &serde_json::json!([1]), &mut differences);
        assert_eq!(differences[1].at, "cases");
    }

    #[test]
    fn a_list_that_ends_early_differs() {
        let list = [serde_json::json!({"end": "cc 0"}), serde_json::json!({"end": "cc 1"})];
        assert!(Comparison::of_lists("random", "step", &list, &list).passed);
        let shorter = Comparison::of_lists("random", "step", &list, &list[..1]);
        assert!(!shorter.passed);
        assert_eq!(shorter.differences.len(), 1);
        assert!(shorter.to_string().contains("step 1"), "{shorter}");
        assert!(!Comparison::of_lists("random", "step", &[], &[]).passed);
        assert!(!Comparison::of_lists("random", "step", &list, &list).with("and more", false).passed);
    }
}
