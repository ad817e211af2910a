// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! QEMU, built from Debian's source in two kinds: as it is, and with the crates.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{ensure, Context, Result};

use super::sysroot::{self, Sysroot};
use crate::apt::{self, Suites, Wanted};
use crate::linux::Stamp;
use crate::program;
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// Debian's package of the source.
const PACKAGE: &str = "qemu";

/// What is built.
const PROGRAM: &str = "qemu-system-s390x";

/// The patch, and the directory whose files it brings in, below the workspace.
const PATCH: &str = "glue-c/vmm/qemu/qemu.patch";
const GLUE: &str = "glue-c/vmm";

/// The package of the library, and the library below the target directory.
const LIBRARY_PACKAGE: &str = "zpci-vmm";
const LIBRARY: &str = "release/libzpci_vmm.a";

/// The Python of the system, which has Debian's packages; another one may be first in the path.
const PYTHON: &str = "/usr/bin/python3";

/// Networks, which boots of this machine need.
const NETWORKS: &str = "--enable-slirp";

/// How QEMU is configured: one machine, emulated, and what the boots need. Firmware for devices is the system's.
const CONFIGURATION: [&str; 10] = [
    "--target-list=s390x-softmmu",
    "--without-default-features",
    "--enable-system",
    "--enable-tcg",
    NETWORKS,
    "--disable-download",
    "--disable-docs",
    "--disable-tools",
    "--disable-install-blobs",
    "--firmwarepath=/usr/share/qemu",
];

const BUILDS: &str = "builds QEMU";

/// What a build of QEMU runs and links.
const TOOLS: [Tool; 11] = [
    Tool {
        program: "xz",
        check: &["--version"],
        package: Wanted { name: "xz-utils", minimum: "0", purpose: "unpacks the source of QEMU" },
    },
    Tool {
        program: "patch",
        check: &["--version"],
        package: Wanted { name: "patch", minimum: "0", purpose: "changes the source of QEMU" },
    },
    Tool {
        program: "gcc",
        check: &["-E", "-x", "c", "-include", "stdio.h", "/dev/null"],
        package: Wanted { name: "gcc", minimum: "0", purpose: BUILDS },
    },
    Tool {
        program: "ninja",
        check: &["--version"],
        package: Wanted { name: "ninja-build", minimum: "0", purpose: BUILDS },
    },
    Tool {
        program: PYTHON,
        check: &[
            "-c",
            "from importlib.metadata import version; assert [int(n) for n in version('meson').split('.')[:2]] >= [1, 5]",
        ],
        package: Wanted { name: "meson", minimum: "1.5", purpose: BUILDS },
    },
    Tool {
        program: PYTHON,
        check: &["-c", "import pycotap"],
        package: Wanted { name: "python3-pycotap", minimum: "0", purpose: "is asked for by QEMU's configuration" },
    },
    Tool {
        program: PYTHON,
        check: &["-c", "import venv, ensurepip"],
        package: Wanted { name: "python3-venv", minimum: "0", purpose: BUILDS },
    },
    Tool {
        program: "pkg-config",
        check: &["--version"],
        package: Wanted { name: "pkg-config", minimum: "0", purpose: BUILDS },
    },
    Tool {
        program: "pkg-config",
        check: &["--exists", "glib-2.0"],
        package: Wanted { name: "libglib2.0-dev", minimum: "0", purpose: "a library of QEMU" },
    },
    Tool {
        program: "pkg-config",
        check: &["--exists", "zlib"],
        package: Wanted { name: "zlib1g-dev", minimum: "0", purpose: "a library of QEMU" },
    },
    Tool {
        program: "pkg-config",
        check: &["--exists", "slirp"],
        package: Wanted { name: "libslirp-dev", minimum: "0", purpose: "networks of QEMU" },
    },
];

/// A version whose source Debian has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum Version {
    /// The one that the checks run
    #[value(name = "10.0")]
    #[default]
    V10_0,
    /// A newer one
    #[value(name = "10.2")]
    V10_2,
}

impl Version {
    /// How its versions of Debian begin.
    const fn start(self) -> &'static str {
        match self {
            Self::V10_0 => "1:10.0.",
            Self::V10_2 => "1:10.2.",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::V10_0 => "qemu-10.0",
            Self::V10_2 => "qemu-10.2",
        }
    }
}

