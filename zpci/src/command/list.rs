// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci list`.

use std::path::PathBuf;

use serde_json::{json, Map, Value};

use super::ReadingOptions;
use crate::input::Input;
use crate::list::{read_blocks, read_sysfs, Column, Listed};
use crate::render::{self, Table};
use crate::{Output, Stop, GOOD, WRONG};

/// Options of `zpci list`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Captured blocks of LIST PCI, QUERY PCI FN and QUERY PCI FNGRP; without any, this system is asked
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Show these columns
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', ignore_case = true)]
    output: Vec<Column>,
    /// Show all that is known of each function below its line
    #[arg(short, long)]
    verbose: bool,
    /// Write JSON, of the schema zpci-list/1
    #[arg(short, long)]
    json: bool,
    /// Where sysfs is
    #[arg(long, value_name = "DIRECTORY", default_value = "/sys", conflicts_with = "files")]
    sysfs: PathBuf,
    #[command(flatten)]
    reading: ReadingOptions,
}

pub(crate) fn run(options: &Options, output: Output<'_>) -> Result<u8, Stop> {
    let mut inputs = Vec::new();
    for name in &options.files {
        inputs.push(Input::read(name, &options.reading.reading())?);
    }
    let (functions, bad) = match inputs.is_empty() {
        true => (read_sysfs(&options.sysfs)?, Vec::new()),
        false => read_blocks(&mut inputs)?,
    };
    if options.json {
        let listed: Vec<Value> = functions.iter().map(function_json).collect();
        let problems: Vec<Value> = bad
            .iter()
            .map(|(index, report)| {
                json!({ "file": options.files.get(*index), "text": report.headline, "report": render::report_json(report) })
            })
            .collect();
        writeln!(output.out, "{:#}", json!({ "schema": "zpci-list/1", "functions": listed, "problems": problems }))?;
    } else {
        write!(output.out, "{}", text(&functions, options))?;
        output.out.flush()?;
        for (index, report) in &bad {
            let name = options.files.get(*index).map_or("", String::as_str);
            writeln!(output.err, "{name}: left out: {}", report.headline)?;
            write!(output.err, "{}", render::problems(report, inputs.get(*index)))?;
        }
    }
    Ok(if bad.is_empty() { GOOD } else { WRONG })
}

fn text(functions: &[Listed], options: &Options) -> String {
    let columns = if options.output.is_empty() { Column::DEFAULT.to_vec() } else { options.output.clone() };
    let mut table = Table::default();
    table.push(columns.iter().map(|column| column.name()).collect());
    for function in functions {
        table.push(columns.iter().map(|column| column.of(function).unwrap_or_else(|| "-".to_owned())).collect());
    }
    let lines = table.lines();
    let mut text = String::new();
    let mut put = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let mut lines = lines.iter();
    lines.next().into_iter().for_each(|line| put(line));
    for (line, function) in lines.zip(functions) {
        put(line);
        if options.verbose {
            let all = <Column as clap::ValueEnum>::value_variants().iter().filter(|column| !columns.contains(column));
            let known = all.filter_map(|column| Some((column.name(), column.of(function)?)));
            known.for_each(|(name, value)| put(&format!("    {:<8} {value}", name.to_lowercase())));
        }
    }
    let has_stars = functions.iter().any(|function| function.uid.is_some() && !function.uid_is_unique);
    if has_stars && columns.contains(&Column::Uid) {
        put("* no unique UID, by what is known");
    }
    text
}

fn function_json(function: &Listed) -> Value {
    let mut object = Map::new();
    for column in <Column as clap::ValueEnum>::value_variants() {
        let value = match column {
            // What people see as a mark is a field of its own.
            Column::Uid => function.uid.map(|uid| format!("{:#06x}", uid.0)),
            Column::Device => function.ids.map(|(vendor, device)| format!("{vendor:04x}:{device:04x}")),
            column => column.of(function),
        };
        object.insert(column.name().to_lowercase(), value.map_or(Value::Null, Value::String));
    }
    object.insert("uid_is_unique".to_owned(), json!(function.uid_is_unique));
    Value::Object(object)
}
