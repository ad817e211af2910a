// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Debian packages, from the mirrors this machine already uses and with nothing of its configuration changed.
//!
//! Suites that the machine has not enabled are read through a private state directory of apt below the target directory.

mod package;
mod program;
mod source;
mod sources;
mod state;

pub(crate) use package::{
    archive, download, download_of, download_set, download_source, download_whole, install, is_installed, unpack,
    Suites, Wanted,
};
pub(crate) use program::unpack_program;
