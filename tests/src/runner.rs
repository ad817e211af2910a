// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Runs a list of cases and prints what became of each.

use core::fmt::{self, Write};

use crate::case::{Group, Verdict};
use crate::ktap::Ktap;
use crate::machine::Machine;

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Not run.
    pub skipped: usize,
}

impl Summary {
    /// Whether something ran and nothing failed.
    pub const fn is_success(self) -> bool {
        self.passed > 0 && self.failed == 0
    }

    fn count(&mut self, verdict: &Verdict) {
        let counter = match verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::Fail(_) => &mut self.failed,
            Verdict::Skip(_) => &mut self.skipped,
        };
        *counter = counter.saturating_add(1);
    }

    fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
    }
}

/// Runs every case of `groups` on `machine` and writes KTAP, with one subtest for each group.
///
/// # Errors
///
/// Those of `out`.
pub fn run<M: Machine>(machine: &M, groups: &[Group<M>], out: &mut impl Write) -> Result<Summary, fmt::Error> {
    let mut ktap = Ktap::new(out, groups.len())?;
    let mut summary = Summary::default();
    for group in groups {
        let results = run_group(machine, group, &mut ktap)?;
        if results.failed > 0 {
            ktap.not_ok(group.name)?;
        } else if results.passed == 0 {
            ktap.skip(group.name, "no case of it could run")?;
        } else {
            ktap.ok(group.name)?;
        }
        summary.add(results);
    }
    Ok(summary)
}

fn run_group<M: Machine>(machine: &M, group: &Group<M>, ktap: &mut Ktap<impl Write>) -> Result<Summary, fmt::Error> {
    let mut subtest = ktap.subtest(group.name, group.cases.len())?;
    let mut summary = Summary::default();
    for case in group.cases {
        let verdict = case.verdict(machine);
        match &verdict {
            Verdict::Pass => subtest.ok(case.name)?,
            Verdict::Fail(message) => {
                subtest.diagnostic(format_args!("{}/{}: {message}", group.name, case.name))?;
                subtest.not_ok(case.name)?;
            }
            Verdict::Skip(reason) => subtest.skip(case.name, reason.as_str())?,
        }
        summary.count(&verdict);
    }
    Ok(summary)
}
