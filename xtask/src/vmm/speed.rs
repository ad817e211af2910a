// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Instructions of the host that RPCIT takes, counted by callgrind while a guest runs.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use serde::Serialize;

use super::emulator::{Emulators, Kind};
use super::random::{self, AS_QEMU, DEVICES};
use crate::core_library::CoreLibrary;
use crate::image;
use crate::progress::Step;
use crate::tool;
use crate::workspace::{read_text, Workspace};

/// Random instructions of the sequence; under callgrind each is slow.
const RANDOM_STEPS: u32 = 300;

/// How often a range of one size is mapped and unmapped, with a refresh after each.
const REFRESH_STEPS: u64 = 200;

/// Ranges of one size: what they are called, and their pages.
const SIZES: [(&str, u64); 2] = [("page", 1), ("mib", 256)];

/// How long a guest may run.
const LIMIT: Duration = Duration::from_secs(1800);

/// What QEMU calls for the instruction, whoever answers it.
const HELPER: &str = "helper_rpcit";

/// What that calls, once for each.
const SERVICE: &str = "rpcit_service_call";

/// What RPCIT took on both.
#[derive(Debug, Serialize)]
pub(super) struct Speed {
    rows: Vec<Row>,
}

/// What it took in one guest.
#[derive(Debug, Serialize)]
struct Row {
    /// What the guest does.
    guest: &'static str,
    /// Instructions in all refreshes, those of QEMU as it is first.
    instructions: [u64; 2],
    /// Refreshes.
    calls: [u64; 2],
}

/// What a guest is counted in.
struct Count<'a> {
    directory: &'a Path,
    emulators: &'a Emulators,
}

impl Speed {
    /// Counts in the images that refresh ranges of one size, and in the one that issues random instructions; what devices measure
    /// takes too long under callgrind.
    pub(super) fn measure(workspace: &Workspace, core: &CoreLibrary, emulators: &Emulators, seed: u64) -> Result<Self> {
        tool::ensure_all(workspace, &[tool::VALGRIND])?;
        let directory = workspace.directory("vmm/speed")?;
        let count = Count { directory: &directory, emulators };
        let mut rows = Vec::new();
        for (guest, pages) in SIZES {
            let variables = [("ZPCI_PAGES", pages.to_string()), ("ZPCI_STEPS", REFRESH_STEPS.to_string())];
            let image = image::build_with(workspace, core, image::REFRESH, &variables)?;
            let row = count.both(guest, &image, &[])?;
            let expected = [2 * REFRESH_STEPS; 2];
            ensure!(row.calls == expected, "{guest}: {:?} refreshes were counted, not {expected:?}", row.calls);
            rows.push(row);
        }
        let image = random::image(workspace, core, RANDOM_STEPS, seed)?;
        rows.push(count.both("random", &image, &AS_QEMU)?);
        Ok(Self { rows })
    }
}

impl Count<'_> {
    /// Counts in both, of which the one with the crates gets `more` arguments.
    fn both(&self, guest: &'static str, image: &Path, more: &[&str]) -> Result<Row> {
        let (stock, stock_calls) = self.one(guest, Kind::Stock, image, &[])?;
        let (ours, our_calls) = self.one(guest, Kind::Ours, image, more)?;
        Ok(Row { guest, instructions: [stock, ours], calls: [stock_calls, our_calls] })
    }

    /// Runs a guest under callgrind; returns the instructions in all refreshes, and how many there were.
    fn one(&self, guest: &str, kind: Kind, image: &Path, more: &[&str]) -> Result<(u64, u64)> {
        let out = self.directory.join(format!("{guest}-{kind:?}.callgrind"));
        let mut command = Command::new("valgrind");
        command.args([
            "--tool=callgrind",
            "--fair-sched=yes",
            "--smc-check=all-non-file",
            "--collect-atstart=no",
            "--compress-strings=no",
        ]);
        command.arg(format!("--toggle-collect={HELPER}")).arg(format!("--callgrind-out-file={}", out.display()));
        command.arg(self.emulators.path(kind));
        command.args(["-machine", "s390-ccw-virtio", "-cpu", "max", "-smp", "1", "-m", "256M", "-nodefaults"]);
        command.args(["-display", "none", "-no-reboot", "-action", "panic=exit-failure"]);
        command.args(["-chardev", "stdio,id=console,signal=on", "-device", "sclpconsole,chardev=console"]);
        command.arg("-kernel").arg(image).args(DEVICES).args(more);
        let step = Step::start(format!("Callgrind, {guest}, {kind}"));
        let result = step.run_within(&mut command, Some(LIMIT)).map(drop);
        step.end("counted", result)?;
        let text = read_text(&out)?;
        let counted = parse(&text).with_context(|| format!("{} has no instructions of {HELPER}", out.display()))?;
        ensure!(counted.0 > 0 && counted.1 > 0, "nothing was counted in {HELPER}");
        Ok(counted)
    }
}

/// The instructions of all that was collected, and how often the helper called the service, in callgrind's format.
fn parse(text: &str) -> Option<(u64, u64)> {
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()?;
    let (mut function, mut callee, mut calls) = ("", "", 0);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if let Some(count) = line.strip_prefix("calls=").filter(|_| (function, callee) == (HELPER, SERVICE)) {
            calls += count.split_whitespace().next()?.parse::<u64>().ok()?;
        }
    }
    Some((total, calls))
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { guest, instructions: [stock, ours], calls: [stock_calls, our_calls] } in &self.rows {
            let each = |instructions: u64, calls: u64| instructions / calls.max(1);
            writeln!(
                f,
                "speed    {guest}: {} instructions of the host for each of {stock_calls} RPCIT as it is, {} for each of \
                 {our_calls} with the crates",
                each(*stock, *stock_calls),
                each(*ours, *our_calls)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_and_calls_are_read() {
        let text = "\
events: Ir
summary: 700

fn=bql_lock
12 30
fn=helper_rpcit
100 4
cfn=bql_lock
calls=9 12
101 60
cfn=rpcit_service_call
calls=5 700
102 600
calls=2 700
103 40
fn=rpcit_service_call
cfn=rpcit_service_call
calls=100 1
totals: 704
";
        assert_eq!(parse(text), Some((704, 7)));
        assert_eq!(parse("events: Ir\n"), None);
    }
}
