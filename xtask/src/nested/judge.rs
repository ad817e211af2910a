// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a boot is judged by: the ends of the inner machines, what their guests found, both kernels' logs, and the disks.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

use super::boot_report::{BootReport, Check, Outcome};
use super::boots::{Api, Boot, Kind, Scenario};
use super::console::{parts, Part};
use super::counted::Counted;
use super::expectation::known;
use super::values;
use super::vmm::Choice;
use crate::console::ktap::{self, Counts, Log, Verdict};
use crate::disk::Extent;
use crate::linux::{alarms, Attached, Implementation};
use crate::qemu::Run;
use crate::report::Report;

/// What the first kernel says of a refused access, with the code of the event (QEMU: `ERR_EVENT_TPROTE`).
const EVENT: &str = "Event 0x4 reports an error for PCI function 0x200";

/// What QEMU says of a page that it had mapped and did not unmap.
const STALE: &str = "(File exists)";

/// What the inner kernel says of frames of 1 MiB (`glue-c/kernel/iommu.c`).
const IGNORED: &str = "zpci: s390_iommu_large_frames=1 is ignored in a guest";

/// The first line of a guest's results.
const VERSION: &str = "KTAP version 1";

/// Judges a run of `boot`, whose guests should have written to each of `disks` what they say, and nothing else.
pub(crate) fn judge(
    implementation: Implementation,
    vmm: Choice,
    api: Api,
    boot: &Boot,
    run: Run,
    disks: &[Attached],
    console: PathBuf,
) -> BootReport {
    let mut problems: Vec<String> = run.failure().into_iter().collect();
    let log = ktap::parse(run.console.iter().map(String::as_str));
    problems.extend(log.problems.iter().map(ToString::to_string));
    problems.extend(alarms(boot.name, &run.console));
    let parts = parts(&run.console);
    let outer_values: Vec<Value> = parts.iter().flat_map(|part| Part::facts(&part.outer, "outer")).collect();
    let inner_values: Vec<Value> = parts.iter().flat_map(|part| Part::facts(&part.inner, "function")).collect();
    let mut checks = Vec::new();
    for scenario in boot.scenarios {
        let mut found = Found { vmm, scenario, checks: &mut checks };
        match parts.iter().find(|part| part.name == scenario.name) {
            Some(part) => found.judge(part, &outer_values, boot.falsified_group),
            None => found.note("runs", false, "it did not come to its end".to_owned()),
        }
    }
    let is_scenario = |part: &Part| boot.scenarios.iter().any(|scenario| scenario.name == part.name);
    for part in parts.iter().filter(|part| !part.name.is_empty() && !part.passed && !is_scenario(part)) {
        problems.push(format!("\"{}\": {}", part.name, part.reasons().collect::<Vec<_>>().join("; ")));
    }
    problems.extend(disks.iter().filter_map(|attached| check_disk(attached, &parts).err()));
    BootReport {
        implementation: implementation.name(),
        api,
        boot: boot.name,
        problems,
        checks,
        command: run.command,
        seconds: run.elapsed.as_secs_f64(),
        console,
        outer_values,
        inner_values,
        counted: parts.iter().filter_map(Counted::of).collect(),
        parts,
    }
}

/// The checks of a scenario, as they are made.
struct Found<'a> {
    vmm: Choice,
    scenario: &'a Scenario,
    checks: &'a mut Vec<Check>,
}

