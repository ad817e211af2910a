// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the command `zpci` does: bytes of zPCI as people have them, read by the tables of `clp` and `s390-iommu`.
//!
//! [`input`] makes bytes of a file, [`decode`] a [`report::Report`] of bytes, [`blocks`] a text of what a machine answers; each
//! subcommand has a module.

pub mod blocks;
mod command;
pub mod decode;
mod description;
pub mod input;
mod list;
pub mod render;
pub mod report;
mod walk;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Parser;

use command::{Arguments, Command};

/// Exit code: decoded, and nothing is wrong.
pub const GOOD: u8 = 0;
/// Exit code: a rule is broken, or what was asked was refused.
pub const WRONG: u8 = 1;
/// Exit code: there is no such input, it cannot be read, or the output cannot be written.
pub const UNREADABLE: u8 = 2;

/// Why a command ended early, with what it says of that.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The input cannot be read.
    Unreadable(String),
    /// The reader of the output went away: it has what it wants.
    Closed,
    /// The output cannot be written.
    Unwritten(io::Error),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Unreadable(message)
    }
}

impl From<input::InputError> for Stop {
    fn from(error: input::InputError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Unwritten(error),
        }
    }
}

/// Where output goes.
pub(crate) struct Output<'a> {
    /// What was asked for.
    pub(crate) out: &'a mut (dyn Write + 'a),
    /// What is wrong.
    pub(crate) err: &'a mut (dyn Write + 'a),
}

/// Runs the command with `arguments`, the first of which is its name, and returns the exit code.
///
/// Text is written with escape sequences for colour; who does not want them strips them.
pub fn run(arguments: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = error.render();
            if error.use_stderr() {
                let _ = write!(err, "{}", text.ansi());
                return UNREADABLE;
            }
            let written = write!(out, "{}", text.ansi()).and_then(|()| out.flush());
            return finish(written.map(|()| GOOD).map_err(Stop::from), err);
        }
    };
    let output = Output { out: &mut *out, err: &mut *err };
    let result = match arguments.command {
        Command::Decode(options) => command::decode::run(&options, output),
        Command::List(options) => command::list::run(&options, output),
        Command::Walk(options) => command::walk::run(&options, output),
        Command::Caps(options) => command::caps::run(&options, output),
        Command::Answer(options) => command::answer::run(&options, output),
        Command::Fields(options) => command::fields::run(&options, output),
        Command::Generate(options) => command::generate::run(&options, output),
    };
    finish(result.and_then(|code| Ok(out.flush().map(|()| code)?)), err)
}

/// The exit code, after a word of why a command ended early.
fn finish(result: Result<u8, Stop>, err: &mut dyn Write) -> u8 {
    let message = match result {
        Ok(code) => return code,
        Err(Stop::Closed) => return GOOD,
        Err(Stop::Unreadable(message)) => message,
        Err(Stop::Unwritten(error)) => format!("the output: {error}"),
    };
    // Nobody is left to be told if this fails.
    let _ = writeln!(err, "error: {message}");
    UNREADABLE
}
