// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a kernel is judged by: the cases of each boot, its disks and its log; as text for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::boots::Boot;
use super::device::Attached;
use super::expectation::{cause, is_luck, known_report, may_alarm, Implementation};
use super::series::Series;
use crate::console::ktap::{self, Counts, Verdict};
use crate::disk::Extent;
use crate::qemu::Run;

/// Version of the JSON; it changes when a field changes its meaning or goes, not when one is added.
const SCHEMA: u32 = 1;

/// What the kernel prints when something in it is wrong.
const ALARMS: [&str; 12] = [
    // Among others of the validator of locks and of RCU.
    "WARNING: ",
    // Among others of a function that sleeps where none may.
    "BUG: ",
    "kernel BUG at",
    // Of the allocator, followed by the name of the cache.
    "] BUG ",
    "UBSAN: ",
    "INFO: trying to register non-static key",
    "Kernel panic",
    "Oops",
    "Call Trace",
    "INFO: rcu",
    "INFO: task",
    "possible recursive locking",
];

/// All boots of one kernel.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    /// Whether everything was as it should be.
    pub(crate) passed: bool,
    kernel: String,
    implementation: &'static str,
    boots: Vec<BootReport>,
}

/// One boot.
#[derive(Debug, Serialize)]
pub(crate) struct BootReport {
    name: &'static str,
    /// Everything that was not as it should be.
    pub(crate) problems: Vec<String>,
    command: String,
    seconds: f64,
    pub(crate) console: PathBuf,
    cases: Vec<Case>,
    /// What the guest said beside its results, by kind.
    facts: BTreeMap<String, Vec<Value>>,
}

/// One case.
#[derive(Debug, Serialize)]
struct Case {
    /// The suite, the case, and what is below it.
    path: Vec<String>,
    result: &'static str,
    /// What the guest says of a case that was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why a case that did not pass could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    diagnostics: Vec<String>,
}

/// What became of one run of several that make up a boot; it is a case.
#[derive(Debug)]
pub(crate) struct Outcome {
    name: &'static str,
    /// Everything that was not as it should be.
    pub(crate) problems: Vec<String>,
    command: String,
    seconds: f64,
    console: Vec<String>,
}

/// A part of a disk that now has other content: `# zpci-written: {...}`.
#[derive(Debug, Deserialize)]
struct Written {
    serial: String,
    offset: u64,
    length: u64,
}

impl Report {
    /// Collects the boots of one kernel.
    pub(crate) fn new(kernel: String, implementation: Implementation, boots: Vec<BootReport>) -> Self {
        let passed = boots.iter().all(|boot| boot.problems.is_empty());
        Self { schema: SCHEMA, passed, kernel, implementation: implementation.name(), boots }
    }

    /// How many cases there were; each problem of a boot counts as one that failed.
    pub(crate) fn counts(&self) -> Counts {
        let sum = |count: fn(&BootReport) -> usize| self.boots.iter().map(count).sum::<usize>() as u64;
        Counts {
            passed: sum(|boot| boot.count("passed")),
            failed: sum(|boot| boot.problems.len()),
            skipped: sum(|boot| boot.count("skipped")),
        }
    }

    /// The report as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }
}

impl fmt::Display for Report {
    /// The report for people: what did not pass, and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for boot in &self.boots {
            writeln!(f, "\n{}: {}", boot.name, boot.summary())?;
            for case in boot.cases.iter().filter(|case| case.result != "passed") {
                let why = case.cause.or(case.reason.as_deref()).unwrap_or("unexpected");
                writeln!(f, "  {:7} {}: {why}", case.result, case.path.join(" / "))?;
                if case.cause.is_none() {
                    case.diagnostics.iter().try_for_each(|line| writeln!(f, "            {line}"))?;
                }
            }
            boot.problems.iter().try_for_each(|problem| writeln!(f, "  PROBLEM {problem}"))?;
            if !boot.problems.is_empty() {
                writeln!(f, "  Everything the guest printed is in {}", boot.console.display())?;
            }
        }
        let count = |result| self.boots.iter().map(|boot| boot.count(result)).sum::<usize>();
        let seconds: f64 = self.boots.iter().map(|boot| boot.seconds).sum();
        let verdict = if self.passed { "PASSED" } else { "FAILED" };
        writeln!(
            f,
            "\n{verdict}: Linux {} ({}), {} boots in {seconds:.1} s: {} cases passed, {} failed, {} skipped",
            self.kernel,
            self.implementation,
            self.boots.len(),
            count("passed"),
            count("failed"),
            count("skipped"),
        )
    }
}

