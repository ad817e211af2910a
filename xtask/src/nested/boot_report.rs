// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What came of one boot of the first guest.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::boots::Api;
use super::console::Part;
use super::counted::Counted;

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// It did not hold, for a reason that is known.
    Known,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Check {
    pub(crate) scenario: &'static str,
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    /// What was found.
    pub(crate) detail: String,
    /// Why it does not hold, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'static str>,
}

/// One boot of the first guest.
#[derive(Debug, Serialize)]
pub(crate) struct BootReport {
    pub(crate) implementation: &'static str,
    pub(crate) api: Api,
    pub(crate) boot: &'static str,
    /// Everything that was not as it should be and is no check.
    pub(crate) problems: Vec<String>,
    pub(crate) checks: Vec<Check>,
    pub(super) command: String,
    pub(crate) seconds: f64,
    pub(crate) console: PathBuf,
    /// What CLP says of each function to the first guest, and to the inner one.
    pub(super) outer_values: Vec<Value>,
    pub(super) inner_values: Vec<Value>,
    pub(super) parts: Vec<Part>,
    /// What the first kernel has done for the first function until each Linux inside came to its last result.
    pub(crate) counted: Vec<Counted>,
}

impl BootReport {
    /// Whether nothing is wrong that is not known.
    pub(crate) fn passed(&self) -> bool {
        self.problems.is_empty() && self.checks.iter().all(|check| check.outcome != Outcome::Failed)
    }

    /// One line.
    pub(crate) fn summary(&self) -> String {
        let count = |outcome| self.checks.iter().filter(|check| check.outcome == outcome).count();
        let mut text = format!("{} passed", count(Outcome::Passed));
        for (outcome, word) in [(Outcome::Known, "failed as known"), (Outcome::Failed, "FAILED")] {
            if count(outcome) != 0 {
                text += &format!(", {} {word}", count(outcome));
            }
        }
        if !self.problems.is_empty() {
            text += &format!(", {} PROBLEMS", self.problems.len());
        }
        text
    }
}
