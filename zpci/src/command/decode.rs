// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci decode`.

use super::{Endian, ReadingOptions};
use crate::decode::{decode, decode_number, Kind};
use crate::input::Input;
use crate::report::Report;
use crate::{render, Output, Stop, GOOD, WRONG};

/// Options of `zpci decode`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Files, `-` for standard input; with --as of a number, numbers
    #[arg(value_name = "FILE|NUMBER", required = true)]
    inputs: Vec<String>,
    /// What the input is; by default, what it looks like
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Kind>,
    /// The order of bytes of a VFIO structure; by default, the one in which it makes sense
    #[arg(long, value_name = "ORDER")]
    order: Option<Endian>,
    /// Show every field, reserved ones too, and what each means
    #[arg(short, long)]
    verbose: bool,
    /// Write JSON, of the schema zpci-decode/1
    #[arg(short, long)]
    json: bool,
    #[command(flatten)]
    reading: ReadingOptions,
}

pub(crate) fn run(options: &Options, mut output: Output<'_>) -> Result<u8, Stop> {
    let mut code = GOOD;
    for (index, name) in options.inputs.iter().enumerate() {
        let (report, input) = match options.kind.filter(|kind| kind.is_number()) {
            Some(kind) => (decode_number(kind, name)?, None),
            None => {
                let mut input = Input::read(name, &options.reading.reading())?;
                let report = decode(&mut input, options.kind, options.order.map(Into::into))?;
                (report, Some(input))
            }
        };
        if options.inputs.len() > 1 && !options.json {
            let blank = if index > 0 { "\n" } else { "" };
            writeln!(output.out, "{blank}{name}")?;
        }
        show(&report, input.as_ref(), options.verbose, options.json, &mut output)?;
        code = code.max(if report.is_good() { GOOD } else { WRONG });
    }
    Ok(code)
}

/// Writes a report.
pub(crate) fn show(
    report: &Report,
    input: Option<&Input>,
    is_verbose: bool,
    is_json: bool,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    if is_json {
        writeln!(output.out, "{:#}", render::report_json(report))?;
        return Ok(());
    }
    write!(output.out, "{}", render::report_text(report, is_verbose))?;
    output.out.flush()?;
    write!(output.err, "{}", render::problems(report, input))?;
    Ok(())
}
