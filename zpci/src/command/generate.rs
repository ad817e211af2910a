// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci generate`: what packages install beside the command.

use clap::CommandFactory;

use super::Arguments;
use crate::{Output, Stop, GOOD};

/// Options of `zpci generate`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

/// What to write.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum What {
    /// The man page of zpci, or of a subcommand
    Man {
        /// The subcommand
        subcommand: Option<String>,
    },
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

pub(crate) fn run(options: &Options, output: Output<'_>) -> Result<u8, Stop> {
    let mut command = Arguments::command();
    command.build();
    let mut text = Vec::new();
    match &options.what {
        What::Completions { shell } => clap_complete::generate(*shell, &mut command, "zpci", &mut text),
        What::Man { subcommand: None } => clap_mangen::Man::new(command).render(&mut text)?,
        What::Man { subcommand: Some(name) } => {
            let found = command.get_subcommands().find(|command| command.get_name() == name).cloned();
            let found = found.ok_or_else(|| format!("there is no subcommand {name}"))?;
            let name = found.get_bin_name().unwrap_or(name).replace(' ', "-");
            clap_mangen::Man::new(found.name(name)).render(&mut text)?;
        }
    }
    output.out.write_all(&text)?;
    Ok(GOOD)
}