impl BootReport {
    /// Judges a run, whose guest should have written to each of `disks` what it says, and nothing else.
    pub(crate) fn new(
        boot: &Boot,
        run: Run,
        disks: &[Attached],
        console: PathBuf,
        series: Series,
        implementation: Implementation,
    ) -> Self {
        let mut problems: Vec<String> = run.failure().into_iter().collect();
        let log = ktap::parse(run.console.iter().map(String::as_str));
        problems.extend(log.problems.iter().map(ToString::to_string));
        problems.extend(missing(&run.console, boot.log));
        if !may_alarm(series, implementation, boot.name) {
            problems.extend(alarms(boot.name, &run.console));
        }
        let facts = facts(&run.console, &mut problems);
        let written = facts.get("written").map_or(&[][..], Vec::as_slice);
        problems.extend(disks.iter().filter_map(|attached| check_disk(attached, written).err()));
        let cases: Vec<Case> =
            log.leaves().into_iter().map(|(path, test)| Case::new(&path, test, series, implementation)).collect();
        problems.extend(cases.iter().filter_map(Case::problem));
        let seconds = run.elapsed.as_secs_f64();
        Self { name: boot.name, problems, command: run.command, seconds, console, cases, facts }
    }

    /// Judges a boot of several runs, whose consoles are in `directory`.
    pub(crate) fn of_outcomes(
        boot: &Boot,
        outcomes: Vec<Outcome>,
        directory: PathBuf,
        series: Series,
        implementation: Implementation,
    ) -> Self {
        let seconds = outcomes.iter().map(|outcome| outcome.seconds).sum();
        let mut problems = Vec::new();
        let console: Vec<String> = outcomes.iter().flat_map(|outcome| outcome.console.clone()).collect();
        let facts = facts(&console, &mut problems);
        let command = outcomes.first().map(|outcome| outcome.command.clone()).unwrap_or_default();
        let case = |outcome: Outcome| {
            let path = vec![boot.name.to_owned(), outcome.name.to_owned()];
            Case {
                result: if outcome.problems.is_empty() { "passed" } else { "failed" },
                reason: None,
                cause: cause(series, implementation, &path),
                diagnostics: outcome.problems,
                path,
            }
        };
        let cases: Vec<Case> = outcomes.into_iter().map(case).collect();
        problems.extend(cases.iter().filter_map(Case::problem));
        Self { name: boot.name, problems, command, seconds, console: directory, cases, facts }
    }

    /// How many cases there were.
    pub(crate) fn counts(&self) -> Counts {
        let count = |result| self.count(result) as u64;
        Counts { passed: count("passed"), failed: count("failed"), skipped: count("skipped") }
    }

    /// What the boot is called.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// What the guest said of this kind, beside its results.
    pub(crate) fn facts(&self, kind: &str) -> &[Value] {
        self.facts.get(kind).map_or(&[], Vec::as_slice)
    }

    fn count(&self, result: &str) -> usize {
        self.cases.iter().filter(|case| case.result == result).count()
    }

