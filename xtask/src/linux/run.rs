// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Runs one boot: makes the machine, does what the guest asks of the host, and looks at everything afterwards.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::boots::{Boot, Threads, MEMORY};
use super::device::{self, Attached, DEVICES};
use super::expectation::Implementation;
use super::monitor::Monitor;
use super::report::BootReport;
use super::series::Series;
use crate::progress::Step;
use crate::qemu::Machine;
use crate::workspace::Workspace;

/// What every boot of one kernel has in common.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) qemu: OsString,
    pub(crate) image: &'a Path,
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
        let directory = self.workspace.directory(self.directory(boot.name))?;
        let (disks, devices) = device::set_up(&directory)?;
        let mut monitor = Monitor::listen()?;
        let mut machine = Machine::new(self.qemu.clone(), self.image);
        let accelerator = match boot.threads {
            Threads::One => "tcg,thread=single",
            Threads::Each => "tcg,thread=multi",
        };
        machine.arguments(["-accel", accelerator, "-m", MEMORY, "-smp", &boot.processors.to_string()]);
        machine.arguments(devices);
        machine.arguments(monitor.arguments()?);
        machine.arguments(["-initrd".into(), initrd.as_os_str().to_owned()]);
        machine.arguments(["-append".to_owned(), self.command_line(boot)]);
        machine.arguments(self.arguments);
        let step = Step::start(format!("Boot {}", boot.name));
        let mut trouble = None;
        let run = machine.run_with(&step, self.limit, |line| {
            if let Some(Err(error)) = request(line).map(|asked| asked.and_then(|asked| act(&mut monitor, &asked))) {
                trouble.get_or_insert(error);
            }
        })?;
        let console = directory.join("console.log");
        fs::write(&console, run.console.join("\n") + "\n")
            .with_context(|| format!("cannot write {}", console.display()))?;
        let mut report = BootReport::new(boot, run, &disks, console, self.series, self.implementation);
        report.problems.extend(trouble.map(|error| format!("the host could not do what the guest asked: {error:#}")));
        step.done(&report.summary());
        remove(&disks)?;
        Ok(report)
    }

    fn directory(&self, name: &str) -> PathBuf {
        Path::new("linux").join("boots").join(format!("{}-{}-{name}", self.series, self.implementation.name()))
    }

    fn command_line(&self, boot: &Boot) -> String {
        let Boot { suites, parameters, processors, domain, last, .. } = boot;
        let functions = DEVICES.len();
        // Who brings a function in error back when VFIO has it.
        let recovery = match self.series {
            Series::V7_2 => "kernel",
            Series::V6_12 => "slot",
        };
        let own = format!(
            "zpci.run={} zpci.functions={functions} zpci.processors={processors} zpci.domain={domain} zpci.last={last:#x} \
             zpci.recovery={recovery}",
            suites.join(",")
        );
        [own.as_str(), *parameters, self.append].join(" ").trim_end().to_owned()
    }
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
