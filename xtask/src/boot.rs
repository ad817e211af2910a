// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Boots the bare-metal image and judges what it did.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::core_library::CoreLibrary;
use crate::device::{self, Device};
use crate::image;
use crate::progress::Step;
use crate::qemu::Machine;
use crate::report::Report;
use crate::tool;
use crate::workspace::Workspace;

/// How a person wants the machine.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Leave out the NVMe, virtio and USB devices that the machine has otherwise
    #[arg(long)]
    no_default_devices: bool,
    /// Write the functions with all decoded fields, and the cases with their results, to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// End the machine after this time
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Further arguments of QEMU, for example `-device zpci,uid=7,fid=7,target=n -netdev user,id=u -device e1000e,id=n,netdev=u,romfile=`
    #[arg(last = true, value_name = "QEMU ARGUMENTS")]
    arguments: Vec<String>,
}

/// What is needed to boot.
#[derive(Debug)]
pub(crate) struct Equipment {
    /// The program to run.
    pub(crate) qemu: OsString,
    /// The kernel to boot.
    pub(crate) image: PathBuf,
}

impl Equipment {
    /// Installs and builds what is missing to boot an image with this program.
    pub(crate) fn prepare(workspace: &Workspace, program: &str) -> Result<Self> {
        let qemu = tool::qemu_and_linker(workspace)?;
        let core = CoreLibrary::obtain(workspace)?;
        Ok(Self { qemu, image: image::build(workspace, &core, program)? })
    }

    /// The same to boot `image` with another QEMU.
    pub(crate) fn given(qemu: OsString, image: PathBuf) -> Self {
        Self { qemu, image }
    }
}

/// A machine to boot the image on.
#[derive(Clone, Debug)]
pub(crate) struct Boot<'a> {
    /// Tells the files of this boot from those of others.
    pub(crate) name: &'a str,
    /// Devices of ours, whose disks are checked.
    pub(crate) devices: &'a [Device],
    /// Further arguments of QEMU.
    pub(crate) arguments: Vec<String>,
    /// How long it may take.
    pub(crate) limit: Duration,
}

/// What a boot left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The verdict and what it rests on.
    pub(crate) report: Report,
    /// The file with everything on the console.
    pub(crate) console: PathBuf,
}

impl Boot<'_> {
    /// Boots, and checks the disks when QEMU has ended.
    pub(crate) fn run(&self, workspace: &Workspace, equipment: &Equipment) -> Result<Outcome> {
        let directory = workspace.directory(self.name)?;
        let (disks, arguments) = device::set_up(self.devices, &directory)?;
        let mut machine = Machine::new(equipment.qemu.clone(), &equipment.image);
        machine.arguments(arguments);
        machine.arguments(&self.arguments);
        eprintln!("{machine}");
        let step = Step::start("Running QEMU");
        let run = match machine.run(&step, self.limit) {
            Ok(run) => run,
            Err(error) => {
                step.failed();
                return Err(error);
            }
        };
        let console = directory.join("console.log");
        fs::write(&console, run.console.join("\n") + "\n")
            .with_context(|| format!("cannot write {}", console.display()))?;
        let report = Report::new(run, &disks);
        step.done(if report.passed { "ended" } else { "ended, and something is wrong" });
        Ok(Outcome { report, console })
    }
}

/// Boots the image as `options` say, prints the report, and returns whether everything passed.
pub(crate) fn run(workspace: &Workspace, options: Options) -> Result<bool> {
    let equipment = Equipment::prepare(workspace, image::EXERCISE)?;
    let boot = Boot {
        name: "boot",
        devices: if options.no_default_devices { &[] } else { &device::DEFAULT },
        arguments: options.arguments,
        limit: Duration::from_secs(options.timeout),
    };
    let Outcome { report, console } = boot.run(workspace, &equipment)?;
    print!("{}", report.to_text());
    if let Some(path) = options.json {
        fs::write(&path, report.to_json()?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if !report.passed {
        println!("Everything the guest printed is in {}", console.display());
    }
    Ok(report.passed)
}