    /// One line.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!("{} passed", self.count("passed"));
        for result in ["failed", "skipped"] {
            let known = self.cases.iter().filter(|case| case.result == result && case.cause.is_some()).count();
            let unknown = self.count(result) - known;
            // Writing to a String does not fail.
            let _ = match (known, unknown) {
                (0, 0) => Ok(()),
                (known, 0) => write!(text, ", {known} {result} as known"),
                (0, unknown) => write!(text, ", {unknown} {result} UNEXPECTEDLY"),
                (known, unknown) => write!(text, ", {known} {result} as known, {unknown} UNEXPECTEDLY"),
            };
        }
        if !self.problems.is_empty() {
            let _ = write!(text, ", {} PROBLEMS", self.problems.len());
        }
        text
    }
}

impl Outcome {
    /// Judges a run by its end, by what the guest found, and by the log of its kernel.
    pub(crate) fn new(name: &'static str, run: &Run) -> Self {
        let mut problems: Vec<String> = run.failure().into_iter().collect();
        let log = ktap::parse(run.console.iter().map(String::as_str));
        problems.extend(log.problems.iter().map(ToString::to_string));
        for (path, test) in log.leaves() {
            if test.verdict != Verdict::Passed {
                problems.push(format!("{}: {}", path.join(" / "), test.diagnostics.join("; ")));
            }
        }
        problems.extend(alarms(name, &run.console));
        let (command, console) = (run.command.clone(), run.console.clone());
        Self { name, problems, command, seconds: run.elapsed.as_secs_f64(), console }
    }
}

impl Case {
    fn new(path: &[&str], test: &ktap::Test, series: Series, implementation: Implementation) -> Self {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let (result, reason) = match &test.verdict {
            Verdict::Passed => ("passed", None),
            Verdict::Failed => ("failed", None),
            Verdict::Skipped(reason) => ("skipped", Some(reason.clone())),
        };
        let cause = cause(series, implementation, &path);
        let diagnostics = test.diagnostics.iter().filter(|line| !line.starts_with("zpci-")).cloned().collect();
        Self { path, result, reason, cause, diagnostics }
    }

    fn problem(&self) -> Option<String> {
        let path = self.path.join(" / ");
        match (self.result, self.cause) {
            ("passed", Some(cause)) if !is_luck(cause) => {
                Some(format!("\"{path}\" passed, which was held impossible: {cause}"))
            }
            ("passed", None) | (_, Some(_)) => None,
            (result, None) => Some(format!("\"{path}\" {result}")),
        }
    }
}

/// Everything `# zpci-KIND: {json}` of the console, by kind.
fn facts(console: &[String], problems: &mut Vec<String>) -> BTreeMap<String, Vec<Value>> {
    let mut facts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in console {
        let Some((kind, json)) = line.trim().strip_prefix("# zpci-").and_then(|fact| fact.split_once(": ")) else {
            continue;
        };
        match serde_json::from_str(json) {
            Ok(fact) => facts.entry(kind.to_owned()).or_default().push(fact),
            Err(error) => problems.push(format!("the guest says something unreadable ({error}): {line}")),
        }
    }
    facts
}

/// What the kernel's log should have and has not.
fn missing(console: &[String], wanted: &[&str]) -> Vec<String> {
    let missing = wanted.iter().filter(|text| !console.iter().any(|line| line.contains(*text)));
    missing.map(|text| format!("the kernel does not say: {text}")).collect()
}

/// What the kernel's log has and should not have.
pub(crate) fn alarms(boot: &str, console: &[String]) -> Vec<String> {
    let is_alarm = |line: &str| line.starts_with('[') && ALARMS.iter().any(|alarm| line.contains(alarm));
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(line) = console.get(at) {
        let known = known_report(boot, console.get(at..).unwrap_or_default());
        if known.is_none() && is_alarm(line) {
            found.push(format!("the kernel says: {line}"));
        }
        at += known.unwrap_or(1);
    }
    found
}

