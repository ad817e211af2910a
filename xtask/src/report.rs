// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a boot is judged by, as a table for people and as JSON for programs.

mod function_table;

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use crate::console::facts::{
    DeviceSummary, Fact, Facts, FunctionSummary, InstructionCounts, InterruptsFact, SampleFact, WrittenFact,
};
use crate::console::ktap::{self, Counts, Log, Verdict};
use crate::device::Attached;
use crate::qemu::Run;

/// Version of the JSON; it changes when a field changes its meaning or goes, not when one is added.
const SCHEMA: u32 = 1;

/// Columns a line of names may take.
const WIDTH: usize = 110;

/// One boot and its verdict.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    /// Whether everything was as it should be.
    pub(crate) passed: bool,
    /// What was not.
    pub(crate) problems: Vec<String>,
    command: String,
    seconds: f64,
    /// Every decoded field of every function, in the order of the list.
    pub(crate) functions: Vec<Value>,
    /// What was talked to by DMA.
    pub(crate) devices: Vec<Value>,
    written: Vec<WrittenFact>,
    /// Requests of each device and the interruptions that they made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) interrupts: Vec<InterruptsFact>,
    /// What the machine counted, and the guest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) samples: Vec<SampleFact>,
    disks: Vec<DiskReport>,
    /// How many cases had which result.
    pub(crate) counts: Counts,
    cases: Vec<CaseReport>,
    /// Figures of an image that measures.
    #[serde(skip)]
    pub(crate) measurements: Vec<Value>,
    /// Instructions of a random sequence, and what came of each.
    #[serde(skip)]
    pub(crate) steps: Vec<Value>,
    #[serde(skip)]
    function_summaries: Vec<FunctionSummary>,
    #[serde(skip)]
    device_summaries: Vec<DeviceSummary>,
    #[serde(skip)]
    messages: Vec<String>,
}

/// A disk of ours after the run.
#[derive(Debug, Serialize)]
struct DiskReport {
    fid: u32,
    file: String,
    size: u64,
    /// Bytes that the guest wrote and the host found.
    written: Option<u64>,
}

/// A case.
#[derive(Debug, Serialize)]
struct CaseReport {
    /// The names of the groups it is in, then its own.
    path: Vec<String>,
    result: &'static str,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    diagnostics: Vec<String>,
}

impl Report {
    /// Judges `run`, whose guest should have written to each of `disks` what it says, and nothing else.
    pub(crate) fn new(run: Run, disks: &[Attached]) -> Self {
        let mut facts = Facts::default();
        // Lines taken as facts are left empty, so that line numbers stay those of the console.
        let lines: Vec<&str> =
            run.console.iter().map(|line| if facts.take(line) { "" } else { line.as_str() }).collect();
        let log = ktap::parse(lines);
        let mut problems: Vec<String> = run.failure().into_iter().collect();
        problems.extend(log.problems.iter().map(ToString::to_string));
        problems.extend(log.strays.iter().map(|(line, text)| format!("line {line} of the console is no KTAP: {text}")));
        problems.extend(facts.unreadable.iter().cloned());
        problems.extend(facts.interrupts.iter().filter_map(unmatched));
        problems.extend(facts.samples.iter().filter_map(miscounted));
        let disks = disks.iter().map(|attached| check_disk(attached, &facts.written, &mut problems)).collect();
        let cases: Vec<CaseReport> = cases(&log);
        problems.extend(cases.iter().filter_map(CaseReport::problem));
        let (function_summaries, functions) = unzip(facts.functions);
        let (device_summaries, devices) = unzip(facts.devices);
        Self {
            schema: SCHEMA,
            passed: problems.is_empty(),
            problems,
            command: run.command,
            seconds: run.elapsed.as_secs_f64(),
            functions,
            devices,
            written: facts.written,
            interrupts: facts.interrupts,
            samples: facts.samples,
            disks,
            counts: log.counts(),
            cases,
            measurements: facts.measurements,
            steps: facts.steps,
            function_summaries,
            device_summaries,
            messages: run.messages,
        }
    }

