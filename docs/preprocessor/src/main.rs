// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A preprocessor of mdBook: what stands in the sources is not written down in the book again.
//!
//! | in a chapter | becomes |
//! |---|---|
//! | `{{#structure LIST PCI entry}}` | the table of its fields, of [`clp::field::Layout`] |
//! | `{{#bits segment entry}}` | the table of its bits, of [`clp::field::Word`] |
//! | `{{#codes response}}` | the codes that have a name |
//! | `{{#file CONTRIBUTING.md}}` | the file, without the line of its licence |
//! | `{{#picture tables}}` | the picture, as SVG in the page |
//! | a link to a file of the repository | one to a page with the file, which `cargo xtask book` makes |
//! | a link to `doc:clp/struct.Client.html` | one to the documentation of the crates beside the book |
//!
//! A structure that is in no chapter, or in two, is an error, and so is a file that is no chapter: so the reference has all
//! of them.

mod chapter;
mod codes;
mod field;
mod link;
mod picture;
mod svg;

use std::io::{stdin, stdout, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{ensure, Context, Result};
use serde_json::Value;

use chapter::Chapters;

fn main() -> ExitCode {
    // mdBook asks which forms of output the preprocessor is for: any.
    if std::env::args().nth(1).as_deref() == Some("supports") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the book from the standard input, and writes it to the standard output.
fn run() -> Result<()> {
    let input: Value = serde_json::from_reader(stdin()).context("standard input is no book of mdBook")?;
    let [context, mut book] = <[Value; 2]>::try_from(as_array(input)).ok().context("a book has two parts")?;
    let root = context.get("root").and_then(Value::as_str).context("mdBook does not say where the book is")?;
    let repository = Path::new(root).parent().context("the book is in no repository")?;
    let mut chapters = Chapters::new(repository);
    chapters.process(&mut book)?;
    let left_out = chapters.left_out();
    ensure!(left_out.is_empty(), "in no chapter: {}", left_out.join(", "));
    let without_place = chapters.without_place(&Path::new(root).join("src"))?;
    ensure!(without_place.is_empty(), "not in SUMMARY.md: {}", without_place.join(", "));
    let mut output = stdout().lock();
    serde_json::to_writer(&mut output, &book)?;
    output.flush().context("cannot write the book")
}

fn as_array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(parts) => parts,
        _ => Vec::new(),
    }
}