impl Found<'_> {
    fn note(&mut self, name: &'static str, holds: bool, detail: String) {
        let scenario = self.scenario.name;
        let known = known(self.vmm, scenario, name);
        let (outcome, detail) = match (holds, known) {
            (true, None) => (Outcome::Passed, detail),
            (true, Some(_)) => (Outcome::Failed, format!("this was held impossible: {detail}")),
            (false, Some(known)) if detail.contains(known.sign) => (Outcome::Known, detail),
            (false, _) => (Outcome::Failed, detail),
        };
        self.checks.push(Check { scenario, name, outcome, detail, cause: known.map(|known| known.cause) });
    }

    fn judge(&mut self, part: &Part, outer: &[Value], falsified: bool) {
        match self.scenario.kind {
            Kind::Image(times) => self.image(part, times, outer, falsified),
            Kind::Refusal => self.refusal(part),
            Kind::Linux => self.linux(part),
            Kind::Hotplug => {
                self.linux(part);
                self.hotplug(part);
            }
            Kind::IgnoredFrames => {
                self.linux(part);
                let said = part.inner.iter().filter(|line| line.contains(IGNORED)).count();
                self.note("ignored", said == 1, format!("{said} in the inner kernel's log"));
            }
            Kind::Identity => {
                self.linux(part);
                let domains = Part::facts(&part.inner, "function");
                let domains: Vec<&str> = domains.iter().filter_map(|function| function["domain"].as_str()).collect();
                self.note("no translation", domains == ["identity"], format!("domains: {}", domains.join(", ")));
            }
        }
    }

    fn image(&mut self, part: &Part, times: usize, outer: &[Value], falsified: bool) {
        let reports: Vec<Report> = runs(&part.inner).map(image_report).collect();
        let mut wrong: Vec<String> = reports.iter().flat_map(|report| report.problems.iter().cloned()).collect();
        wrong.extend(part.reasons().map(str::to_owned));
        let counts: Vec<String> = reports.iter().map(|report| counted(report.counts)).collect();
        let detail = if wrong.is_empty() { counts.join("; ") } else { wrong.join("; ") };
        self.note("runs", part.passed && reports.len() == times && wrong.is_empty(), detail);

        let mut wrong = Vec::new();
        for report in &reports {
            for index in 0..self.scenario.functions {
                let expected = outer.get(index).map(|outer| values::expected(index as u64, outer, falsified));
                match (report.functions.get(index), expected) {
                    (Some(inner), Some(expected)) => wrong.extend(values::differences(inner, &expected)),
                    _ => wrong.push(format!("function {index} is not listed in both guests")),
                }
            }
        }
        self.note("CLP", !reports.is_empty() && wrong.is_empty(), wrong.join("; "));

        let serials: Vec<Vec<&str>> = reports
            .iter()
            .map(|report| report.devices.iter().filter_map(|device| device["serial"].as_str()).collect())
            .collect();
        let expected = ["nvme0", "nvme1"].get(..self.scenario.functions).unwrap_or_default();
        let identified = !serials.is_empty() && serials.iter().all(|serials| serials == expected);
        self.note("identify", identified, format!("{serials:?}"));
        for (name, group, start) in
            [("read", "transfers", "read-"), ("write", "transfers", "write-"), ("interrupts", "interrupts", "")]
        {
            let logs = runs(&part.inner).map(|lines| ktap::parse(lines.iter().map(String::as_str)));
            let counts: Vec<_> = logs.map(|log| count(&log, group, start)).collect();
            let good = counts.iter().all(|(passed, others)| *passed > 0 && others.is_empty());
            let others: Vec<_> = counts.iter().flat_map(|(_, others)| others.iter().map(String::as_str)).collect();
            let passed: usize = counts.iter().map(|(passed, _)| passed).sum();
            let not = if others.is_empty() { String::new() } else { format!(", not {}", others.join(", ")) };
            self.note(name, good && !counts.is_empty(), format!("{passed} passed{not}"));
        }
        let matched: Vec<String> = reports
            .iter()
            .flat_map(|report| &report.interrupts)
            .map(|fact| format!("{} of {}", fact.interruptions, fact.requests))
            .collect();
        self.note("interruptions counted", matched.len() == times * self.scenario.functions, matched.join("; "));
    }

    fn refusal(&mut self, part: &Part) {
        let works = part.inner.iter().any(|line| line.trim() == "ok 2 read-into-first-page");
        self.note("works before", works, String::new());
        let told = Part::facts(&part.outer, "refused");
        let told = told.first().and_then(|fact| fact["told"].as_str());
        let reasons = part.reasons().chain(part.inner.iter().filter_map(|line| line.trim().strip_prefix("# ")));
        let detail = match told {
            Some("nobody") => "nothing was written; QEMU has stopped the guest".to_owned(),
            Some(_) => "nothing was written; the guest was told".to_owned(),
            None => reasons.filter(|line| !line.starts_with("zpci-")).collect::<Vec<_>>().join("; "),
        };
        let holds = part.passed && told.is_some();
        self.note("refused", holds, detail);
        // Where nothing is refused, there is nothing to be said.
        if known(self.vmm, self.scenario.name, "refused").is_none() {
            let said = part.outer.iter().filter(|line| line.contains(EVENT)).count();
            self.note("event", said > 0, format!("{said} in the first kernel's log"));
        }
    }

    fn linux(&mut self, part: &Part) {
        let log = ktap::parse(part.inner.iter().map(String::as_str));
        let mut wrong: Vec<String> = log.problems.iter().map(ToString::to_string).collect();
        for (path, test) in log.leaves() {
            if test.verdict != Verdict::Passed {
                wrong.push(format!("{}: {}", path.join(" / "), test.diagnostics.join("; ")));
            }
        }
        wrong.extend(part.reasons().map(str::to_owned));
        let passed = log.counts().passed;
        let detail = if wrong.is_empty() { counted(log.counts()) } else { wrong.join("; ") };
        self.note("runs", part.passed && passed > 0 && wrong.is_empty(), detail);
        let alarms = alarms(self.scenario.name, &part.inner);
        self.note("log", alarms.is_empty(), alarms.join("; "));
        // What was not unmapped is in the way of what comes next.
        let stale = part.messages.iter().filter(|line| line.contains(STALE)).count();
        self.note("nothing stale", stale == 0, format!("{stale} mappings were in the way of others"));
    }

    fn hotplug(&mut self, part: &Part) {
        let deleted = |name: &&str| {
            let device = format!("\"device\": \"{name}\"");
            part.monitor.iter().any(|line| line.contains("DEVICE_DELETED") && line.contains(&device))
        };
        for (name, serial) in [("first unplugged", "nvme0"), ("second unplugged", "nvme1")] {
            let asked = part.inner.iter().any(|line| line.contains(&format!("\"plug\",\"serial\":\"{serial}\"")));
            self.note(name, asked && deleted(&serial), format!("{serial} plugged again: {asked}"));
        }
    }
}

