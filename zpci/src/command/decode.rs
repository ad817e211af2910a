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
    let mut blank = "";
    let mut present = |title: Option<&str>, report: &Report, input: Option<&Input>| -> Result<(), Stop> {
        if let Some(title) = title.filter(|_| !options.json) {
            writeln!(output.out, "{blank}{title}")?;
        }
        blank = "\n";
        code = code.max(if report.is_good() { GOOD } else { WRONG });
        show(report, input, options.verbose, options.json, &mut output)
    };
    let is_alone = options.inputs.len() == 1;
    for name in &options.inputs {
        if let Some(kind) = options.kind.filter(|kind| kind.is_number()) {
            present((!is_alone).then_some(name), &decode_number(kind, name)?, None)?;
            continue;
        }
        let mut inputs = Input::read_each(name, &options.reading.reading())?;
        let is_one = is_alone && inputs.len() == 1;
        for input in &mut inputs {
            let report = decode(input, options.kind, options.order.map(Into::into))?;
            present((!is_one).then(|| input.title()).as_deref(), &report, Some(input))?;
        }
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
