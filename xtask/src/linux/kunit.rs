// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A second opinion on the results of a boot: the kernel's own reader of KTAP, `tools/testing/kunit/kunit.py parse`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::console::ktap::Counts;

/// Where it is in a kernel tree.
const PROGRAM: &str = "tools/testing/kunit/kunit.py";

/// What it says before its counts.
const SUMMARY: &str = "Testing complete. Ran ";

/// What is wrong if the kernel's reader, out of `tree`, does not find `ours` in the log at `console`.
///
/// # Errors
///
/// It does not run, or does not come to an end.
pub(crate) fn disagreement(tree: &Path, console: &Path, ours: Counts) -> Result<Option<String>> {
    let mut command = Command::new("python3");
    command.arg(tree.join(PROGRAM)).arg("parse").arg(console).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().context("cannot run python3")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let theirs = parse(&said).with_context(|| {
        format!("{PROGRAM} parse {} counts nothing: {}", console.display(), String::from_utf8_lossy(&output.stderr))
    })?;
    Ok((theirs != ours).then(|| format!("kunit.py finds {theirs:?} where {ours:?} were read")))
}

/// Reads `Testing complete. Ran 3 tests: passed: 1, failed: 1, skipped: 1`; a number that is 0 is left out. Tests that
/// crashed or are malformed count as failed.
fn parse(said: &str) -> Option<Counts> {
    let (_, summary) = said.lines().find_map(|line| line.split_once(SUMMARY))?;
    let (_, results) = summary.split_once(": ")?;
    let mut counts = Counts::default();
    for result in results.split(", ") {
        let (kind, number) = result.split_once(": ")?;
        let number: u64 = number.trim().parse().ok()?;
        match kind {
            "passed" => counts.passed += number,
            "skipped" => counts.skipped += number,
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read() {
        let said = "[12:00:00] ====\n[12:00:00] Testing complete. Ran 65 tests: passed: 51, failed: 1, skipped: 13\n";
        assert_eq!(parse(said), Some(Counts { passed: 51, failed: 1, skipped: 13 }));
        let said = "[12:00:00] Testing complete. Ran 3 tests: passed: 1, crashed: 2\n";
        assert_eq!(parse(said), Some(Counts { passed: 1, failed: 2, skipped: 0 }));
        assert_eq!(parse("[ERROR] Test: main: 0 tests run!\n"), None);
    }
}
