// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Reader of KTAP, version 1, with nested subtests (Linux: Documentation/dev-tools/ktap.rst).
//!
//! Stricter than the format asks for: a plan is obligatory at every level and must be met, numbers must count up from 1, and a
//! result must not be better than the results below it.

mod line;

use std::fmt;

use line::{Line, TestLine};

/// What became of a test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// `ok`.
    Passed,
    /// `not ok`.
    Failed,
    /// The directive SKIP with this reason, whatever the result: it was not run.
    Skipped(String),
}

/// One result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Test {
    /// The description.
    pub(crate) name: String,
    /// The result.
    pub(crate) verdict: Verdict,
    /// The diagnostic lines before it, without their `# `.
    pub(crate) diagnostics: Vec<String>,
    /// The tests it consists of, if any.
    pub(crate) subtests: Vec<Test>,
}

/// A whole log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Log {
    /// The results of the top level.
    pub(crate) tests: Vec<Test>,
    /// What the log violates; results are complete and can be trusted only if there is nothing here.
    pub(crate) problems: Vec<Problem>,
    /// Diagnostic lines that no result followed.
    pub(crate) diagnostics: Vec<String>,
    /// Lines behind the first `KTAP version 1` that are not KTAP, with their numbers; a kernel prints such, an image does not.
    pub(crate) strays: Vec<(usize, String)>,
}

/// A violation of the format, or of what the log itself promised.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    /// There is no `KTAP version 1`.
    NoVersion,
    /// The tests below this one (the top level if empty) have no plan line.
    NoPlan(String),
    /// The tests below this one (the top level if empty) have another number than planned.
    Count {
        /// Whose tests.
        name: String,
        /// How many were planned.
        planned: u64,
        /// How many have a result.
        found: u64,
    },
    /// A second plan for the same tests.
    SecondPlan {
        /// Line, from 1.
        line: usize,
    },
    /// A result does not have the next number.
    Number {
        /// Its name.
        name: String,
        /// The number it has.
        found: u64,
        /// The number it should have.
        expected: u64,
    },
    /// A test passed although one of its subtests failed.
    Contradiction(String),
    /// Subtests were begun and their parent never got a result; the tests that have one are named.
    Unfinished(Vec<String>),
    /// The guest gave up, with these words.
    BailOut(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |name: &str| if name.is_empty() { String::new() } else { format!(" of \"{name}\"") };
        match self {
            Self::NoVersion => write!(f, "no line \"KTAP version 1\": the guest did not come to its tests"),
            Self::NoPlan(name) => write!(f, "no plan line{}: nobody knows whether every test was run", of(name)),
            Self::Count { name, planned, found } => {
                write!(f, "{planned} tests{} were planned, {found} have a result", of(name))
            }
            Self::SecondPlan { line } => write!(f, "line {line}: a second plan for the same tests"),
            Self::Number { name, found, expected } => {
                write!(f, "\"{name}\" is number {found} where {expected} comes next")
            }
            Self::Contradiction(name) => write!(f, "\"{name}\" is reported as passed, but a subtest of it failed"),
            Self::Unfinished(names) if names.is_empty() => {
                write!(f, "a group of tests was begun and has no result at all")
            }
            Self::Unfinished(names) => {
                write!(
                    f,
                    "a group of tests was begun and not ended; the last result in it is of \"{}\"",
                    names[names.len() - 1]
                )
            }
            Self::BailOut(reason) => write!(f, "the guest gave up: {reason}"),
        }
    }
}

/// How many tests without subtests there are, by verdict.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub(crate) struct Counts {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
    /// Not run.
    pub(crate) skipped: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl Log {
    /// Every test without subtests, with the names of those it is part of before its own.
    pub(crate) fn leaves(&self) -> Vec<(Vec<&str>, &Test)> {
        let mut leaves = Vec::new();
        collect_leaves(&self.tests, &[], &mut leaves);
        leaves
    }

    /// Counts the tests without subtests.
    pub(crate) fn counts(&self) -> Counts {
        self.leaves().iter().fold(Counts::default(), |counts, (_, test)| {
            counts
                + match test.verdict {
                    Verdict::Passed => Counts { passed: 1, ..Counts::default() },
                    Verdict::Failed => Counts { failed: 1, ..Counts::default() },
                    Verdict::Skipped(_) => Counts { skipped: 1, ..Counts::default() },
                }
        })
    }
}

fn collect_leaves<'a>(tests: &'a [Test], above: &[&'a str], leaves: &mut Vec<(Vec<&'a str>, &'a Test)>) {
    for test in tests {
        let path: Vec<&str> = above.iter().copied().chain([test.name.as_str()]).collect();
        // A group that failed although nothing in it did is a failure of its own.
        let fails_itself =
            test.verdict == Verdict::Failed && test.subtests.iter().all(|t| t.verdict != Verdict::Failed);
        if test.subtests.is_empty() || fails_itself {
            leaves.push((path.clone(), test));
        }
        collect_leaves(&test.subtests, &path, leaves);
    }
}

