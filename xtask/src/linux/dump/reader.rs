// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What looks into a dump: the command `zpci`, whatever is run and measured, and this program itself.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadCache};
use serde::Deserialize;

use crate::progress::Step;
use crate::workspace::Workspace;

/// At the start of each page that the guest's program mapped (`qemu-s390x/linux/suites/dump.c`).
const STAMP: u64 = 0x7a50_4349_7061_6765;

/// Runs a command and tells, in the last line of the standard error, the seconds that it took and the most bytes of storage that it
/// had, files that it mapped included. What `wait4` says of storage is at least what the parent had.
const MEASURE: &str = "
import json, re, subprocess, sys, time
start, most = time.monotonic(), 0
child = subprocess.Popen(sys.argv[1:])
while child.poll() is None:
    with open('/proc/%d/status' % child.pid) as status:
        found = re.search('VmHWM:\\s+(\\d+) kB', status.read())
    most = max(most, int(found.group(1)) if found else 0)
    time.sleep(0.001)
print(json.dumps({'seconds': time.monotonic() - start, 'bytes': most * 1024}), file=sys.stderr)
sys.exit(child.returncode)
";

/// What a program took.
#[derive(Debug, Deserialize)]
pub(super) struct Measured {
    seconds: f64,
    bytes: u64,
}

impl Measured {
    /// Seconds and storage, for people.
    pub(super) fn text(&self) -> String {
        format!("{:.2} s, {:.1} MiB", self.seconds, self.bytes as f64 / f64::from(1 << 20))
    }
}

/// What a program said and took.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) output: String,
    pub(super) measured: Measured,
}

impl Ran {
    /// Runs `program`, which ends with 0, or with 1 where something is not mapped.
    ///
    /// # Errors
    ///
    /// It cannot be run, or ends otherwise.
    pub(super) fn of(program: &Command) -> Result<Self> {
        let mut command = Command::new("python3");
        command.arg("-c").arg(MEASURE).arg(program.get_program()).args(program.get_args());
        let output = command.output().context("cannot run python3")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let name = program.get_program().to_string_lossy();
        ensure!(matches!(output.status.code(), Some(0 | 1)), "{name} failed ({}):\n{said}", output.status);
        let last = said.lines().next_back().unwrap_or_default();
        let measured = serde_json::from_str(last).with_context(|| format!("{name} failed:\n{said}"))?;
        // Whoever warns of something does not see what there is.
        if let Some(warning) = said.lines().rev().nth(1) {
            bail!("{name} says:\n{warning}");
        }
        Ok(Self { output: String::from_utf8(output.stdout).context("an output is no text")?, measured })
    }
}

/// The command `zpci` for this machine.
#[derive(Debug)]
pub(super) struct Zpci {
    program: PathBuf,
}

impl Zpci {
    /// Builds it as it is published.
    ///
    /// # Errors
    ///
    /// It does not build.
    pub(super) fn build(workspace: &Workspace) -> Result<Self> {
        let step = Step::start("zpci");
        let result = step.run(workspace.cargo().args(["build", "--release", "--package", "zpci"]));
        step.end("built", result)?;
        Ok(Self { program: workspace.target.join("release/zpci") })
    }

    /// Runs `zpci walk` with `arguments`.
    ///
    /// # Errors
    ///
    /// It cannot read the dump.
    pub(super) fn walk<A: AsRef<str>>(&self, arguments: &[A]) -> Result<Ran> {
        let mut command = Command::new(&self.program);
        command.arg("walk").args(arguments.iter().map(AsRef::as_ref));
        Ran::of(&command)
    }
}

/// The storage in the dump.
#[derive(Debug)]
pub(super) struct Core {
    file: File,
    /// First absolute address, number of bytes, place in the file.
    pieces: Vec<(u64, u64, u64)>,
}

impl Core {
    /// Reads where in the file the storage is.
    ///
    /// # Errors
    ///
    /// It is no ELF file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let cache = ReadCache::new(&file);
        let header = FileHeader64::<Endianness>::parse(&cache)?;
        let endian = header.endian()?;
        let loaded = header.program_headers(endian, &cache)?.iter().filter(|it| it.p_type(endian) == PT_LOAD);
        let pieces = loaded.map(|it| (it.p_paddr(endian), it.p_filesz(endian), it.p_offset(endian))).collect();
        Ok(Self { file, pieces })
    }

    /// Bytes of storage.
    pub(super) fn size(&self) -> u64 {
        self.pieces.iter().map(|(_, size, _)| size).sum()
    }

    /// Whether the page at `absolute` says that it was mapped at `iova`.
    ///
    /// # Errors
    ///
    /// It does not, or is not in the dump.
    pub(super) fn check_stamp(&self, absolute: u64, iova: u64) -> Result<()> {
        ensure!(absolute % 4096 == iova % 4096, "{iova:#x} leads to {absolute:#x}, at another place in a page");
        let page = absolute & !0xfff;
        let piece = self.pieces.iter().find(|(first, size, _)| (*first..first + size).contains(&page));
        let &(first, _, offset) = piece.with_context(|| format!("{absolute:#x} is not in the dump"))?;
        let mut stamp = [0; 16];
        self.file.read_exact_at(&mut stamp, offset + (page - first))?;
        let [mark, mapped] =
            [0, 8].map(|at| stamp.iter().skip(at).take(8).fold(0, |value, byte| value << 8 | u64::from(*byte)));
        ensure!(mark == STAMP, "{iova:#x} leads to {absolute:#x}, a page that was never mapped");
        ensure!(mapped == iova & !0xfff, "{iova:#x} leads to {absolute:#x}, a page that was mapped at {mapped:#x}");
        Ok(())
    }
}
