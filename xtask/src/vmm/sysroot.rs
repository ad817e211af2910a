// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Libraries that QEMU for Linux on s390x is linked with, from Debian's packages of that architecture.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::apt::{self, Suites};
use crate::progress::Step;
use crate::workspace::Workspace;

/// What Debian calls the architecture.
const ARCHITECTURE: &str = "s390x";

/// What has the static libraries; that of C comes with the compiler.
const PACKAGES: [&str; 3] = ["libglib2.0-dev", "libpcre2-dev", "zlib1g-dev"];

/// Where descriptions for pkg-config are in them.
const DESCRIPTIONS: &str = "usr/lib/s390x-linux-gnu/pkgconfig";

/// How QEMU's script `configure` is told to build with them.
pub(super) const OPTIONS: [&str; 5] =
    ["--cross-prefix=s390x-linux-gnu-", "--cpu=s390x", "--static", "--disable-pie", "--disable-debug-info"];

/// The packages, unpacked.
#[derive(Debug)]
pub(super) struct Sysroot {
    root: PathBuf,
}

impl Sysroot {
    /// Fetches and unpacks the packages, unless that was done before.
    ///
    /// # Errors
    ///
    /// No suite of Debian has one of them.
    pub(super) fn obtain(workspace: &Workspace) -> Result<Self> {
        let root = workspace.directory("vmm")?.join("sysroot");
        let complete = root.with_extension("complete");
        if !complete.is_file() {
            if root.exists() {
                fs::remove_dir_all(&root)?;
            }
            let step = Step::start("Libraries for QEMU on s390x");
            let result = PACKAGES.into_iter().try_for_each(|package| {
                let order = Suites::OldestFirst;
                let deb = apt::download_of(workspace, &step, Some(ARCHITECTURE), package, |_| true, order)?;
                apt::unpack(&step, &deb.path, "", &root)
            });
            step.end("unpacked", result)?;
            fs::write(&complete, "")?;
        }
        Ok(Self { root })
    }

    /// How pkg-config is told to find them, and nothing of this machine.
    pub(super) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            // Otherwise the one with the prefix of the compiler is wanted.
            ("PKG_CONFIG", "pkg-config".into()),
            ("PKG_CONFIG_LIBDIR", self.root.join(DESCRIPTIONS)),
            ("PKG_CONFIG_SYSROOT_DIR", self.root.clone()),
        ]
    }
}
