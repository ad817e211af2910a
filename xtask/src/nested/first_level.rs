// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The first guest: a Linux with QEMU in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{anyhow, Context, Result};

use super::boot_report::BootReport;
use super::boots::{Api, Boot};
use super::group;
use super::judge;
use super::vmm::{Choice, Vmm};
use crate::boot::Equipment;
use crate::linux::{set_up_devices, DebuggerPort, Guest, Implementation, Instruction, Kernel};
use crate::progress::Step;
use crate::qemu::{Machine, Run};
use crate::workspace::Workspace;

/// Main memory: QEMU with its guest, and the file system with both.
const MEMORY: &str = "5G";

/// Where in the file system the bare-metal image, the inner kernel and its file system are.
const IMAGE: &str = "nested/image";
const LINUX: &str = "nested/linux";
const INITRD: &str = "nested/initrd";

/// Everything that is the same for all boots of a kernel.
#[derive(Debug)]
pub(crate) struct FirstLevel<'a> {
    workspace: &'a Workspace,
    qemu: OsString,
    implementation: Implementation,
    kernel: &'a Kernel,
    vmm: Choice,
    initrd: PathBuf,
}

impl<'a> FirstLevel<'a> {
    /// Makes the file system for `kernel`, whose inner guests are the image of `equipment` and the kernel `inner`.
    ///
    /// # Errors
    ///
    /// A program for a guest does not build.
    pub(crate) fn new(
        workspace: &'a Workspace,
        equipment: &Equipment,
        implementation: Implementation,
        kernel: &'a Kernel,
        inner: &Kernel,
        vmm: &Vmm,
    ) -> Result<Self> {
        let directory = workspace.directory(Path::new("nested").join(implementation.name()))?;
        let small = directory.join("inner.cpio");
        write(&small, Guest::without_modules(workspace, inner).base()?.finish())?;
        let mut initrd = Guest::without_modules(workspace, kernel).base()?;
        vmm.add_to(&mut initrd)?;
        initrd.directory("nested");
        for (name, path) in [(IMAGE, &equipment.image), (LINUX, &inner.image), (INITRD, &small)] {
            initrd.program(name, path)?;
        }
        let path = directory.join("initrd.cpio");
        write(&path, initrd.finish())?;
        Ok(Self { workspace, qemu: equipment.qemu.clone(), implementation, kernel, vmm: vmm.choice, initrd: path })
    }

    /// Boots, and judges everything afterwards.
    ///
    /// # Errors
    ///
    /// The machine cannot be made; whatever a guest does wrong is in the report.
    pub(crate) fn run(&self, boot: &Boot, api: Api, limit: Duration) -> Result<BootReport> {
        let name = format!("{}-{api}-{}", self.implementation.name(), boot.name);
        let directory = self.workspace.directory(Path::new("nested").join("boots").join(&name))?;
        let (disks, devices) = set_up_devices(&directory)?;
        let mut machine = Machine::new(self.qemu.clone(), &self.kernel.image);
        machine.arguments(["-accel", "tcg,thread=single", "-m", MEMORY]);
        machine.arguments(devices);
        machine.arguments(["-initrd".into(), self.initrd.as_os_str().to_owned()]);
        machine.arguments(["-append".to_owned(), boot.parameters(api)]);
        let step = Step::start(format!("Nested {name}"));
        let result = match boot.falsified_group {
            false => machine.run(&step, limit).map(|run| (run, None)),
            true => self.run_falsified(machine, &step, limit),
        };
        let (run, wrong) = match result {
            Ok(result) => result,
            Err(error) => {
                step.failed();
                return Err(error);
            }
        };
        let console = directory.join("console.log");
        write(&console, (run.console.join("\n") + "\n").into_bytes())?;
        let mut report = judge::judge(self.implementation, self.vmm, api, boot, run, &disks, console);
        report.problems.extend(wrong);
        step.done(&report.summary());
        for attached in &disks {
            fs::remove_file(&attached.disk.path)
                .with_context(|| format!("cannot remove {}", attached.disk.path.display()))?;
        }
        Ok(report)
    }

    /// The same, with answers of CLP changed; also returns what was wrong with that.
    fn run_falsified(&self, mut machine: Machine, step: &Step, limit: Duration) -> Result<(Run, Option<String>)> {
        let instructions = Instruction::of_kernel(self.kernel)?;
        let port = DebuggerPort::listen()?;
        machine.arguments(port.arguments()?);
        let (run, told) = thread::scope(|scope| {
            // It ends with QEMU, which closes the connection.
            let teller = scope.spawn(|| group::tell(&mut port.accept()?, &instructions));
            let run = machine.run(step, limit);
            (run, teller.join())
        });
        let run = run?;
        let wrong = match told.map_err(|_| anyhow!("the debugger panicked"))? {
            Ok(0) => Some("no answer of CLP was changed".to_owned()),
            Ok(_) => None,
            // A machine that was ended does not answer its debugger either.
            Err(_) if run.failure().is_some() => None,
            Err(error) => Some(format!("{error:#}")),
        };
        Ok((run, wrong))
    }
}

fn write(path: &Path, content: Vec<u8>) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
