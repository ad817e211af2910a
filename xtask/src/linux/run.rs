// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Runs one boot: makes the machine, does what the guest asks of the host, and looks at everything afterwards.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{anyhow, bail, Context, Result};
use serde::Deserialize;

use super::answer::Answerer;
use super::boots::{Answers, Boot, Threads, MEMORY};
use super::debugger::DebuggerPort;
use super::device::{self, Attached, DEVICES};
use super::expectation::Implementation;
use super::firmware::Falsification;
use super::identity;
use super::instruction::Instruction;
use super::kernel::Kernel;
use super::kunit;
use super::monitor::Monitor;
use super::report::{BootReport, Outcome};
use super::series::Series;
use crate::progress::Step;
use crate::qemu::{Machine, Run};
use crate::workspace::Workspace;

/// What part of the limit a kernel may take to which the firmware says something else, since there are several of them.
const FALSIFIED_PART: u32 = 3;

/// The option of a kernel that reports to users of VFIO what is only proposed.
const PROPOSED: &str = "CONFIG_ZPCI_RUST_PROPOSED_UAPI";

/// What every boot of one kernel has in common.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) qemu: OsString,
    pub(crate) kernel: &'a Kernel,
    pub(crate) series: Series,
    pub(crate) implementation: Implementation,
    /// Further kernel parameters.
    pub(crate) append: &'a str,
    /// Further arguments of QEMU.
    pub(crate) arguments: &'a [String],
    /// How long one boot may take.
    pub(crate) limit: Duration,
}

/// What the guest wants the host to do: `# zpci-hotplug: {...}`.
#[derive(Debug, Deserialize)]
struct Request {
    #[serde(rename = "do")]
    action: Action,
    serial: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Action {
    Unplug,
    Plug,
}

/// Reads a request out of a line of the console.
fn request(line: &str) -> Option<Result<Request>> {
    let json = line.trim().strip_prefix("# zpci-hotplug: ")?;
    Some(serde_json::from_str(json).with_context(|| format!("the guest asks for something unknown: {json}")))
}

impl Setting<'_> {
    /// Runs `boot` with the initial file system at `initrd`.
    ///
    /// # Errors
    ///
    /// The machine cannot be made; whatever the guest does wrong is in the report.
    pub(crate) fn run(&self, boot: &Boot, initrd: &Path) -> Result<BootReport> {
        if !boot.falsified.is_empty() {
            return self.run_falsified(boot, initrd);
        }
        let directory = self.workspace.directory(self.directory(boot.name))?;
        let _alone = Workspace::alone_in(&directory)?;
        let (disks, devices) = device::set_up(&directory)?;
        let mut monitor = Monitor::listen()?;
        let mut machine = self.machine(boot, initrd, devices, DEVICES.len(), "")?;
        machine.arguments(monitor.arguments()?);
        let step = Step::start(format!("Boot {}", boot.name));
        let mut trouble = None;
        let see = |line: &str| {
            if let Some(Err(error)) = request(line).map(|asked| asked.and_then(|asked| act(&mut monitor, &asked))) {
                trouble.get_or_insert(error);
            }
        };
        let (run, wrong) = match boot.answers {
            Answers::Qemu => (machine.run_with(&step, self.limit, see)?, Vec::new()),
            answers => self.run_answered(answers, machine, &step, see)?,
        };
        let console = keep(&directory.join("console.log"), &run)?;
        let mut report = BootReport::new(boot, run, &disks, console, self.series, self.implementation);
        report.problems.extend(wrong);
        report.problems.extend(trouble.map(|error| format!("the host could not do what the guest asked: {error:#}")));
        // A log that is not whole is read in one way by us and in another by others.
        if report.problems.is_empty() {
            report.problems.extend(kunit::disagreement(&self.kernel.tree, &report.console, report.counts())?);
        }
        step.done(&report.summary());
        remove(&disks)?;
        Ok(report)
    }

