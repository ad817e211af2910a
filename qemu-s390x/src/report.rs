// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is printed: KTAP, and facts about functions in between.

use core::fmt::{self, Display, Write};

use zpci_tests::{Ktap, Stop, Summary, Verdict};

/// One level of results, which add up to one result of the level above.
#[derive(Debug)]
pub struct Report<W> {
    ktap: Ktap<W>,
    summary: Summary,
}

impl<W: Write> Report<W> {
    /// Starts the outermost level, in which `plan` results will follow.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, plan: usize) -> Result<Self, fmt::Error> {
        Ok(Self { ktap: Ktap::new(out, plan)?, summary: Summary::default() })
    }

    /// How many results of this level ended how.
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// Writes text for people or programs, each line of it on a line of its own.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn diagnostic(&mut self, text: impl Display) -> fmt::Result {
        self.ktap.diagnostic(text)
    }

    /// Writes the result of a case.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn case(&mut self, name: &str, result: Result<(), Stop>) -> fmt::Result {
        self.verdict(
            name,
            match result {
                Ok(()) => Verdict::Pass,
                Err(Stop::Fail(message)) => Verdict::Fail(message),
                Err(Stop::Skip(reason)) => Verdict::Skip(reason),
            },
        )
    }

    /// Writes what became of a case.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn verdict(&mut self, name: &str, verdict: Verdict) -> fmt::Result {
        match verdict {
            Verdict::Pass => self.passed(name),
            Verdict::Fail(message) => {
                self.ktap.diagnostic(format_args!("{name}: {message}"))?;
                self.failed(name)
            }
            Verdict::Skip(reason) => self.skipped(name, reason.as_str()),
        }
    }

    /// Runs a group of `plan` results, and writes what they add up to: the group failed if one of them failed, and was
    /// not run if none of them was.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn group(
        &mut self,
        name: &str,
        plan: usize,
        run: impl FnOnce(&mut Report<&mut W>) -> fmt::Result,
    ) -> fmt::Result {
        let mut group = Report { ktap: self.ktap.subtest(name, plan)?, summary: Summary::default() };
        run(&mut group)?;
        match group.summary {
            Summary { failed: 0, passed: 0, skipped: 1.. } => self.skipped(name, "no case of it could run"),
            Summary { failed: 0, .. } => self.passed(name),
            _ => self.failed(name),
        }
    }

    fn passed(&mut self, name: &str) -> fmt::Result {
        self.summary.passed += 1;
        self.ktap.ok(name)
    }

    fn failed(&mut self, name: &str) -> fmt::Result {
        self.summary.failed += 1;
        self.ktap.not_ok(name)
    }

    fn skipped(&mut self, name: &str, reason: &str) -> fmt::Result {
        self.summary.skipped += 1;
        self.ktap.skip(name, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::{fail, skip};

    #[test]
    fn literal_output() {
        let mut out = String::new();
        let mut report = Report::new(&mut out, 4).unwrap();
        report
            .group("good", 2, |group| {
                group.case("a", Ok(()))?;
                group.case("b", Err(skip("not here")))
            })
            .unwrap();
        report.group("bad", 1, |group| group.case("c", Err(fail("broken")))).unwrap();
        report.group("none", 1, |group| group.case("d", Err(skip("not here")))).unwrap();
        report.group("empty", 0, |_| Ok(())).unwrap();
        let summary = report.summary();
        assert_eq!((summary.passed, summary.failed, summary.skipped), (2, 1, 1));
        assert_eq!(
            out,
            "KTAP version 1\n1..4\n\
             \x20 KTAP version 1\n  # Subtest: good\n  1..2\n  ok 1 a\n  ok 2 b # SKIP not here\n\
             ok 1 good\n\
             \x20 KTAP version 1\n  # Subtest: bad\n  1..1\n  # c: broken\n  not ok 1 c\n\
             not ok 2 bad\n\
             \x20 KTAP version 1\n  # Subtest: none\n  1..1\n  ok 1 d # SKIP not here\n\
             ok 3 none # SKIP no case of it could run\n\
             \x20 KTAP version 1\n  # Subtest: empty\n  1..0\n\
             ok 4 empty\n"
        );
    }
}
