// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Measures what the driver costs beside others. Nothing is asserted about time.

mod host;
mod s390x;

use anyhow::Result;

use crate::workspace::Workspace;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    place: Place,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Place {
    /// Time the tables on this machine, beside those of the kernel's own driver and of other crates
    Host(host::Arguments),
    /// Count instructions in a Linux guest under QEMU, with its own driver and with ours, and those of the library alone
    S390x(s390x::Arguments),
}

/// Does what `options` say and returns whether everything that was measured worked.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    match &options.place {
        Place::Host(arguments) => host::run(workspace, arguments),
        Place::S390x(arguments) => s390x::run(workspace, arguments),
    }
}