    /// The cases that were not run.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = String> + '_ {
        self.cases.iter().filter(|case| case.result == "skipped").map(|case| case.path.join(" / "))
    }

    /// The report as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    /// The report for people.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = self.write_text(&mut text);
        text
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "{}", count(self.function_summaries.len(), "function"))?;
        if !self.function_summaries.is_empty() {
            writeln!(out, "{}", function_table::table(&self.function_summaries))?;
        }
        for device in &self.device_summaries {
            write!(out, "FID {:#010x}  {} answered by DMA", device.fid, device.kind)?;
            if let Some(serial) = &device.serial {
                write!(out, ", serial {serial:?}")?;
            }
            if let Some(model) = &device.model {
                write!(out, ", model {model:?}")?;
            }
            writeln!(out)?;
        }
        for disk in &self.disks {
            let written = match disk.written {
                Some(0) => "is as it was".to_owned(),
                Some(bytes) => format!("has the guest's {bytes} bytes, and is unchanged elsewhere"),
                None => "is not as it should be".to_owned(),
            };
            writeln!(out, "FID {:#010x}  disk {} {written}", disk.fid, disk.file)?;
        }
        for InterruptsFact { fid, requests, silent, interruptions } in &self.interrupts {
            writeln!(out, "FID {fid:#010x}  {interruptions} interruptions of {requests} requests, {silent} silent")?;
        }
        for SampleFact { fid, counts, before, after, .. } in &self.samples {
            let InstructionCounts { loads, stores, block_stores, refreshes } = counts;
            write!(out, "FID {fid:#010x}  measured: {loads} loads, {stores} stores, {block_stores} block stores, ")?;
            write!(out, "{refreshes} refreshes; the guest counted {} to {}, ", before.loads, after.loads)?;
            write!(out, "{} to {}, {} to {}, ", before.stores, after.stores, before.block_stores, after.block_stores)?;
            writeln!(out, "{} to {}", before.refreshes, after.refreshes)?;
        }
        writeln!(out)?;
        for group in self.cases.chunk_by(|one, other| one.group() == other.group()) {
            write_group(out, group)?;
        }
        if !self.passed {
            writeln!(out, "\nWhat is wrong:")?;
            self.problems.iter().try_for_each(|problem| writeln!(out, "  {problem}"))?;
            self.messages.iter().try_for_each(|line| writeln!(out, "  QEMU: {line}"))?;
        }
        let Counts { passed, failed, skipped } = self.counts;
        let verdict = if self.passed { "PASSED" } else { "FAILED" };
        let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
        writeln!(out, "\n{verdict}: {passed} cases passed, {failed} failed{skipped}, {:.1} s in QEMU", self.seconds)
    }
}

impl CaseReport {
    /// The names of the groups it is in.
    fn group(&self) -> &[String] {
        self.path.split_last().map_or(&[], |(_, group)| group)
    }

    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// What is wrong with the case. One that was not run says why, and is nothing wrong.
    fn problem(&self) -> Option<String> {
        let path = self.path.join(" / ");
        match (self.result, self.reason.as_deref()) {
            ("failed", _) => Some(format!("case \"{path}\" failed")),
            ("skipped", None | Some("")) => Some(format!("case \"{path}\" was not run, and nothing says why")),
            _ => None,
        }
    }
}

/// Writes what became of the cases of one group: those that passed by name, the others with all there is to say.
fn write_group(out: &mut String, cases: &[CaseReport]) -> std::fmt::Result {
    let with = |result| cases.iter().filter(move |case| case.result == result);
    let counts = ["passed", "failed", "skipped"].map(|result| (with(result).count(), result));
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, result)| format!("{count} {result}")).collect();
    let group = cases.first().map(|case| case.group().join(" / ")).unwrap_or_default();
    writeln!(out, "{group}: {}", counts.join(", "))?;
    let mut line = String::new();
    for case in with("passed") {
        if !line.is_empty() && line.len() + case.name().len() > WIDTH {
            writeln!(out, "    {line}")?;
            line.clear();
        }
        line.push_str(if line.is_empty() { "" } else { "  " });
        line.push_str(case.name());
    }
    if !line.is_empty() {
        writeln!(out, "    {line}")?;
    }
    for case in with("skipped") {
        writeln!(out, "    SKIPPED {}: {}", case.name(), case.reason.as_deref().unwrap_or_default())?;
    }
    for case in with("failed") {
        writeln!(out, "    FAILED {}", case.name())?;
        case.diagnostics.iter().try_for_each(|line| writeln!(out, "        {line}"))?;
    }
    Ok(())
}

