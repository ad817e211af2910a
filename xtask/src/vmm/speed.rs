// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Instructions of the host that RPCIT takes, counted by callgrind while a guest runs.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use serde::Serialize;

use super::emulator::{Emulators, Kind};
use super::random::{AS_QEMU, DEVICES};
use crate::progress::Step;
use crate::tool;
use crate::workspace::Workspace;

/// Random instructions of the sequence; under callgrind each is slow.
pub(super) const STEPS: u32 = 300;

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

impl Speed {
    /// Counts in the image that issues random instructions; what devices measure takes too long under callgrind.
    pub(super) fn measure(workspace: &Workspace, emulators: &Emulators, random: &Path) -> Result<Self> {
        tool::ensure_all(workspace, &[tool::VALGRIND])?;
        let directory = workspace.directory("vmm/speed")?;
        let count = |kind| count(&directory, "random", emulators, kind, random);
        let ((stock, stock_calls), (ours, our_calls)) = (count(Kind::Stock)?, count(Kind::Ours)?);
        let row = Row { guest: "random", instructions: [stock, ours], calls: [stock_calls, our_calls] };
        Ok(Self { rows: vec![row] })
    }
}

/// Runs a guest under callgrind; returns the instructions in all refreshes, and how many there were.
fn count(directory: &Path, guest: &str, emulators: &Emulators, kind: Kind, image: &Path) -> Result<(u64, u64)> {
    let out = directory.join(format!("{guest}-{kind:?}.callgrind"));
    let mut command = Command::new("valgrind");
    command.args([
        "--tool=callgrind",
        "--fair-sched=yes",
        "--smc-check=all-non-file",
        "--collect-atstart=no",
        "--compress-strings=no",
    ]);
    command.arg(format!("--toggle-collect={HELPER}")).arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(emulators.path(kind));
    command.args(["-machine", "s390-ccw-virtio", "-cpu", "max", "-smp", "1", "-m", "256M", "-nodefaults"]);
    command.args(["-display", "none", "-no-reboot", "-action", "panic=exit-failure"]);
    command.args(["-chardev", "stdio,id=console,signal=on", "-device", "sclpconsole,chardev=console"]);
    command.arg("-kernel").arg(image).args(DEVICES);
    if kind == Kind::Ours {
        command.args(AS_QEMU);
    }
    let step = Step::start(format!("Callgrind, {guest}, {kind}"));
    let result = step.run_within(&mut command, Some(LIMIT)).map(drop);
    step.end("counted", result)?;
    let text = fs::read_to_string(&out).with_context(|| format!("cannot read {}", out.display()))?;
    let counted = parse(&text).with_context(|| format!("{} has no instructions of {HELPER}", out.display()))?;
    ensure!(counted.0 > 0 && counted.1 > 0, "nothing was counted in {HELPER}");
    Ok(counted)
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