/// The runs of an image, each from its first line on.
fn runs(lines: &[String]) -> impl Iterator<Item = &[String]> {
    let starts: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| *line == VERSION).map(|(index, _)| index).collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).filter_map(|(start, end)| lines.get(start..end))
}

/// What an image found that ended well.
fn image_report(lines: &[String]) -> Report {
    let run = Run {
        command: String::new(),
        console: lines.to_vec(),
        messages: Vec::new(),
        status: Some(ExitStatus::default()),
        elapsed: Duration::ZERO,
    };
    Report::new(run, &[])
}

fn counted(counts: Counts) -> String {
    let Counts { passed, failed, skipped } = counts;
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

/// Of the cases in groups called `group` whose names begin with `start`: how many passed, and which others there are; without
/// those that the image leaves out since they end the machine.
fn count(log: &Log, group: &str, start: &str) -> (usize, Vec<String>) {
    let (mut passed, mut others) = (0, Vec::new());
    for (path, test) in log.leaves() {
        let [.., of, name] = path.as_slice() else { continue };
        if *of != group || !name.starts_with(start) || name.ends_with("-is-refused") {
            continue;
        }
        match test.verdict {
            Verdict::Passed => passed += 1,
            _ => others.push((*name).to_owned()),
        }
    }
    (passed, others)
}

/// Compares a disk with what all guests say they wrote to it.
fn check_disk(attached: &Attached, parts: &[Part]) -> Result<(), String> {
    let facts = parts
        .iter()
        .flat_map(|part| Part::facts(&part.inner, "written").into_iter().chain(Part::facts(&part.outer, "written")));
    let extents: Vec<Extent> = facts
        .filter(|fact| fact["serial"] == attached.serial)
        .filter_map(|fact| Some(Extent { offset: fact["offset"].as_u64()?, length: fact["length"].as_u64()? }))
        .collect();
    match attached.disk.check(&extents) {
        Ok(0) if attached.serial.starts_with("nvme") => Err(format!("nothing was written to {}", attached.serial)),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{}: {error:#}", attached.serial)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::disk::Disk;
    use crate::nested::boots::BOOTS;

    const NOBODY: &str = r##"KTAP version 1
1..1
    KTAP version 1
    # Subtest: nested
    1..4
    ok 1 bind to vfio-pci
        # zpci-outer: {"fid":512}
    ok 2 0010:00:00.0 values
        # inner| KTAP version 1
        # inner|     ok 2 read-into-first-page
        # inner|     # zpci-written: {"fid":17,"serial":"nvme0","offset":8,"length":8}
        # inner|     # zpci-target: {"fid":17,"iova":"0x0","bytes":4096,"absolute":"0x0"}
[    1.0] zpci: 0010:00:00.0: Event 0x4 reports an error for PCI function 0x200
        # inner-monitor| {"event": "STOP"}
        # zpci-refused: {"told":"nobody"}
    ok 3 unmapped
    ok 4 back to their drivers
ok 1 nested
"##;

    const REFUSED: Boot = Boot {
        name: "refused",
        scenarios: &[Scenario { name: "unmapped", kind: Kind::Refusal, functions: 1 }],
        falsified_group: false,
    };

    const DISK: &[u8; 16] = b"ZPCI-PATZPCI-WRA";

    fn judged(boot: &Boot, console: &str, disk: &[u8; 16]) -> BootReport {
        judged_of(Choice::Debian, boot, console, disk)
    }

    fn judged_of(vmm: Choice, boot: &Boot, console: &str, disk: &[u8; 16]) -> BootReport {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk");
        std::fs::write(&path, disk).unwrap();
        let disks = [Attached { serial: "nvme0", disk: Disk { path, size: 16 } }];
        let run = Run {
            command: String::new(),
            console: console.lines().map(str::to_owned).collect(),
            messages: Vec::new(),
            status: Some(ExitStatus::from_raw(0)),
            elapsed: Duration::ZERO,
        };
        judge(Implementation::Rust, vmm, Api::Type1, boot, run, &disks, PathBuf::new())
    }

    /// The checks that do not hold, and the other problems.
    fn wrong(report: &BootReport) -> Vec<String> {
        assert_eq!(
            report.passed(),
            report.problems.is_empty() && report.checks.iter().all(|c| c.outcome != Outcome::Failed)
        );
        let failed = report.checks.iter().filter(|check| check.outcome == Outcome::Failed);
        failed.map(|check| check.name.to_owned()).chain(report.problems.iter().cloned()).collect()
    }

    #[test]
    fn a_refusal_is_refused_and_said() {
        let report = judged(&REFUSED, NOBODY, DISK);
        assert_eq!(wrong(&report), [""; 0]);
        assert!(report.passed());
        assert_eq!(report.summary(), "3 passed");
    }

    #[test]
    fn each_thing_that_is_wrong_is_found() {
        let with = |from: &str, to: &str| {
            assert!(NOBODY.contains(from), "{from}");
            wrong(&judged(&REFUSED, &NOBODY.replace(from, to), DISK))
        };
        assert_eq!(with("Event 0x4", "Event 0x2"), ["event"]);
        assert_eq!(with("    ok 2 read-into-first-page", "    not ok 2 read-into-first-page"), ["works before"]);
        assert_eq!(with("        # zpci-refused: {\"told\":\"nobody\"}\n", ""), ["refused"]);
        let failed = with(
            "    ok 3 unmapped\n    ok 4 back to their drivers\nok 1",
            "    not ok 3 unmapped\n    ok 4 back to their drivers\nnot ok 1",
        );
        assert_eq!(failed, ["refused"]);
        let unfinished = with("    ok 3 unmapped\n    ok 4 back to their drivers\nok 1 nested\n", "");
        assert!(unfinished.iter().any(|wrong| wrong == "runs") && unfinished.len() > 1, "{unfinished:?}");
        let lost = with(
            "    ok 4 back to their drivers\nok 1",
            "        # gone\n    not ok 4 back to their drivers\nnot ok 1",
        );
        assert_eq!(lost, ["\"back to their drivers\": gone"]);
        assert_eq!(with("[    1.0]", "[    1.0] WARNING: x\n[    1.0]"), ["the kernel says: [    1.0] WARNING: x"]);
        let unannounced = with("\"offset\":8,\"length\":8", "\"offset\":0,\"length\":0");
        assert!(unannounced.len() == 1 && unannounced[0].contains("offset 0x8 was changed"), "{unannounced:?}");
    }

    #[test]
    fn what_is_known_not_to_hold_is_a_problem_when_it_does() {
        let frame = Boot { scenarios: &[Scenario { name: "frame", kind: Kind::Refusal, functions: 1 }], ..REFUSED };
        let passed = NOBODY.replace("ok 3 unmapped", "ok 3 frame");
        assert_eq!(wrong(&judged(&frame, &passed, DISK)), ["refused"]);
        let failed = passed
            .replace(
                "        # zpci-refused: {\"told\":\"nobody\"}\n    ok 3",
                "        # it was not refused DMA to an unmapped frame of 1 MiB\n    not ok 3",
            )
            .replace("\nok 1 nested", "\nnot ok 1 nested");
        let report = judged(&frame, &failed, DISK);
        assert_eq!(wrong(&report), [""; 0]);
        assert_eq!(report.summary(), "1 passed, 1 failed as known");
        assert_eq!(report.checks[1].detail, "it was not refused DMA to an unmapped frame of 1 MiB");
        // It has to hold where the tables are walked by the crates, and then somebody says so.
        assert_eq!(wrong(&judged_of(Choice::Crates, &frame, &passed, DISK)), [""; 0]);
        assert_eq!(wrong(&judged_of(Choice::Crates, &frame, &failed, DISK)), ["refused"]);
        let unsaid = passed.replace("Event 0x4", "Event 0x2");
        assert_eq!(wrong(&judged_of(Choice::Crates, &frame, &unsaid, DISK)), ["event"]);
        // It did not hold for another reason.
        let other = failed.replace("was not refused DMA to an unmapped frame of 1 MiB", "never came");
        assert_eq!(wrong(&judged(&frame, &other, DISK)), ["refused"]);
    }

    #[test]
    fn a_linux_has_to_run_and_to_be_quiet() {
        let console = r##"KTAP version 1
1..1
    KTAP version 1
    1..1
        # inner| [    0.1] Linux version 7
        # inner| KTAP version 1
        # inner| 1..1
        # inner|     KTAP version 1
        # inner|     1..1
        # inner|     # zpci-function: {"domain":"identity"}
        # inner|         # zpci-written: {"serial":"nvme0","offset":8,"length":8}
        # inner|     ok 1 found
        # zpci-counted: {"at_ms":7,"mapped":1,"unmapped":0,"global_rpcits":1,"sync_map_rpcits":1,"sync_rpcits":0}
        # inner| ok 1 disk
        # zpci-counted: {"at_ms":9,"mapped":5,"unmapped":3,"global_rpcits":1,"sync_map_rpcits":20,"sync_rpcits":300}
    ok 1 identity
ok 1 nested
"##;
        let boot = Boot { scenarios: &[Scenario { name: "identity", kind: Kind::Identity, functions: 1 }], ..REFUSED };
        let report = judged(&boot, console, DISK);
        assert_eq!(wrong(&report), [""; 0]);
        let counted = Counted { scenario: "identity".to_owned(), mapped: 5, unmapped: 3, refreshes: 321, at_ms: 9 };
        assert_eq!(report.counted, [counted]);
        let with = |from: &str, to: &str| wrong(&judged(&boot, &console.replace(from, to), DISK));
        assert_eq!(with("\"identity\"", "\"DMA-FQ\""), ["no translation"]);
        assert_eq!(with("    ok 1 found", "    not ok 1 found"), ["runs"]);
        assert_eq!(with("inner|     1..1", "inner|     1..2"), ["runs"]);
        assert_eq!(with("Linux version 7", "BUG: of the inner kernel"), ["log"]);
        let stale = "        # inner-qemu| vfio_container_dma_map(0x0) = -17 (File exists)\n    ok 1 identity";
        assert_eq!(with("    ok 1 identity", stale), ["nothing stale"]);
    }

    #[test]
    fn runs_of_an_image_are_told_apart() {
        let lines = ["early", VERSION, "1..0", "late", VERSION, "1..1"].map(str::to_owned);
        assert_eq!(runs(&lines).map(<[_]>::len).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(BOOTS.iter().filter(|boot| boot.falsified_group).count(), 2);
    }
}