/// Who answers the instructions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// QEMU itself.
    Stock,
    /// The crates.
    Ours,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Ours => "ours",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stock => "QEMU as it is",
            Self::Ours => "QEMU with the crates",
        })
    }
}

/// Both, built from one tree.
#[derive(Debug)]
pub(super) struct Emulators {
    /// Version of the source, as Debian numbers it.
    pub(super) version: String,
    directory: PathBuf,
}

impl Emulators {
    /// Builds what has changed since the last time.
    ///
    /// # Errors
    ///
    /// A package is missing and cannot be installed, the patch does not fit, or a build fails; the error has what it printed.
    pub(super) fn build(workspace: &Workspace, version: Version) -> Result<Self> {
        tool::ensure_all(workspace, &TOOLS)?;
        let directory = workspace.directory(Path::new("vmm").join(version.name()))?;
        let library = build_library(workspace)?;
        let source = Source::start(workspace, version, &directory)?;
        let emulators = Self { version: source.version.clone(), directory };
        let options = CONFIGURATION.map(str::to_owned).into();
        let setup = Setup { suffix: "", options, variables: Vec::new() };
        for kind in [Kind::Stock, Kind::Ours] {
            emulators.build_kind(workspace, &source, kind, &library, &setup)?;
        }
        Ok(emulators)
    }

    /// Builds QEMU with the crates as a program for Linux on s390x, static and without networks, to be run in a guest; returns
    /// its path, and the version of the source.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub(super) fn for_guest(workspace: &Workspace, version: Version) -> Result<(PathBuf, String)> {
        tool::ensure_all(workspace, &TOOLS)?;
        let directory = workspace.directory(Path::new("vmm").join(version.name()))?;
        let library = program::build_library(workspace, LIBRARY_PACKAGE)?;
        let source = Source::start(workspace, version, &directory)?;
        let sysroot = Sysroot::obtain(workspace)?;
        let options = CONFIGURATION.into_iter().filter(|option| *option != NETWORKS).chain(sysroot::OPTIONS);
        let options = options.map(str::to_owned).collect();
        let setup = Setup { suffix: "-s390x", options, variables: sysroot.variables() };
        let emulators = Self { version: source.version.clone(), directory };
        let program = emulators.build_kind(workspace, &source, Kind::Ours, &library, &setup)?;
        Ok((program, emulators.version))
    }

    /// The program.
    pub(super) fn path(&self, kind: Kind) -> PathBuf {
        self.directory.join(kind.name()).join(PROGRAM)
    }

    fn build_kind(
        &self,
        workspace: &Workspace,
        source: &Source,
        kind: Kind,
        library: &Path,
        setup: &Setup,
    ) -> Result<PathBuf> {
        let glue = workspace.root.join(GLUE);
        let mut stamp = source.stamp.clone();
        setup.options.iter().for_each(|option| stamp.text(option));
        if kind == Kind::Ours {
            stamp.directory(&glue.join("qemu"))?;
            stamp.directory(&glue.join("include"))?;
            stamp.file(library)?;
        }
        let directory = self.directory.join(format!("{}{}", kind.name(), setup.suffix));
        let (path, built) = (directory.join(PROGRAM), directory.join("built.stamp"));
        if path.is_file() && stamp.is_at(&built) {
            return Ok(path);
        }
        let step = Step::start(format!("{} {} ({}{})", PACKAGE, self.version, kind.name(), setup.suffix));
        let build = self.directory.join(format!("build{}", setup.suffix));
        let result = compile(&step, source, kind, &glue, library, setup, &build).and_then(|program| {
            fs::create_dir_all(&directory)?;
            fs::copy(&program, &path).with_context(|| format!("cannot write {}", path.display()))?;
            stamp.write(&built)
        });
        let again = || format!("QEMU was not built; to see the build itself: ninja -C {} {PROGRAM}", build.display());
        step.end("built", result).with_context(again)?;
        Ok(path)
    }
}