    /// Runs `boot` until the guest says a line that starts with `ready`, writes its storage to the file at `dump`, ends it, and
    /// returns what it said.
    ///
    /// # Errors
    ///
    /// The guest ends before it says so, or there is no dump of it.
    pub(crate) fn dump(&self, boot: &Boot, initrd: &Path, ready: &str, dump: &Path) -> Result<Vec<String>> {
        let directory = self.workspace.directory(self.directory(boot.name))?;
        let _alone = Workspace::alone_in(&directory)?;
        let (disks, devices) = device::set_up(&directory)?;
        let mut monitor = Monitor::listen()?;
        let mut machine = self.machine(boot, initrd, devices, DEVICES.len(), "")?;
        machine.arguments(monitor.arguments()?);
        let step = Step::start(format!("Boot {}", boot.name));
        let mut dumped = None;
        let see = |line: &str| {
            if dumped.is_none() && line.trim().starts_with(ready) {
                step.at("dump-guest-memory");
                dumped = Some(monitor.dump(dump).and_then(|()| monitor.quit()));
            }
        };
        let result = machine.run_with(&step, self.limit, see);
        remove(&disks)?;
        let run = step.end("dumped", result)?;
        let console = keep(&directory.join("console.log"), &run)?;
        match (dumped, run.failure()) {
            (Some(Ok(())), None) => Ok(run.console),
            (Some(Err(error)), _) => Err(error.context("the guest cannot be dumped")),
            (_, Some(failure)) => bail!("{failure}; see {}", console.display()),
            (None, None) => bail!("the guest ended before it was ready to be dumped; see {}", console.display()),
        }
    }

    /// Runs `machine`, whose instructions are answered by its debugger; also returns what that found wrong.
    fn run_answered(
        &self,
        answers: Answers,
        mut machine: Machine,
        step: &Step,
        see: impl FnMut(&str),
    ) -> Result<(Run, Vec<String>)> {
        let instructions = Instruction::of_kernel(self.kernel)?;
        let port = DebuggerPort::listen()?;
        machine.arguments(port.arguments()?);
        let (run, wrong) = thread::scope(|scope| {
            // It ends with QEMU, which closes the connection.
            let answerer = scope.spawn(|| match answers {
                Answers::Identity => identity::run(port.accept()?, &instructions),
                Answers::Asked | Answers::Qemu => Answerer::new(port.accept()?, &instructions).run(),
            });
            let run = machine.run_with(step, self.limit, see);
            (run, answerer.join())
        });
        let run = run?;
        match wrong.map_err(|_| anyhow!("the debugger panicked"))? {
            Ok(wrong) => Ok((run, wrong)),
            // A machine that was ended does not answer its debugger either.
            Err(_) if run.failure().is_some() => Ok((run, Vec::new())),
            Err(error) => Err(error),
        }
    }

    /// Runs `boot` once for each of its falsifications.
    fn run_falsified(&self, boot: &Boot, initrd: &Path) -> Result<BootReport> {
        let directory = self.workspace.directory(self.directory(boot.name))?;
        let _alone = Workspace::alone_in(&directory)?;
        let instructions = Instruction::of_kernel(self.kernel)?;
        let step = Step::start(format!("Boot {}", boot.name));
        let mut outcomes = Vec::new();
        for (number, falsification) in boot.falsified.iter().enumerate() {
            let console = directory.join(format!("console-{number}.log"));
            outcomes.push(self.run_once(&step, boot, falsification, &instructions, initrd, &console)?);
        }
        let report = BootReport::of_outcomes(boot, outcomes, directory, self.series, self.implementation);
        step.done(&report.summary());
        Ok(report)
    }

    fn run_once(
        &self,
        step: &Step,
        boot: &Boot,
        falsification: &Falsification,
        instructions: &[Instruction],
        initrd: &Path,
        console: &Path,
    ) -> Result<Outcome> {
        let (disks, devices) = device::set_up(console.parent().context("the console has no directory")?)?;
        let functions = if falsification.leaves_nothing { 0 } else { DEVICES.len() };
        let mut machine = self.machine(boot, initrd, devices, functions, &falsification.parameter())?;
        let port = DebuggerPort::listen()?;
        machine.arguments(port.arguments()?);
        let (run, told) = thread::scope(|scope| {
            // It ends with QEMU, which closes the connection.
            let firmware = scope.spawn(|| falsification.tell(&mut port.accept()?, instructions));
            let run = machine.run_with(step, self.limit / FALSIFIED_PART, |_| {});
            (run, firmware.join())
        });
        let run = run?;
        keep(console, &run)?;
        let told = told.map_err(|_| anyhow!("the debugger panicked"))?;
        let mut outcome = Outcome::new(falsification.name, &run);
        match told {
            Ok(0) => outcome.problems.push("the kernel never executed the command".to_owned()),
            Ok(_) => {}
            // A machine that was ended does not answer its debugger either.
            Err(_) if run.failure().is_some() => {}
            Err(error) => outcome.problems.push(format!("{error:#}")),
        }
        remove(&disks)?;
        Ok(outcome)
    }

