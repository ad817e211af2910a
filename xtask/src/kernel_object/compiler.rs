// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The compiler of what is linked into a kernel.
//!
//! A kernel for s390x finds the callers of a function by a chain of stack frames that are packed: the address of the
//! frame before is at 152, not at 0. A function compiled otherwise runs, but ends every back trace, or sends it astray.
//! So the compiler has to know `-Zpacked-stack`, and `core` has to be compiled by it with the same flags: they change how
//! functions call each other, so the compiler refuses to mix them.
//!
//! In this order: the compiler of this machine, with the source of its `core`; Debian's, which is unpacked beside the
//! results and not installed; the compiler of this machine without packed frames, which everything says then.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::apt;
use crate::core_library::{self, CoreLibrary, TARGET};
use crate::linux::Stamp;
use crate::progress::Step;
use crate::workspace::{read_text, Workspace};

/// The oldest release of Debian's to take: Linux asks for it where it compiles Rust for s390
/// (`scripts/min-tool-version.sh`).
const MINIMUM: &str = "1.96";

/// Says by its name whether frames are packed.
const PACKED: &str = "-Zpacked-stack";

/// What everything in the object is compiled with, beside [`PACKED`].
const FLAGS: [&str; 3] = ["-Crelocation-model=static", "-Ctarget-feature=+backchain", "-Cjump-tables=no"];

/// How `core` is compiled; the last is for what it may only use itself.
const CORE_FLAGS: [&str; 7] = [
    "--crate-name=core",
    "--crate-type=rlib",
    "-Copt-level=3",
    "-Ccodegen-units=1",
    "-Cpanic=abort",
    "--cap-lints=allow",
    "-Zforce-unstable-if-unmarked",
];

/// A crate that the compiler links to everything, and that has nothing: what the code needs of the kind has to come from
/// the kernel, and would be found among the undefined symbols.
const BUILTINS: &str = "#![feature(compiler_builtins)]\n#![compiler_builtins]\n#![no_builtins]\n#![no_std]\n";

/// A compiler with a `core`.
#[derive(Clone, Debug)]
pub(crate) enum KernelCompiler {
    /// One that packs stack frames.
    Packed {
        /// The program.
        rustc: PathBuf,
        /// Where `core` is.
        sysroot: PathBuf,
        /// What it calls itself, and where it comes from.
        name: String,
    },
    /// One that does not, since there is no other.
    Unpacked {
        /// Where `core` comes from.
        core: CoreLibrary,
        /// Why there is no other.
        cause: String,
    },
}

impl fmt::Display for KernelCompiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packed { name, .. } => write!(f, "{name}, packed stack frames"),
            Self::Unpacked { core, cause } => {
                write!(f, "this machine's, core {core}; NO BACK TRACES through the object, since {cause}")
            }
        }
    }
}

impl KernelCompiler {
    /// Finds or obtains it.
    ///
    /// # Errors
    ///
    /// There is not even a `core` for the compiler of this machine.
    pub(crate) fn obtain(workspace: &Workspace) -> Result<Self> {
        let step = Step::start("Compiler for the kernel");
        let result = Self::packed(workspace, &step).or_else(|cause| {
            let cause = format!("{cause:#}").lines().next().unwrap_or_default().to_owned();
            Ok(Self::Unpacked { core: CoreLibrary::obtain(workspace)?, cause })
        });
        match &result {
            Ok(compiler) => step.done(&compiler.to_string()),
            Err(_) => step.failed(),
        }
        result
    }

    /// Whether a kernel finds the callers of what it compiles.
    pub(crate) const fn packs_frames(&self) -> bool {
        matches!(self, Self::Packed { .. })
    }

    fn packed(workspace: &Workspace, step: &Step) -> Result<Self> {
        let own = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
        if packs_frames(&own) {
            if let Ok(source) = core_library::source(workspace, step) {
                return Self::with_core(workspace, step, own, &source, "this machine's");
            }
        }
        let debian = Debian::obtain(workspace, step)?;
        ensure!(packs_frames(&debian.rustc), "{}, Debian's compiler, does not pack frames", debian.rustc.display());
        Self::with_core(workspace, step, debian.rustc, &debian.library, "Debian's")
    }

    /// Compiles `core`, whose source is in `library`, unless that was done before.
    fn with_core(workspace: &Workspace, step: &Step, rustc: PathBuf, library: &Path, whose: &str) -> Result<Self> {
        let version = step.run(Command::new(&rustc).arg("-vV"))?;
        let name = version.lines().next().unwrap_or_default();
        let sysroot = workspace.directory(Path::new("kernel-core").join(name.replace(' ', "_")))?;
        let result = Self::Packed { rustc, sysroot, name: format!("{whose} {name}") };
        let Self::Packed { rustc, sysroot, .. } = &result else { bail!("no compiler") };
        let mut stamp = Stamp::default();
        stamp.text(&version);
        FLAGS.iter().chain(&CORE_FLAGS).chain([&PACKED, &BUILTINS]).for_each(|flag| stamp.text(flag));
        let stamp_path = sysroot.join("stamp");
        if stamp.is_at(&stamp_path) {
            return Ok(result);
        }
        let directory = sysroot.join("lib/rustlib").join(TARGET).join("lib");
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        let compile = |own_flags: &[&str], source: &Path| {
            let mut command = Command::new(rustc);
            command.env("RUSTC_BOOTSTRAP", "1").args(["--target", TARGET, PACKED]).args(FLAGS).args(own_flags);
            command.arg("--sysroot").arg(sysroot).arg("--out-dir").arg(&directory).arg(source);
            command
        };
        step.at(&format!("core of {name}"));
        let edition = edition(library)?;
        let flags: Vec<&str> = CORE_FLAGS.into_iter().chain([edition.as_str()]).collect();
        step.run(&mut compile(&flags, &library.join("core/src/lib.rs")))?;
        let builtins = sysroot.join("compiler_builtins.rs");
        fs::write(&builtins, BUILTINS)?;
        let flags = ["--crate-name=compiler_builtins", "--crate-type=rlib", "-Cpanic=abort", "--cap-lints=allow"];
        step.run(&mut compile(&flags, &builtins))?;
        stamp.write(&stamp_path)?;
        Ok(result)
    }