/// How QEMU is built for one machine to run on.
#[derive(Debug)]
struct Setup {
    /// What tells its directories from those of others.
    suffix: &'static str,
    /// Of its script `configure`.
    options: Vec<String>,
    /// For everything that runs.
    variables: Vec<(&'static str, PathBuf)>,
}

/// Both kinds are built in one directory, `build`, since they have all but a tenth of the objects in common.
fn compile(
    step: &Step,
    source: &Source,
    kind: Kind,
    glue: &Path,
    library: &Path,
    setup: &Setup,
    build: &Path,
) -> Result<PathBuf> {
    let run = |command: &mut Command| {
        let variables = setup.variables.iter().map(|(name, value)| (name, value));
        step.run(command.envs(variables).current_dir(build)).map(drop)
    };
    let configured = build.join("configured.stamp");
    let mut stamp = source.stamp.clone();
    setup.options.iter().for_each(|option| stamp.text(option));
    if !stamp.is_at(&configured) {
        if build.exists() {
            fs::remove_dir_all(build)?;
        }
        fs::create_dir_all(build)?;
        let mut configure = Command::new(source.tree.join("configure"));
        run(configure.arg(format!("--python={PYTHON}")).args(&setup.options))?;
        stamp.write(&configured)?;
    }
    let (glue, library) = match kind {
        Kind::Stock => (String::new(), String::new()),
        Kind::Ours => (glue.display().to_string(), library.display().to_string()),
    };
    let mut choose = Command::new(build.join("pyvenv/bin/meson"));
    run(choose.args(["configure", &format!("-Dzpci_vmm={glue}"), &format!("-Dzpci_vmm_library={library}")]))?;
    // Ninja does not know of the library, which is no part of the tree.
    let program = build.join(PROGRAM);
    if program.exists() {
        fs::remove_file(&program)?;
    }
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    run(Command::new("ninja").arg(format!("-j{jobs}")).arg(PROGRAM))?;
    Ok(program)
}

/// A tree with the patch in it.
#[derive(Debug)]
struct Source {
    tree: PathBuf,
    version: String,
    /// The version and the patch.
    stamp: Stamp,
}

impl Source {
    fn start(workspace: &Workspace, version: Version, directory: &Path) -> Result<Self> {
        let step = Step::start(format!("Source of {}", version.name()));
        let source = Self::obtain(workspace, &step, version, directory);
        step.end("is there", source)
    }

    fn obtain(workspace: &Workspace, step: &Step, version: Version, directory: &Path) -> Result<Self> {
        let tree = directory.join("source");
        let (fetched, patched) = (directory.join("source.version"), directory.join("source.stamp"));
        let patch = workspace.root.join(PATCH);
        let stamp_of = |version: &str| -> Result<Stamp> {
            let mut stamp = Stamp::default();
            stamp.text(version);
            stamp.file(&patch)?;
            Ok(stamp)
        };
        if let Ok(known) = fs::read_to_string(&fetched) {
            let stamp = stamp_of(&known)?;
            if tree.is_dir() && stamp.is_at(&patched) {
                return Ok(Self { tree, version: known, stamp });
            }
        }
        let accept = |found: &str| found.starts_with(version.start());
        let (archive, found) = apt::download_source(workspace, step, PACKAGE, accept, Suites::OldestFirst)?;
        if tree.exists() {
            fs::remove_dir_all(&tree)?;
        }
        fs::create_dir_all(&tree)?;
        step.at("unpacking it");
        let mut tar = Command::new("tar");
        tar.arg("--extract").arg("--file").arg(&archive).args(["--strip-components=1", "--directory"]).arg(&tree);
        step.run(&mut tar)?;
        ensure!(
            tree.join("hw/s390x/s390-pci-inst.c").is_file(),
            "{} is not the source of QEMU with PCI for s390x",
            archive.display()
        );
        step.at("patching it");
        let mut command = Command::new("patch");
        command.args(["--strip=1", "--forward", "--input"]).arg(&patch).current_dir(&tree);
        step.run(&mut command).with_context(|| format!("{PATCH} does not fit QEMU {found}"))?;
        let stamp = stamp_of(&found)?;
        fs::write(&fetched, &found)?;
        stamp.write(&patched)?;
        Ok(Self { tree, version: found, stamp })
    }
}

/// Builds the static library of `glue-c/vmm`.
fn build_library(workspace: &Workspace) -> Result<PathBuf> {
    let step = Step::start("Library for a VMM");
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--package", LIBRARY_PACKAGE]);
    let result = step.run(&mut command).map(drop);
    step.end("built", result)?;
    let library = workspace.target.join(LIBRARY);
    ensure!(library.is_file(), "cargo built no {}", library.display());
    Ok(library)
}