/// Compares a disk with what the guest says it wrote to it.
fn check_disk(attached: &Attached, written: &[Value]) -> Result<u64, String> {
    let mut extents = Vec::new();
    for fact in written {
        match serde_json::from_value::<Written>(fact.clone()) {
            Ok(Written { serial, offset, length }) if serial == attached.serial => {
                extents.push(Extent { offset, length });
            }
            Ok(_) => {}
            Err(error) => return Err(format!("the guest says something unreadable ({error}): {fact}")),
        }
    }
    attached.disk.check(&extents).map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn the_log_is_searched_for_alarms_and_for_what_it_must_say() {
        let console = lines(&["[    0.1] iommu: lazy mode", "    # WARNING: of a test", "ok 1 a"]);
        assert_eq!(missing(&console, &["lazy mode"]), [""; 0]);
        assert_eq!(missing(&console, &["strict mode"]), ["the kernel does not say: strict mode"]);
        assert_eq!(alarms("lazy", &console), [""; 0]);
        for alarm in [
            "WARNING: CPU: 0 PID: 1 at drivers/iommu/x.c:1",
            "WARNING: possible circular locking dependency detected",
            "BUG: sleeping function called from invalid context at mm/slub.c:1",
            "BUG kmalloc-64 (Not tainted): Poison overwritten",
            "BUG: KFENCE: use-after-free read in f+0x1/0x2",
            "UBSAN: shift-out-of-bounds in f.c:1:2",
            "INFO: trying to register non-static key.",
        ] {
            assert_eq!(alarms("lazy", &lines(&[&format!("[    1.5] {alarm}")])).len(), 1, "{alarm}");
        }
        let report = |function| {
            lines(&[
                "[   36.4] WARNING: possible circular locking dependency detected",
                "[   36.4] vfio_pci_device/184 is trying to acquire lock:",
                &format!("[   36.4] 00000000040417f8 (&vdev->memory_lock){{++++}}-{{3:3}}, at: {function}+0x2a/0x80"),
                "[   36.4] Call Trace:",
                "[   36.4] INFO: lockdep is turned off.",
                "[   36.5] WARNING: another",
            ])
        };
        assert_eq!(
            alarms("lazy", &report("vfio_pci_memory_lock_and_enable")),
            ["the kernel says: [   36.5] WARNING: another"]
        );
        assert_eq!(alarms("lazy", &report("zpci_attach")).len(), 3);
        let twice = lines(&[
            "[   36.4] WARNING: drivers/iommu/zpci-rust/iommu.c:1 at zpci_unmap_odd+0x1/0x2, CPU#0: init/1",
            "[   36.4] Call Trace:",
            "[   36.4] ---[ end trace 0000000000000000 ]---",
        ]);
        assert_eq!(alarms("module", &twice), [""; 0]);
        assert_eq!(alarms("lazy", &twice).len(), 2);
    }

    #[test]
    fn facts_are_sorted_by_kind() {
        let mut problems = Vec::new();
        let console =
            lines(&["  # zpci-range: {\"start\":1}", "# zpci-range: {\"start\":2}", "# zpci-bad: {", "# other"]);
        let facts = facts(&console, &mut problems);
        assert_eq!(facts["range"], [serde_json::json!({"start": 1}), serde_json::json!({"start": 2})]);
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn only_what_is_known_may_fail_and_it_must() {
        let case = |name: &str, result| Case {
            path: lines(&["iommufd", name]),
            result,
            reason: None,
            cause: cause(Series::V7_2, Implementation::Stock, &lines(&["iommufd", name])),
            diagnostics: Vec::new(),
        };
        assert_eq!(case("across tables", "failed").problem(), None);
        assert!(case("across tables", "passed").problem().unwrap().contains("held impossible"));
        assert_eq!(case("page by page", "passed").problem(), None);
        assert_eq!(case("page by page", "failed").problem().unwrap(), "\"iommufd / page by page\" failed");
        assert_eq!(case("page by page", "skipped").problem().unwrap(), "\"iommufd / page by page\" skipped");
    }
}
