// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The command `zpci`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Colour is for a terminal alone.
    let (mut out, mut err) = (anstream::stdout().lock(), anstream::stderr().lock());
    ExitCode::from(zpci::run(std::env::args_os(), &mut out, &mut err))
}