fn unzip<T>(facts: Vec<Fact<T>>) -> (Vec<T>, Vec<Value>) {
    facts.into_iter().map(|fact| (fact.summary, fact.fields)).unzip()
}

fn cases(log: &Log) -> Vec<CaseReport> {
    let report = |(path, test): (Vec<&str>, &ktap::Test)| CaseReport {
        path: path.into_iter().map(str::to_owned).collect(),
        result: match test.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Skipped(_) => "skipped",
        },
        reason: if let Verdict::Skipped(reason) = &test.verdict { Some(reason.clone()) } else { None },
        diagnostics: test.diagnostics.clone(),
    };
    log.leaves().into_iter().map(report).collect()
}

/// What is wrong with the interruptions of a device.
fn unmatched(fact: &InterruptsFact) -> Option<String> {
    let InterruptsFact { fid, requests, silent, interruptions } = fact;
    let matches = *interruptions > 0 && interruptions.checked_add(*silent) == Some(*requests);
    (!matches)
        .then(|| format!("function {fid:#x}: {interruptions} interruptions of {requests} requests, {silent} silent"))
}

/// What is wrong with a sample.
fn miscounted(fact: &SampleFact) -> Option<String> {
    let fields = |counts: &InstructionCounts| [counts.loads, counts.stores, counts.block_stores, counts.refreshes];
    let (before, counted, after) = (fields(&fact.before), fields(&fact.counts), fields(&fact.after));
    let is_between = before.iter().zip(&counted).zip(&after).all(|((before, it), after)| before <= it && it <= after);
    (!is_between).then(|| {
        format!("function {:#x}: the machine counted {counted:?}, the guest {before:?} to {after:?}", fact.fid)
    })
}

/// Compares a disk with what the guest says it wrote to it, which must be something.
fn check_disk(attached: &Attached, written: &[WrittenFact], problems: &mut Vec<String>) -> DiskReport {
    let Attached { fid, disk } = attached;
    let extents: Vec<crate::disk::Extent> = written
        .iter()
        .filter(|written| written.fid == *fid)
        .map(|written| crate::disk::Extent { offset: written.offset, length: written.length })
        .collect();
    let result = disk.check(&extents);
    match &result {
        Ok(0) => problems.push(format!("the guest wrote nothing to the disk of function {fid:#x}")),
        Ok(_) => {}
        Err(error) => problems.push(format!("{error:#}")),
    }
    DiskReport { fid: *fid, file: disk.path.display().to_string(), size: disk.size, written: result.ok() }
}

fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("No {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    use std::time::Duration;

    use super::*;
    use crate::disk::Disk;

    const CONSOLE: &str = r##"image starts
# zpci-function: {"fid":257,"uid":17,"handle":131072,"vendor":6966,"device":16,"class":67586,"configured":true,"function_type":0,"pchid":0,"vfn":0,"group":255,"port":0,"start_dma":"0x0000000100000000","end_dma":"0x01ffffffffffffff","bars":[{"index":0,"size_log2":14,"value":"0x00000004"}],"extra":[1,2]}
KTAP version 1
1..2
    KTAP version 1
    1..1
    ok 1 list
ok 1 clp
    KTAP version 1
    1..2
    # zpci-device: {"fid":257,"kind":"nvme","serial":"ZPCI-NVME-0001","model":"QEMU NVMe Ctrl"}
    ok 1 identify
    # zpci-written: {"fid":257,"serial":"ZPCI-NVME-0001","offset":8,"length":16}
    ok 2 write
ok 2 nvme
"##;

    fn run(console: &str, status: i32) -> Run {
        Run {
            command: "qemu".into(),
            console: console.lines().map(str::to_owned).collect(),
            messages: vec![],
            status: Some(ExitStatus::from_raw(status)),
            elapsed: Duration::from_millis(1500),
        }
    }

    fn disk(directory: &tempfile::TempDir, content: &[u8]) -> [Attached; 1] {
        let path = directory.path().join("disk.img");
        std::fs::write(&path, content).unwrap();
        [Attached { fid: 257, disk: Disk { path, size: content.len() as u64 } }]
    }

    const GOOD_DISK: &[u8; 32] = b"ZPCI-PATZPCI-WRAZPCI-WRYZPCI-PAL";

    #[test]
    fn the_json_keeps_its_shape() {
        let directory = tempfile::tempdir().unwrap();
        let disks = disk(&directory, GOOD_DISK);
        let report = Report::new(run(CONSOLE, 0), &disks);
        let expected = serde_json::json!({
            "schema": 1,
            "passed": true,
            "problems": [],
            "command": "qemu",
            "seconds": 1.5,
            "functions": [{
                "fid": 257, "uid": 17, "handle": 131072, "vendor": 6966, "device": 16, "class": 67586, "configured": true,
                "function_type": 0, "pchid": 0, "vfn": 0, "group": 255, "port": 0,
                "start_dma": "0x0000000100000000", "end_dma": "0x01ffffffffffffff",
                "bars": [{"index": 0, "size_log2": 14, "value": "0x00000004"}], "extra": [1, 2],
            }],
            "devices": [{"fid": 257, "kind": "nvme", "serial": "ZPCI-NVME-0001", "model": "QEMU NVMe Ctrl"}],
            "written": [{"fid": 257, "offset": 8, "length": 16}],
            "disks": [{"fid": 257, "file": disks[0].disk.path, "size": 32, "written": 16}],
            "counts": {"passed": 3, "failed": 0, "skipped": 0},
            "cases": [
                {"path": ["clp", "list"], "result": "passed", "diagnostics": []},
                {"path": ["nvme", "identify"], "result": "passed", "diagnostics": []},
                {"path": ["nvme", "write"], "result": "passed", "diagnostics": []},
            ],
        });
        assert_eq!(serde_json::from_str::<Value>(&report.to_json().unwrap()).unwrap(), expected);
    }

    #[test]
    fn the_table_shows_what_was_decoded() {
        let directory = tempfile::tempdir().unwrap();
        let text = Report::new(run(CONSOLE, 0), &disk(&directory, GOOD_DISK)).to_text();
        let row = text.lines().find(|line| line.contains("1b36:0010")).unwrap();
        let shown =
            ["0x00000101", "0x0011", "0x00020000", "0x100000000..=0x1ffffffffffffff", "0:16K", "configured", "0xff"];
        shown.iter().for_each(|cell| assert!(row.contains(cell), "{cell} in {text}"));
        assert!(row.contains("QEMU NVM Express Controller"), "{text}");
        assert!(text.contains("serial \"ZPCI-NVME-0001\""), "{text}");
        assert!(text.contains("\nnvme: 2 passed\n    identify  write\n"), "{text}");
        assert!(text.contains("PASSED: 3 cases passed, 0 failed"), "{text}");
    }

    #[test]
    fn each_thing_that_is_wrong_fails_the_run() {
        let directory = tempfile::tempdir().unwrap();
        let disks = disk(&directory, GOOD_DISK);
        let problem = |console: &str, status, disks: &[Attached]| {
            let report = Report::new(run(console, status), disks);
            assert!(!report.passed);
            assert!(report.to_text().contains("FAILED"));
            report.problems.join("\n")
        };
        assert!(problem(CONSOLE, 0x100, &disks).contains("disabled wait that means failure"));
        assert!(problem(&CONSOLE.replace("    1..1\n", ""), 0, &disks).contains("no plan line of \"clp\""));
        assert!(problem(&CONSOLE.replace("ok 2 nvme\n", ""), 0, &disks).contains("begun and not ended"));
        assert!(problem(&CONSOLE.replace("    ok 1 list", "    not ok 1 list"), 0, &disks)
            .contains("case \"clp / list\" failed"));
        assert!(problem(&CONSOLE.replace("ok 1 list", "ok 1 list # SKIP"), 0, &disks).contains("nothing says why"));
        assert!(problem(&CONSOLE.replace("ok 1 clp", "garbage\nok 1 clp"), 0, &disks).contains("is no KTAP: garbage"));
        assert!(problem(&CONSOLE.replace("\"pchid\":0,", ""), 0, &disks).contains("missing field `pchid`"));
        let silent = CONSOLE.lines().filter(|line| !line.contains("zpci-written")).collect::<Vec<_>>().join("\n");
        assert!(problem(&silent, 0, &disks).contains("offset 0x8 was changed"));
        let untouched = disk(&directory, b"ZPCI-PATZPCI-PA\x5cZPCI-PADZPCI-PAL");
        assert!(problem(&silent, 0, &untouched).contains("wrote nothing to the disk of function 0x101"));
        assert!(problem(CONSOLE, 0, &untouched).contains("the guest says it wrote the word at offset 0x8"));
        let mut slow = run(CONSOLE, 0);
        slow.status = None;
        assert!(!Report::new(slow, &disk(&directory, GOOD_DISK)).passed);
    }

    #[test]
    fn interruptions_and_samples_are_judged() {
        let directory = tempfile::tempdir().unwrap();
        let disks = disk(&directory, GOOD_DISK);
        let counts = |loads: u64| format!("{{\"loads\":{loads},\"stores\":2,\"block_stores\":1,\"refreshes\":4}}");
        let report = |interruptions: u64, loads: u64| {
            let interrupts = format!("\"requests\":10,\"silent\":3,\"interruptions\":{interruptions}");
            let sample = format!("\"counts\":{},\"before\":{},\"after\":{}", counts(loads), counts(5), counts(7));
            let facts = format!(
                "# zpci-interrupts: {{\"fid\":257,{interrupts}}}\n# zpci-sample: {{\"fid\":257,\"sample\":0,{sample}}}\n"
            );
            Report::new(
                run(&CONSOLE.replace("KTAP version 1\n1..2", &format!("{facts}KTAP version 1\n1..2")), 0),
                &disks,
            )
        };
        let good = report(7, 6);
        assert!(good.passed, "{:?}", good.problems);
        let text = good.to_text();
        assert!(text.contains("FID 0x00000101  7 interruptions of 10 requests, 3 silent\n"), "{text}");
        let sample =
            "FID 0x00000101  measured: 6 loads, 2 stores, 1 block stores, 4 refreshes; the guest counted 5 to 7, \
                      2 to 2, 1 to 1, 4 to 4\n";
        assert!(text.contains(sample), "{text}");
        let problems = |interruptions, loads| report(interruptions, loads).problems.join("\n");
        assert_eq!(problems(6, 6), "function 0x101: 6 interruptions of 10 requests, 3 silent");
        assert_eq!(problems(8, 6), "function 0x101: 8 interruptions of 10 requests, 3 silent");
        let counted = |loads| {
            format!("function 0x101: the machine counted [{loads}, 2, 1, 4], the guest [5, 2, 1, 4] to [7, 2, 1, 4]")
        };
        assert_eq!(problems(7, 4), counted(4));
        assert_eq!(problems(7, 8), counted(8));
    }

    #[test]
    fn a_case_that_was_not_run_is_shown_and_not_counted_as_passed() {
        let directory = tempfile::tempdir().unwrap();
        let console = CONSOLE.replace("ok 1 list", "ok 1 list # SKIP no list");
        let report = Report::new(run(&console, 0), &disk(&directory, GOOD_DISK));
        assert!(report.passed);
        assert_eq!(report.counts, Counts { passed: 2, failed: 0, skipped: 1 });
        assert_eq!(report.skipped().collect::<Vec<_>>(), ["clp / list"]);
        let text = report.to_text();
        assert!(text.contains("clp: 1 skipped\n    SKIPPED list: no list\n"), "{text}");
        assert!(text.contains("2 cases passed, 0 failed, 1 skipped"), "{text}");
    }
}