    /// Makes the cargo command `command` build for the kernel, and returns where it puts the results.
    pub(crate) fn apply(&self, workspace: &Workspace, command: &mut Command) -> Result<PathBuf> {
        match self {
            Self::Unpacked { core, .. } => {
                core.apply(command);
                Ok(workspace.target.join(TARGET).join("release"))
            }
            Self::Packed { rustc, sysroot, .. } => {
                // Apart from the image, whose flags are others.
                let target = workspace.directory("kernel")?;
                command.args(["--target", TARGET]).arg("--target-dir").arg(&target);
                command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTFLAGS");
                let mut flags = OsString::new();
                for flag in [PACKED].iter().chain(&FLAGS) {
                    flags.push(flag);
                    flags.push("\x1f");
                }
                flags.push("--sysroot=");
                flags.push(sysroot);
                command.env("CARGO_ENCODED_RUSTFLAGS", flags);
                Ok(target.join(TARGET).join("release"))
            }
        }
    }
}

/// Whether the compiler knows how to.
fn packs_frames(rustc: &Path) -> bool {
    let mut command = Command::new(rustc);
    command.env("RUSTC_BOOTSTRAP", "1").args(["--target", TARGET, PACKED, "--print", "cfg"]);
    command.output().is_ok_and(|output| output.status.success())
}

/// The option that says in which edition `core` in `library` is written.
fn edition(library: &Path) -> Result<String> {
    let path = library.join("core/Cargo.toml");
    let text = read_text(&path)?;
    let edition = text.lines().find_map(|line| line.strip_prefix("edition = \"")?.strip_suffix('"'));
    Ok(format!("--edition={}", edition.with_context(|| format!("{} names no edition", path.display()))?))
}

/// Debian's compiler, with the libraries of the release that it was made for.
#[derive(Debug)]
pub(crate) struct Debian {
    /// A program that starts it.
    pub(crate) rustc: PathBuf,
    /// The source of its `core`.
    pub(crate) library: PathBuf,
}

/// Starts the compiler with its own C library, since that of this machine may be older.
const START: &str = "\
#!/bin/sh
root=${0%/*}
for loader in \"$root\"/usr/lib/*/ld-linux*.so.*; do
\texec \"$loader\" --library-path \"${loader%/*}\" \"$root/usr/bin/rustc\" \"$@\"
done
";

impl Debian {
    /// Finds what a former run has unpacked, or fetches it.
    ///
    /// # Errors
    ///
    /// No suite of Debian has a compiler that is new enough.
    pub(crate) fn obtain(workspace: &Workspace, step: &Step) -> Result<Self> {
        let directory = workspace.directory("rustc")?;
        match Self::find(&directory) {
            Some(debian) => Ok(debian),
            None => Self::fetch(workspace, step, &directory),
        }
    }

    /// What a former run has unpacked in `directory`.
    fn find(directory: &Path) -> Option<Self> {
        let rustc = directory.join("rustc");
        let mut sources = fs::read_dir(directory.join("usr/src")).ok()?.flatten();
        let library = sources.find_map(|source| {
            let library = source.path().join("library");
            library.join("core/src/lib.rs").is_file().then_some(library)
        })?;
        rustc.is_file().then_some(Self { rustc, library })
    }

    /// Fetches and unpacks it.
    fn fetch(workspace: &Workspace, step: &Step, directory: &Path) -> Result<Self> {
        let debs = apt::download_set(workspace, step, "rustc", MINIMUM, &["rust-src"], &["libstd-rust-dev"])?;
        apt::unpack_program(step, &debs, directory, "rustc", START)?;
        Self::find(directory).context("Debian's packages of the compiler have other files than was expected")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_compiler_without_the_flag_is_told_from_one_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let compiler = |text: &str| {
            let path = directory.path().join("rustc");
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            packs_frames(&path)
        };
        assert!(compiler("case \" $* \" in *' -Zpacked-stack '*) exit 0;; esac; exit 1"));
        assert!(!compiler("case \" $* \" in *' -Zpacked-stack '*) exit 1;; esac; exit 0"));
        assert!(!packs_frames(&directory.path().join("nothing")));
    }

    #[test]
    fn the_edition_is_that_of_the_source() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("core")).unwrap();
        fs::write(directory.path().join("core/Cargo.toml"), "[package]\nname = \"core\"\nedition = \"2024\"\n")
            .unwrap();
        assert_eq!(edition(directory.path()).unwrap(), "--edition=2024");
        assert!(edition(&directory.path().join("core")).is_err());
    }

    #[test]
    fn nothing_claims_frames_that_are_not_packed() {
        let unpacked = KernelCompiler::Unpacked { core: CoreLibrary::Target, cause: "of a reason".to_owned() };
        assert!(!unpacked.packs_frames());
        assert!(unpacked.to_string().contains("NO BACK TRACES through the object, since of a reason"));
    }
}
