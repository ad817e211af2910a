// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Space on the disk: a run that fills it would end at its largest step, long after its start.

use std::path::Path;
use std::process::Command;

use anyhow::{ensure, Context, Result};

/// What all checks need in an empty target directory, in KiB. They leave 8.2 GiB there without what cargo keeps to compile
/// incrementally (`du --summarize target`).
const OF_ALL_CHECKS: u64 = 12 << 20;

/// Less than this is a full disk, in KiB: what did not fit has been removed by now, as a part of it.
const NOTHING: u64 = 1 << 20;

/// Returns what somebody should know before all checks are run with `target` as the directory of what is built: that the
/// disk may not hold it. `None` if it does.
pub(super) fn lacking(target: &Path) -> Result<Option<String>> {
    Ok(short(measured("du", &["--summarize", "--block-size=1K"], target)?, free(target)?).map(|missing| {
        format!(
            "the disk of {} may be too small for all checks by {}: they need {} there",
            target.display(),
            in_gib(missing),
            in_gib(OF_ALL_CHECKS),
        )
    }))
}

/// Returns what somebody should know after a check failed: that nothing is left on the disk of `target`. `None` if something
/// is.
pub(super) fn full(target: &Path) -> Result<Option<String>> {
    let left = free(target)?;
    Ok((left < NOTHING).then(|| format!("the disk of {} is full: {} left", target.display(), in_gib(left))))
}

/// Returns the free space of the disk of `target`, in KiB.
fn free(target: &Path) -> Result<u64> {
    measured("df", &["--output=avail", "--block-size=1K"], target)
}

/// Returns how much is missing for all checks, in KiB: a disk has `free` left and what they made earlier takes `taken`.
fn short(taken: u64, free: u64) -> Option<u64> {
    OF_ALL_CHECKS.checked_sub(taken)?.checked_sub(free).filter(|missing| *missing != 0)
}

fn in_gib(kib: u64) -> String {
    format!("{:.1} GiB", kib as f64 / (1u64 << 20) as f64)
}

/// Runs a program that prints a number about `path`, on its last line.
fn measured(program: &str, arguments: &[&str], path: &Path) -> Result<u64> {
    let output = Command::new(program).args(arguments).arg(path).output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    number(&String::from_utf8_lossy(&output.stdout)).with_context(|| format!("{program} printed no number"))
}

/// The first word of the last line, as a number.
fn number(printed: &str) -> Option<u64> {
    printed.lines().last()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_needs_no_space() {
        assert_eq!(short(0, OF_ALL_CHECKS), None);
        assert_eq!(short(0, OF_ALL_CHECKS - 1), Some(1));
        assert_eq!(short(OF_ALL_CHECKS - 1, 1), None);
        assert_eq!(short(OF_ALL_CHECKS, 0), None);
        assert_eq!(short(OF_ALL_CHECKS + 1, 0), None);
        assert_eq!(short(1 << 20, 1 << 20), Some(OF_ALL_CHECKS - (2 << 20)));
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(number("15728640\ttarget\n"), Some(15_728_640));
        assert_eq!(number("   Avail\n 8138752\n"), Some(8_138_752));
        assert_eq!(number("    Avail\n"), None);
        assert_eq!(in_gib((3 << 20) + (1 << 19)), "3.5 GiB");
        assert_eq!(in_gib(1), "0.0 GiB");
    }

    #[test]
    fn the_programs_print_them() {
        let directory = tempfile::tempdir().unwrap();
        assert!(measured("du", &["--summarize", "--block-size=1K"], directory.path()).is_ok());
        assert!(free(directory.path()).is_ok());
        assert!(free(&directory.path().join("absent")).is_err());
    }
}
