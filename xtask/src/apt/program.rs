// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Programs of a newer Debian than this one, beside the results.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::unpack;
use crate::progress::Step;

/// Replaces `directory` by what `debs` have below `usr`, and beside that the executable `name` with the text `start`, which
/// finds the program by its own place; then removes `debs`. Nothing is installed.
///
/// `directory` is whole or what it was: it is made elsewhere, and renamed.
///
/// # Errors
///
/// A package is damaged, or a file cannot be written.
pub(crate) fn unpack_program(step: &Step, debs: &[PathBuf], directory: &Path, name: &str, start: &str) -> Result<()> {
    let scratch = directory.with_extension("part");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    for deb in debs {
        unpack(step, deb, "usr", &scratch)?;
    }
    let program = scratch.join(name);
    fs::write(&program, start)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::rename(&scratch, directory)?;
    // One may be there twice: as the package itself, and among what another one depends on.
    for deb in debs.iter().filter(|deb| deb.is_file()) {
        fs::remove_file(deb)?;
    }
    Ok(())
}