    /// The machine for `boot`, in which the kernel should find so many `functions`, and has the `parameter` beside those of
    /// the boot.
    ///
    /// # Errors
    ///
    /// The kernel was not configured.
    fn machine(
        &self,
        boot: &Boot,
        initrd: &Path,
        devices: Vec<String>,
        functions: usize,
        parameter: &str,
    ) -> Result<Machine> {
        let mut machine = Machine::new(self.qemu.clone(), &self.kernel.image);
        let accelerator = match boot.threads {
            Threads::One => "tcg,thread=single",
            Threads::Each => "tcg,thread=multi",
        };
        machine.arguments(["-accel", accelerator, "-m", MEMORY, "-smp", &boot.processors.to_string()]);
        machine.arguments(devices);
        machine.arguments(["-initrd".into(), initrd.as_os_str().to_owned()]);
        machine.arguments(["-append".to_owned(), self.command_line(boot, functions, parameter)?]);
        machine.arguments(self.arguments);
        Ok(machine)
    }

    fn directory(&self, name: &str) -> PathBuf {
        Path::new("linux").join("boots").join(format!("{}-{}-{name}", self.series, self.implementation.name()))
    }

    fn command_line(&self, boot: &Boot, functions: usize, parameter: &str) -> Result<String> {
        let Boot { suites, parameters, processors, domain, last, .. } = boot;
        // Who brings a function in error back when VFIO has it.
        let recovery = match self.series {
            Series::V7_3 => "user",
            Series::V7_2 => "kernel",
            Series::V6_12 => "slot",
        };
        // What becomes of mappings that were made piece by piece, as those of NVMe are.
        let links = match self.series {
            Series::V7_3 => "flushed",
            Series::V7_2 | Series::V6_12 => "queued",
        };
        let proposed = if self.kernel.has(PROPOSED)? { " zpci.proposed=1" } else { "" };
        // Nothing in the guest tells the fixes from the stock driver.
        let fixed = if self.implementation == Implementation::Fixed { " zpci.fixed=1" } else { "" };
        let own = format!(
            "zpci.run={} zpci.functions={functions} zpci.processors={processors} zpci.domain={domain} zpci.last={last:#x} \
             zpci.recovery={recovery} zpci.links={links}{proposed}{fixed}",
            suites.join(",")
        );
        let all = [own.as_str(), *parameters, parameter, self.append];
        Ok(all.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
    }
}

/// Writes what the guest printed to `path`, and returns that.
fn keep(path: &Path, run: &Run) -> Result<PathBuf> {
    fs::write(path, run.console.join("\n") + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_owned())
}

fn act(monitor: &mut Monitor, request: &Request) -> Result<()> {
    match request.action {
        Action::Unplug => monitor.unplug(&request.serial),
        Action::Plug => monitor.plug(&request.serial),
    }
}

/// Disks were checked and are of no more use.
fn remove(disks: &[Attached]) -> Result<()> {
    for attached in disks {
        fs::remove_file(&attached.disk.path)
            .with_context(|| format!("cannot remove {}", attached.disk.path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_the_guest_are_understood() {
        let asked = request("        # zpci-hotplug: {\"do\":\"unplug\",\"serial\":\"nvme0\"}").unwrap().unwrap();
        assert_eq!((asked.action, asked.serial.as_str()), (Action::Unplug, "nvme0"));
        assert!(request("# zpci-hotplug: {\"do\":\"burn\",\"serial\":\"nvme0\"}").unwrap().is_err());
        assert!(request("# zpci-written: {}").is_none());
    }
}
