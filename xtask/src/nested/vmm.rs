// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Debian's QEMU of s390x for s390x, with the libraries that it links to, to be put into a guest.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use object::elf::{FileHeader64, DT_NEEDED};
use object::read::elf::{Dyn, FileHeader};
use object::Endianness;
use serde::Serialize;

use crate::apt;
use crate::linux::Initrd;
use crate::progress::Step;
use crate::workspace::Workspace;

/// What Debian calls the package and the architecture.
const PACKAGE: &str = "qemu-system-s390x";
const ARCHITECTURE: &str = "s390x";

/// The oldest version that has iommufd and is known to work.
const MINIMUM: &str = "1:10";

/// Where it is in the package, and in the guest.
const PROGRAM: &str = "usr/bin/qemu-system-s390x";

/// What a machine without a kernel would load; QEMU wants it of every machine.
const LOADER: &str = "usr/share/qemu/s390-ccw.img";

/// What starts programs with shared libraries: the interpreter that their ELF header names.
const INTERPRETER: &str = "lib/ld64.so.1";

/// Where libraries are in packages of Debian, with and without a merged `/usr`.
const LIBRARIES: [&str; 2] = ["usr/lib/s390x-linux-gnu", "lib/s390x-linux-gnu"];

/// Which QEMU gives functions to an inner guest.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choice {
    /// Debian's, unmodified
    Debian,
    /// The one of `cargo xtask vmm` whose CLP, MPCIFC, STPCIFC and RPCIT are answered by the crates
    Crates,
}

/// The package, unpacked.
#[derive(Debug)]
pub(crate) struct Vmm {
    pub(crate) choice: Choice,
    /// Its version in Debian's notation.
    pub(crate) version: String,
    root: PathBuf,
    /// Another program in the place of the package's, which needs no libraries.
    program: Option<PathBuf>,
}

impl Vmm {
    /// Fetches the package, with all that it depends on, and unpacks it, unless that was done before; builds what is not
    /// Debian's.
    ///
    /// # Errors
    ///
    /// No suite of Debian has it, or it does not build.
    pub(crate) fn obtain(workspace: &Workspace, choice: Choice) -> Result<Self> {
        let directory = workspace.directory("nested")?;
        let (root, version) = (directory.join("qemu"), directory.join("qemu.version"));
        if !version.is_file() {
            let step = Step::start(format!("{PACKAGE} for {ARCHITECTURE}"));
            let result = fetch(workspace, &step, &root).and_then(|fetched| Ok(fs::write(&version, fetched)?));
            step.end("unpacked", result)?;
        }
        Ok(match choice {
            Choice::Debian => Self { choice, version: fs::read_to_string(&version)?, root, program: None },
            Choice::Crates => {
                let (program, version) = crate::vmm::for_guest(workspace)?;
                Self { choice, version, root, program: Some(program) }
            }
        })
    }

    /// Puts the program and every library that it needs into `initrd`.
    ///
    /// # Errors
    ///
    /// A library is in none of the packages.
    pub(crate) fn add_to(&self, initrd: &mut Initrd) -> Result<()> {
        for directory in ["usr", "usr/bin", "usr/share", "usr/share/qemu", "lib", "lib/s390x-linux-gnu"] {
            initrd.directory(directory);
        }
        initrd.program(LOADER, &self.root.join(LOADER))?;
        if let Some(program) = &self.program {
            return initrd.program(PROGRAM, program);
        }
        initrd.program(PROGRAM, &self.root.join(PROGRAM))?;
        initrd.program(INTERPRETER, &self.interpreter()?)?;
        for (name, path) in self.libraries()? {
            initrd.program(&format!("lib/s390x-linux-gnu/{name}"), &path)?;
        }
        Ok(())
    }

    /// The link to it in the package may be absolute.
    fn interpreter(&self) -> Result<PathBuf> {
        let name = Path::new(INTERPRETER).file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.library(&name)
    }

    /// Every library by its name, those of libraries included.
    fn libraries(&self) -> Result<BTreeMap<String, PathBuf>> {
        let mut found = BTreeMap::new();
        let mut waiting = needed(&self.root.join(PROGRAM))?;
        while let Some(name) = waiting.pop() {
            if let Entry::Vacant(place) = found.entry(name) {
                let path = self.library(place.key())?;
                waiting.extend(needed(&path)?);
                place.insert(path);
            }
        }
        Ok(found)
    }

    fn library(&self, name: &str) -> Result<PathBuf> {
        let candidates = LIBRARIES.iter().map(|directory| self.root.join(directory).join(name));
        let library = candidates.into_iter().find(|path| path.is_file());
        library.with_context(|| format!("{name} is in none of the packages that {PACKAGE} depends on"))
    }
}

/// Fetches and unpacks everything to `root`, and returns the version.
fn fetch(workspace: &Workspace, step: &Step, root: &Path) -> Result<String> {
    let (version, debs) = apt::download_whole(workspace, step, ARCHITECTURE, PACKAGE, MINIMUM)?;
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    for deb in &debs {
        // All of it: a package may have no directory of these.
        apt::unpack(step, deb, "", root)?;
    }
    ensure!(root.join(PROGRAM).is_file(), "there is no {PROGRAM} in {PACKAGE} {version}");
    Ok(version)
}

/// The libraries that the program or library at `path` names.
fn needed(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    needed_by(&bytes).with_context(|| format!("{}", path.display()))
}

fn needed_by(bytes: &[u8]) -> Result<Vec<String>> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let Some((entries, link)) = sections.dynamic(endian, bytes)? else { return Ok(Vec::new()) };
    let strings = sections.strings(endian, bytes, link)?;
    let names = entries.iter().filter(|entry| entry.tag32(endian) == Some(DT_NEEDED));
    names.map(|entry| Ok(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This very test is a program with shared libraries.
    #[test]
    fn libraries_are_read_from_the_dynamic_section() {
        let names = needed(&std::env::current_exe().unwrap()).unwrap();
        assert!(names.iter().any(|name| name.starts_with("libc.so.")), "{names:?}");
        assert!(needed_by(b"no program").is_err());
    }
}
