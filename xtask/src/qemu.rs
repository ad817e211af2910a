// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Runs a guest: prints the command line, follows the console, ends what takes too long.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{bail, Result};

use crate::progress::{command_line, follow, Step, Stream};

/// Main memory of the guest unless the caller says otherwise.
const MEMORY: &str = "256M";

/// An emulated machine, not yet running.
#[derive(Debug)]
pub(crate) struct Machine {
    command: Command,
}

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Run {
    /// The command, as a person would type it.
    pub(crate) command: String,
    /// Everything on the console, by line.
    pub(crate) console: Vec<String>,
    /// Everything QEMU itself said, by line.
    pub(crate) messages: Vec<String>,
    /// How QEMU ended; `None` when it was ended by us because it took too long.
    pub(crate) status: Option<ExitStatus>,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

impl Machine {
    /// A machine that boots `kernel`, with its SCLP console on the standard output, and no devices.
    ///
    /// A guest ends it by a disabled wait: at address 0xfff QEMU then ends well, at any other with a failure.
    pub(crate) fn new(qemu: OsString, kernel: &Path) -> Self {
        let mut command = Command::new(qemu);
        command
            .args(["-machine", "s390-ccw-virtio", "-cpu", "max", "-smp", "1", "-m", MEMORY])
            .args(["-nodefaults", "-display", "none", "-no-reboot", "-action", "panic=exit-failure"])
            .args(["-chardev", "stdio,id=console,signal=on", "-device", "sclpconsole,chardev=console"])
            .arg("-kernel")
            .arg(kernel);
        Self { command }
    }

    /// Adds arguments; of an option that can be given once, the later one counts.
    pub(crate) fn arguments(&mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) {
        self.command.args(arguments.into_iter().map(Into::into));
    }

    /// Boots the machine and waits for its end, at most for `limit`.
    ///
    /// # Errors
    ///
    /// QEMU cannot be started or refuses its arguments; what a guest does is not an error.
    pub(crate) fn run(self, step: &Step, limit: Duration) -> Result<Run> {
        self.run_with(step, limit, |_| {})
    }

    /// As [`Machine::run`], and gives every line of the console to `see` as soon as it is there.
    ///
    /// # Errors
    ///
    /// As [`Machine::run`].
    pub(crate) fn run_with(mut self, step: &Step, limit: Duration, mut see: impl FnMut(&str)) -> Result<Run> {
        let started = Instant::now();
        let (mut console, mut messages) = (Vec::new(), Vec::new());
        let status = follow(&mut self.command, Some(limit), |stream, line| {
            step.at(line);
            match stream {
                Stream::Output => &mut console,
                Stream::Error => &mut messages,
            }
            .push(line.to_owned());
            if stream == Stream::Output {
                see(line);
            }
        })?;
        // A guest that fails says something; QEMU ends without a guest when it cannot make the machine.
        if let Some(status) = status.filter(|status| !status.success() && console.is_empty()) {
            bail!("QEMU did not start the machine ({status}):\n{}", messages.join("\n"));
        }
        Ok(Run { command: command_line(&self.command), console, messages, status, elapsed: started.elapsed() })
    }
}

impl fmt::Display for Machine {
    /// The command, as a person would type it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&command_line(&self.command))
    }
}

impl Run {
    /// Why the end of QEMU alone means a failure, if it does.
    pub(crate) fn failure(&self) -> Option<String> {
        match self.status {
            None => {
                Some(format!("the guest was still running after {:.0} s and was ended", self.elapsed.as_secs_f64()))
            }
            Some(status) if status.success() => None,
            Some(status) => {
                Some(format!("the guest ended by a disabled wait that means failure, or crashed (QEMU: {status})"))
            }
        }
    }
}