/// A level of nesting that has not ended yet.
#[derive(Default)]
struct Level {
    indentation: usize,
    plan: Option<u64>,
    /// Why none of the planned tests was run, if the plan says so.
    skipped: Option<String>,
    tests: Vec<Test>,
    diagnostics: Vec<String>,
}

impl Level {
    fn new(indentation: usize) -> Self {
        Self { indentation, ..Self::default() }
    }
}

/// Reads the lines of a log, which may have anything before the first `KTAP version 1`.
///
/// Below that, a result, a plan or `# Subtest:` that is further to the right than everything begins the tests of a level,
/// whether a version line came before it or not.
pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Log {
    let mut log = Log::default();
    let mut levels: Vec<Level> = Vec::new();
    for (index, raw) in lines.into_iter().enumerate() {
        let number = index + 1;
        let Some((indentation, line)) = Line::parse(raw) else {
            let raw = raw.trim_end();
            if !levels.is_empty() && !raw.is_empty() {
                log.strays.push((number, raw.to_owned()));
            }
            continue;
        };
        if levels.is_empty() {
            if line == Line::Version {
                levels.push(Level::new(indentation));
            }
            continue;
        }
        let is_deeper = levels.last().is_none_or(|level| indentation > level.indentation);
        match line {
            Line::Version if is_deeper => levels.push(Level::new(indentation)),
            Line::Version => log.strays.push((number, raw.trim_end().to_owned())),
            Line::BailOut(reason) => log.problems.push(Problem::BailOut(reason.to_owned())),
            // Announces the name that the result will repeat.
            Line::Subtest if is_deeper => levels.push(Level::new(indentation)),
            Line::Subtest => {}
            Line::Plan(plan, skipped) => {
                if is_deeper {
                    levels.push(Level::new(indentation));
                }
                match levels.last_mut().filter(|level| level.indentation == indentation) {
                    Some(level) if level.plan.is_some() => log.problems.push(Problem::SecondPlan { line: number }),
                    Some(level) => (level.plan, level.skipped) = (Some(plan), skipped.map(str::to_owned)),
                    None => log.strays.push((number, raw.trim_end().to_owned())),
                }
            }
            Line::Result(result) => {
                let own = level_at(&mut levels, indentation);
                // The subtests of this one are the deeper level that directly follows its own; anything deeper was never
                // ended.
                let mut below = levels.split_off(own + 1).into_iter();
                let (subtests, skipped) =
                    below.next().map(|level| close(level, result.name, &mut log)).unwrap_or_default();
                below.for_each(|level| log.problems.push(unfinished(&level)));
                if let Some(level) = levels.last_mut() {
                    record(level, result, subtests, skipped, &mut log.problems);
                }
            }
            Line::Diagnostic(text) => {
                // Where it stands says whose it is; one that stands nowhere belongs to what comes next.
                let at = levels.iter().rposition(|level| level.indentation <= indentation).unwrap_or(0);
                if let Some(level) = levels.get_mut(at) {
                    level.diagnostics.push(text.to_owned());
                }
            }
        }
    }
    let mut levels = levels.into_iter();
    match levels.next() {
        Some(top) => {
            levels.for_each(|level| log.problems.push(unfinished(&level)));
            let (tests, skipped) = close(top, "", &mut log);
            log.tests = tests;
            if let Some(reason) = skipped {
                let name = "everything".to_owned();
                let (verdict, diagnostics, subtests) = (Verdict::Skipped(reason), Vec::new(), Vec::new());
                log.tests.push(Test { name, verdict, diagnostics, subtests });
            }
        }
        None => log.problems.push(Problem::NoVersion),
    }
    log
}

/// The index of the level at `indentation`, which is begun if there is none; deeper levels are below it.
fn level_at(levels: &mut Vec<Level>, indentation: usize) -> usize {
    match levels.iter().rposition(|level| level.indentation <= indentation) {
        Some(at) if levels[at].indentation == indentation => at,
        at => {
            let own = at.map_or(0, |at| at + 1);
            levels.insert(own, Level::new(indentation));
            own
        }
    }
}

fn unfinished(level: &Level) -> Problem {
    Problem::Unfinished(level.tests.iter().map(|test| test.name.clone()).collect())
}

