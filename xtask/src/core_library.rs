// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where `core` for the guest comes from.
//!
//! In this order: the target as it is installed, the target as rustup installs it, the source of exactly this compiler's
//! version as Debian packages it, from which cargo then builds `core` itself.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{bail, ensure, Context, Result};

use crate::apt::{self, Suites};
use crate::progress::Step;
use crate::workspace::Workspace;

/// The target of everything that is linked into a guest.
pub(crate) const TARGET: &str = "s390x-unknown-none-softfloat";

/// How long rustup may try; without a network it may otherwise try for very long.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// The file of a `library` directory by which it is recognised.
const MARK: &str = "core/src/lib.rs";

/// How the guest's `core` was obtained.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum CoreLibrary {
    /// The compiler has the target.
    Target,
    /// Cargo builds it from the source that the compiler has.
    Source,
    /// Cargo builds it from this directory, the `library` of the compiler's own repository.
    UnpackedSource(PathBuf),
}

impl fmt::Display for CoreLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target => write!(f, "installed target {TARGET}"),
            Self::Source => write!(f, "built from the source in the compiler's sysroot"),
            Self::UnpackedSource(_) => write!(f, "built from Debian's rust-src of the compiler's version"),
        }
    }
}

impl CoreLibrary {
    /// Finds or obtains it.
    ///
    /// # Errors
    ///
    /// None of the ways led to it; the error says what to do by hand.
    pub(crate) fn obtain(workspace: &Workspace) -> Result<Self> {
        let step = Step::start(format!("core for {TARGET}"));
        let result = Self::obtain_with(workspace, &step);
        match &result {
            Ok(core) => step.done(&core.to_string()),
            Err(_) => step.failed(),
        }
        result
    }

    fn obtain_with(workspace: &Workspace, step: &Step) -> Result<Self> {
        let compiler = Compiler::ask()?;
        let unpacked = workspace.directory("rust-src")?.join(&compiler.version);
        // What a former run has downloaded is as good as what it would download again.
        if let Some(core) = compiler.installed().or_else(|| Self::unpacked(&unpacked)) {
            return Ok(core);
        }
        let by_rustup = Self::from_rustup(&compiler, step);
        if by_rustup.is_ok() {
            return Ok(Self::Target);
        }
        let by_apt = Self::from_apt(workspace, step, &compiler, &unpacked);
        by_apt.with_context(|| {
            let rustup = by_rustup.err().map_or_else(String::new, |error| format!("{error:#}"));
            format!(
                "no `core` for {TARGET} and rustc {}: `rustup target add {TARGET}` or `rustup component add rust-src` \
                 would bring it, or a compiler of a version that Debian packages.\nrustup: {rustup}",
                compiler.version
            )
        })
    }

    fn unpacked(library: &Path) -> Option<Self> {
        library.join(MARK).is_file().then(|| Self::UnpackedSource(library.to_owned()))
    }

    fn from_rustup(compiler: &Compiler, step: &Step) -> Result<()> {
        step.at("rustup target add");
        step.run_within(Command::new("rustup").args(["target", "add", TARGET]), Some(RUSTUP_LIMIT))?;
        ensure!(compiler.has_target(TARGET), "rustup added the target to another toolchain than this one");
        Ok(())
    }

    fn from_apt(workspace: &Workspace, step: &Step, compiler: &Compiler, library: &Path) -> Result<Self> {
        let is_of_compiler = |version: &str| is_upstream_version(version, &compiler.version);
        let deb = apt::download(workspace, step, "rust-src", is_of_compiler, Suites::OldestFirst)?;
        let scratch = library.with_extension("part");
        let member = format!("usr/src/rustc-{}/library", compiler.version);
        apt::unpack(step, &deb.path, &member, &scratch)?;
        fs::rename(scratch.join(&member), library)?;
        fs::remove_dir_all(&scratch)?;
        fs::remove_file(&deb.path)?;
        Self::unpacked(library).with_context(|| format!("rust-src {} from {} has no {MARK}", deb.version, deb.suite))
    }

