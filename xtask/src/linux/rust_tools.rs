// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a kernel's own build of Rust runs: the compiler, the source of its `core`, and the program that reads C headers.
//!
//! They are Debian's, unpacked beside the results and not installed, each started with the C library that it was made for.
//! A person who builds a kernel has them installed, and needs none of this.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use crate::apt;
use crate::kernel_object::compiler::Debian;
use crate::progress::Step;
use crate::workspace::{read_text, Workspace};

/// The oldest release that Linux takes (`scripts/min-tool-version.sh`).
const BINDGEN: &str = "0.71.1";

/// Starts the program with its own C library and its own libclang, which looks for its headers beside itself.
const START: &str = "\
#!/bin/sh
root=${0%/*}
for clang in \"$root\"/usr/lib/llvm-*/lib; do
\tLIBCLANG_PATH=$clang
\texport LIBCLANG_PATH
done
for loader in \"$root\"/usr/lib/*/ld-linux*.so.*; do
\texec \"$loader\" --library-path \"${loader%/*}:$LIBCLANG_PATH\" \"$root/usr/bin/bindgen\" \"$@\"
done
";

/// The programs.
#[derive(Clone, Debug)]
pub(crate) struct RustTools {
    rustc: PathBuf,
    library: PathBuf,
    bindgen: PathBuf,
}

impl RustTools {
    /// Finds what a former run unpacked, or fetches it.
    ///
    /// # Errors
    ///
    /// No suite of Debian has them.
    pub(crate) fn obtain(workspace: &Workspace) -> Result<Self> {
        let step = Step::start("Rust for the kernel's own build");
        let result = Self::find_or_fetch(workspace, &step);
        match &result {
            Ok(tools) => step.done(&tools.names()?),
            Err(_) => step.failed(),
        }
        result
    }

    fn find_or_fetch(workspace: &Workspace, step: &Step) -> Result<Self> {
        let Debian { rustc, library } = Debian::obtain(workspace, step)?;
        let directory = workspace.directory("bindgen")?;
        let bindgen = directory.join("bindgen");
        if !bindgen.is_file() {
            fetch_bindgen(workspace, step, &directory)?;
        }
        Ok(Self { rustc, library, bindgen })
    }

    /// The variables that tell the kernel's build of them.
    pub(crate) fn variables(&self) -> Vec<String> {
        let variable = |name: &str, value: &Path| format!("{name}={}", value.display());
        vec![
            variable("RUSTC", &self.rustc),
            variable("HOSTRUSTC", &self.rustc),
            variable("RUST_LIB_SRC", &self.library),
            variable("BINDGEN", &self.bindgen),
        ]
    }

    /// What the programs call themselves.
    pub(crate) fn names(&self) -> Result<String> {
        let name = |program: &Path| -> Result<String> {
            let output = Command::new(program).arg("--version").output();
            let output = output.with_context(|| format!("cannot run {}", program.display()))?;
            ensure!(output.status.success(), "{} does not run", program.display());
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        Ok(format!("{}, {}", name(&self.rustc)?, name(&self.bindgen)?))
    }
}

/// Whether the configuration that `files` make, the later ones winning, asks for Rust in the kernel.
///
/// # Errors
///
/// One of them cannot be read.
pub(super) fn want_rust<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Result<bool> {
    let mut wanted = false;
    for file in files {
        for line in read_text(file)?.lines() {
            match line {
                "CONFIG_RUST=y" => wanted = true,
                "CONFIG_RUST=n" | "# CONFIG_RUST is not set" => wanted = false,
                _ => {}
            }
        }
    }
    Ok(wanted)
}

fn fetch_bindgen(workspace: &Workspace, step: &Step, directory: &Path) -> Result<()> {
    let debs = apt::download_set(workspace, step, "bindgen", BINDGEN, &[], &["bindgen"])?;
    apt::unpack_program(step, &debs, directory, "bindgen", START)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_last_file_decides_about_rust() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let without = file("without", "CONFIG_RUSTC_VERSION=1\n# CONFIG_RUST=y\nCONFIG_RUST_IS_AVAILABLE=y\n");
        let with = file("with", "CONFIG_PCI=y\nCONFIG_RUST=y\n");
        let not = file("not", "# CONFIG_RUST is not set\n");
        let no = file("no", "CONFIG_RUST=n\n");

        assert!(!want_rust(&[]).unwrap());
        assert!(!want_rust([&without]).unwrap());
        assert!(want_rust([&with, &without]).unwrap());
        assert!(!want_rust([&with, &not]).unwrap());
        assert!(!want_rust([&with, &no]).unwrap());
        assert!(want_rust([&not, &with]).unwrap());
        let absent = directory.path().join("absent");
        let error = want_rust([&with, &absent]).unwrap_err();
        assert!(error.to_string().contains("absent"), "{error}");
    }
}