/// Ends a level, whose tests belong to the one called `name`; the reason is that for which all of them were skipped.
fn close(level: Level, name: &str, log: &mut Log) -> (Vec<Test>, Option<String>) {
    let found = level.tests.len() as u64;
    match level.plan {
        None => log.problems.push(Problem::NoPlan(name.to_owned())),
        Some(planned) if planned != found => {
            log.problems.push(Problem::Count { name: name.to_owned(), planned, found });
        }
        Some(_) => {}
    }
    log.diagnostics.extend(level.diagnostics);
    (level.tests, level.skipped)
}

/// Adds a result to its level.
fn record(
    level: &mut Level,
    line: TestLine<'_>,
    subtests: Vec<Test>,
    skipped: Option<String>,
    problems: &mut Vec<Problem>,
) {
    let expected = level.tests.len() as u64 + 1;
    let found = line.number.unwrap_or(expected);
    if found != expected {
        problems.push(Problem::Number { name: line.name.to_owned(), found, expected });
    }
    if line.verdict != Verdict::Failed && subtests.iter().any(|test| test.verdict == Verdict::Failed) {
        problems.push(Problem::Contradiction(line.name.to_owned()));
    }
    let verdict = match (line.verdict, skipped) {
        (Verdict::Passed, Some(reason)) if subtests.is_empty() => Verdict::Skipped(reason),
        (verdict, _) => verdict,
    };
    let diagnostics = std::mem::take(&mut level.diagnostics);
    level.tests.push(Test { name: line.name.to_owned(), verdict, diagnostics, subtests });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Log {
        parse(text.lines())
    }

    const GOOD: &str = "\
QEMU says something
KTAP version 1
1..2
    KTAP version 1
    # Subtest: clp
    1..2
    ok 1 list
    ok 2 - query # SKIP no function
ok 1 clp
# took 3 ms
ok 2 dma
";

    #[test]
    fn a_complete_log_has_no_problems() {
        let log = read(GOOD);
        assert_eq!(log.problems, []);
        assert_eq!(log.strays, []);
        assert_eq!(log.diagnostics, [""; 0]);
        assert_eq!(log.tests.len(), 2);
        assert_eq!(log.tests[0].subtests[1].verdict, Verdict::Skipped("no function".into()));
        assert_eq!(log.tests[1].diagnostics, ["took 3 ms"]);
        assert_eq!(log.counts(), Counts { passed: 2, failed: 0, skipped: 1 });
        let paths: Vec<String> = log.leaves().iter().map(|(path, _)| path.join("/")).collect();
        assert_eq!(paths, ["clp/list", "clp/query", "dma"]);
    }

    #[test]
    fn every_prefix_of_a_log_has_a_problem() {
        let lines: Vec<&str> = GOOD.lines().collect();
        for end in 0..lines.len() {
            assert_ne!(parse(lines[..end].iter().copied()).problems, [], "the first {end} lines");
        }
    }

    #[test]
    fn a_failure_carries_its_diagnostics() {
        let log = read(
            "KTAP version 1\n1..1\n  KTAP version 1\n  1..2\n  ok 1 a\n  # left 1, right 2\n  not ok 2 b\nnot ok 1 s\n",
        );
        assert_eq!(log.problems, []);
        assert_eq!(log.counts(), Counts { passed: 1, failed: 1, skipped: 0 });
        let leaves = log.leaves();
        assert_eq!(leaves[1].0, ["s", "b"]);
        assert_eq!(leaves[1].1.diagnostics, ["left 1, right 2"]);
    }

    #[test]
    fn a_group_that_fails_by_itself_counts_as_a_failure() {
        let log = read("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 s\n");
        assert_eq!(log.counts(), Counts { passed: 1, failed: 1, skipped: 0 });
    }

    #[test]
    fn a_missing_plan_is_named() {
        let log = read("KTAP version 1\n  KTAP version 1\n  ok 1 a\nok 1 s\n");
        assert_eq!(log.problems, [Problem::NoPlan("s".into()), Problem::NoPlan(String::new())]);
    }

    #[test]
    fn a_short_and_a_long_run_are_named() {
        let log = read("KTAP version 1\n1..2\nok 1 a\n");
        assert_eq!(log.problems, [Problem::Count { name: String::new(), planned: 2, found: 1 }]);
        assert_eq!(log.problems[0].to_string(), "2 tests were planned, 1 have a result");
        let log = read("KTAP version 1\n1..0\nok 1 a\n");
        assert_eq!(log.problems, [Problem::Count { name: String::new(), planned: 0, found: 1 }]);
        assert_eq!(read("KTAP version 1\n1..0\n").problems, []);
    }

    #[test]
    fn a_group_without_its_result_is_named() {
        let log = read("KTAP version 1\n1..1\n    KTAP version 1\n    1..2\n    ok 1 first\n");
        assert!(log.problems.contains(&Problem::Unfinished(vec!["first".into()])), "{:?}", log.problems);
    }

    #[test]
    fn a_parent_must_not_be_better_than_its_subtests() {
        let log = read("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 a\nok 1 s\n");
        assert_eq!(log.problems, [Problem::Contradiction("s".into())]);
    }

    #[test]
    fn numbers_count_up() {
        let log = read("KTAP version 1\n1..2\nok 1 a\nok 3 b\n");
        assert_eq!(log.problems, [Problem::Number { name: "b".into(), found: 3, expected: 2 }]);
        assert_eq!(read("KTAP version 1\n1..1\n1..1\nok 1 a\n").problems, [Problem::SecondPlan { line: 3 }]);
    }

    #[test]
    fn giving_up_and_saying_nothing_are_problems() {
        let log = read("KTAP version 1\n1..1\nBail out! no memory\n");
        assert!(log.problems.contains(&Problem::BailOut("no memory".into())));
        assert_eq!(read("some words\nok 1 a\n").problems, [Problem::NoVersion]);
    }

    #[test]
    fn what_is_not_ktap_is_kept_with_its_line() {
        let log = read("KTAP version 1\n1..1\n[    0.1] a kernel message\nok 1 a\n");
        assert_eq!(log.problems, []);
        assert_eq!(log.strays, [(3, "[    0.1] a kernel message".into())]);
    }

    #[test]
    fn a_result_needs_no_name() {
        let log = read("KTAP version 1\n1..2\nok 1\nok 2 # SKIP why\n");
        assert_eq!(log.problems, []);
        assert_eq!(log.tests[1].verdict, Verdict::Skipped("why".into()));
    }

    /// Older KUnit has no version line below the first one.
    #[test]
    fn a_failure_below_a_subtest_line_is_not_lost() {
        for announcement in ["  # Subtest: x\n", "  KTAP version 1\n  # Subtest: x\n", "  TAP version 14\n", ""] {
            for plan in ["  1..2\n", ""] {
                let log = read(&format!("KTAP version 1\n1..1\n{announcement}{plan}  ok 1 s\n  not ok 2 t\nok 1 x\n"));
                assert_eq!(log.counts(), Counts { passed: 1, failed: 1, skipped: 0 }, "{announcement}{plan}");
                assert!(log.problems.contains(&Problem::Contradiction("x".into())));
                assert_eq!(log.problems.contains(&Problem::NoPlan("x".into())), plan.is_empty());
                assert_eq!(log.strays, []);
            }
        }
        // At any depth, and without a result of those around it.
        let log = read("KTAP version 1\n1..1\n        not ok 1 deep\n    ok 1 middle\nok 1 top\n");
        assert_eq!(log.counts().failed, 1);
        assert_eq!(log.leaves()[0].0, ["top", "middle", "deep"]);
        let log = read("KTAP version 1\n1..1\nok 1 top\n    not ok 1 late\n");
        assert_eq!(log.problems, [Problem::Unfinished(vec!["late".into()])]);
        let log = read("  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 b\n");
        assert_eq!(log.counts().failed, 1);
    }

    #[test]
    fn a_failure_without_a_number_is_one() {
        let log = read("KTAP version 1\n1..2\nok 1 a\nnot ok\n");
        assert_eq!((log.problems, log.tests[1].verdict.clone()), (vec![], Verdict::Failed));
    }

    #[test]
    fn a_plan_that_skips_everything() {
        let log = read("KTAP version 1\n1..0 # SKIP no device\n");
        assert_eq!((log.counts(), &log.problems[..]), (Counts { passed: 0, failed: 0, skipped: 1 }, &[][..]));
        let log = read("KTAP version 1\n1..1\n  KTAP version 1\n  1..0 # skip no device\nok 1 x\n");
        assert_eq!(log.problems, []);
        assert_eq!(log.tests[0].verdict, Verdict::Skipped("no device".into()));
        // What was promised not to be run must not have results.
        let log = read("KTAP version 1\n1..1\n  1..0 # SKIP no device\n  not ok 1 a\nok 1 x\n");
        assert_eq!(log.counts().failed, 1);
        assert!(log.problems.contains(&Problem::Count { name: "x".into(), planned: 0, found: 1 }));
    }

    #[test]
    fn a_log_with_time_stamps() {
        let plain = GOOD.replace("ok 2 dma", "not ok 2 dma");
        let (first, rest) = plain.split_once('\n').unwrap();
        let stamped = rest.lines().map(|line| format!("[    1.234567] {line}\n")).collect::<String>();
        assert_eq!(read(&format!("{first}\n{stamped}")), read(&plain));
        // One line among others, as a kernel prints it.
        let mixed = plain.replace("    ok 1 list", "[   12.3][   T17]     not ok 1 list");
        assert_eq!(read(&mixed).counts(), Counts { passed: 0, failed: 2, skipped: 1 });
    }
}