    /// Makes the cargo command `command` build for the guest.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.args(["--target", TARGET]);
        // The flags of the target are in the workspace's .cargo/config.toml, and any of these would replace them.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        if *self != Self::Target {
            // Building `core` is an unstable feature of cargo; this is the compiler's way to allow it in a stable release.
            command.arg("-Zbuild-std=core").env("RUSTC_BOOTSTRAP", "1");
        }
        if let Self::UnpackedSource(library) = self {
            // Cargo's only way to take the source from elsewhere than the sysroot, which belongs to rustup or to the system.
            command.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
        }
    }
}

/// The `library` of the repository of this machine's compiler, of exactly its version.
///
/// # Errors
///
/// Neither the compiler has it nor Debian.
pub(crate) fn source(workspace: &Workspace, step: &Step) -> Result<PathBuf> {
    let compiler = Compiler::ask()?;
    let installed = compiler.source();
    if installed.join(MARK).is_file() {
        return Ok(installed);
    }
    let unpacked = workspace.directory("rust-src")?.join(&compiler.version);
    let found = match CoreLibrary::unpacked(&unpacked) {
        Some(found) => found,
        None => CoreLibrary::from_apt(workspace, step, &compiler, &unpacked)?,
    };
    match found {
        CoreLibrary::UnpackedSource(library) => Ok(library),
        CoreLibrary::Source | CoreLibrary::Target => bail!("the source is elsewhere"),
    }
}

/// Whether the compiler of this machine has the libraries of `target`.
///
/// # Errors
///
/// The compiler cannot be run.
pub(crate) fn has_target(target: &str) -> Result<bool> {
    Ok(Compiler::ask()?.has_target(target))
}

/// What the compiler says of itself.
#[derive(Debug)]
struct Compiler {
    version: String,
    sysroot: PathBuf,
}

impl Compiler {
    fn ask() -> Result<Self> {
        let version = rustc(&["--version"])?;
        let version = version.split_whitespace().nth(1).context("rustc does not say its version")?.to_owned();
        Ok(Self { version, sysroot: rustc(&["--print", "sysroot"])?.trim().into() })
    }

    fn installed(&self) -> Option<CoreLibrary> {
        let source = || self.source().join(MARK).is_file().then_some(CoreLibrary::Source);
        self.has_target(TARGET).then_some(CoreLibrary::Target).or_else(source)
    }

    fn source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust/library")
    }

    fn has_target(&self, target: &str) -> bool {
        let libraries = self.sysroot.join("lib/rustlib").join(target).join("lib");
        let mut entries = fs::read_dir(libraries).into_iter().flatten().flatten();
        entries.any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    }
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).args(arguments).output().context("cannot run rustc")?;
    ensure!(output.status.success(), "rustc failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether the Debian version `version` packages release `upstream`: 1.95.0+dfsg1-2~bpo13+1 packages 1.95.0.
fn is_upstream_version(version: &str, upstream: &str) -> bool {
    version.strip_prefix(upstream).is_some_and(|rest| rest.starts_with(['+', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_version_of_the_compiler_will_do() {
        assert!(is_upstream_version("1.95.0+dfsg1-2~bpo13+1", "1.95.0"));
        assert!(is_upstream_version("1.95.0-1", "1.95.0"));
        assert!(!is_upstream_version("1.95.01-1", "1.95.0"));
        assert!(!is_upstream_version("1.94.1+dfsg1-1~bpo13+3", "1.95.0"));
        assert!(!is_upstream_version("1.95.0~beta1+dfsg1-1", "1.95.0"));
    }

    #[test]
    fn a_guest_build_ignores_flags_from_outside() {
        let mut command = Command::new("cargo");
        CoreLibrary::UnpackedSource("src".into()).apply(&mut command);
        let envs: Vec<_> = command.get_envs().collect();
        assert!(envs.contains(&("RUSTFLAGS".as_ref(), None)));
        assert!(envs.contains(&("__CARGO_TESTS_ONLY_SRC_ROOT".as_ref(), Some("src".as_ref()))));
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["--target", TARGET, "-Zbuild-std=core"]);
    }
}
