// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci list`.

#[cfg(target_os = "linux")]
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{json, Map, Value};

use super::{blocks, live, named_notes, ReadingOptions};
use crate::input::Input;
use crate::list::{read_blocks, read_sysfs, Column, Listed};
#[cfg(target_os = "linux")]
use crate::list::{read_live, ClpDevice};
use crate::render::{self, Table};
use crate::report::Report;
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
    /// Write JSON, of the schema zpci-list/1; of blocks zpci-blocks/1
    #[arg(short, long)]
    pub(super) json: bool,
    /// Write the blocks themselves, each request with its response, as a text that zpci reads, also where they make no sense
    #[arg(long, conflicts_with_all = ["output", "verbose"])]
    blocks: bool,
    /// Replace what identifies the machine in these blocks, each value by the same everywhere: FID, FH, UID, PCHID, TID,
    /// internal path, utility string, resume token; RID and fidparm stay
    #[arg(long, requires = "blocks")]
    pub(super) mask: bool,
    /// Where sysfs is; with one of another system, that system is not asked by CLP
    #[arg(long, value_name = "DIRECTORY", default_value = SYSFS, conflicts_with = "files")]
    pub(super) sysfs: PathBuf,
    /// The device by which Linux lets CLP be asked; /dev/clp by default
    #[arg(long, value_name = "DEVICE", conflicts_with = "files")]
    pub(super) clp: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingOptions,
}

const SYSFS: &str = "/sys";
#[cfg(target_os = "linux")]
const CLP: &str = "/dev/clp";

impl Options {
    /// Whether sysfs is that of this system.
    pub(super) fn is_here(&self) -> bool {
        self.sysfs == Path::new(SYSFS)
    }

    /// The device that is asked.
    #[cfg(target_os = "linux")]
    pub(super) fn device(&self) -> &Path {
        self.clp.as_deref().unwrap_or(Path::new(CLP))
    }
}

/// Why the device at `path` cannot be opened, and what may help.
#[cfg(target_os = "linux")]
pub(super) fn why_closed(path: &Path, error: &std::io::Error) -> String {
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => ": root may ask",
        ErrorKind::NotFound => ": has the kernel PCI, and is devtmpfs mounted?",
        _ => "",
    };
    format!("{}: {error}{hint}", path.display())
}

/// What is listed, and what of it is not.
#[derive(Debug, Default)]
struct Found {
    functions: Vec<Listed>,
    /// What was refused: a name and a line; of a block, its place and its report too.
    troubles: Vec<Trouble>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Trouble {
    text: String,
    block: Option<(usize, Report)>,
}

pub(crate) fn run(options: &Options, output: Output<'_>) -> Result<u8, Stop> {
    let mut inputs = Vec::new();
    for name in &options.files {
        inputs.extend(Input::read_each(name, &options.reading.reading())?);
    }
    if options.blocks {
        return blocks::run(options, inputs, output);
    }
    let found = if inputs.is_empty() { of_this_system(options)? } else { captured(&mut inputs)? };
    if options.json {
        let listed: Vec<Value> = found.functions.iter().map(function_json).collect();
        let problems: Vec<Value> = found.troubles.iter().map(|trouble| trouble_json(trouble, &inputs)).collect();
        let mut object = json!({ "schema": "zpci-list/1", "functions": listed, "problems": problems });
        if !found.notes.is_empty() {
            object["notes"] = json!(found.notes);
        }
        writeln!(output.out, "{object:#}")?;
    } else {
        write!(output.out, "{}", text(&found.functions, options))?;
        output.out.flush()?;
        for note in &found.notes {
            writeln!(output.err, "note: {note}")?;
        }
        for trouble in &found.troubles {
            let input = trouble.block.as_ref().and_then(|(index, _)| inputs.get(*index));
            let name = input.map_or(String::new(), |input| format!("{}: ", input.title()));
            writeln!(output.err, "{name}left out: {}", trouble.text)?;
            if let Some((index, report)) = &trouble.block {
                write!(output.err, "{}", render::problems(report, inputs.get(*index)))?;
            }
        }
    }
    Ok(if found.troubles.is_empty() { GOOD } else { WRONG })
}

fn captured(inputs: &mut [Input]) -> Result<Found, String> {
    let (functions, bad) = read_blocks(inputs)?;
    let trouble =
        |(index, report): (usize, Report)| Trouble { text: report.headline.clone(), block: Some((index, report)) };
    let notes = inputs.iter().flat_map(named_notes).collect();
    Ok(Found { functions, troubles: bad.into_iter().map(trouble).collect(), notes })
}

/// What the running system says: by CLP where it may be asked, and by sysfs otherwise.
fn of_this_system(options: &Options) -> Result<Found, String> {
    let is_here = options.is_here();
    if is_here && options.clp.is_none() {
        live::check("zpci list without files", "captured blocks of LIST PCI and QUERY PCI FN: zpci list FILE...")?;
    }
    let sysfs = read_sysfs(&options.sysfs);
    #[cfg(target_os = "linux")]
    if is_here || options.clp.is_some() {
        let path = options.device();
        match ClpDevice::open(path) {
            Ok(device) => {
                let (functions, troubles) =
                    read_live(&device, sysfs.as_deref().unwrap_or_default()).map_err(|error| {
                        // The list alone ends so; one that the system refuses has no condition code.
                        let refusal = device.refusal().map(|refusal| format!("LIST PCI: not executed: {refusal}"));
                        format!("{}: {}", path.display(), refusal.unwrap_or(error))
                    })?;
                let troubles = troubles.into_iter().map(|text| Trouble { text, block: None }).collect();
                return Ok(Found { functions, troubles, notes: Vec::new() });
            }
            Err(error) if options.clp.is_some() => return Err(format!("{}: {error}", path.display())),
            Err(error) => {
                let why = why_closed(path, &error);
                let functions = sysfs.map_err(|other| format!("{why}; {other}"))?;
                let notes = vec![format!("{why}; of sysfs alone, which has no windows, BARs and values of groups")];
                return Ok(Found { functions, notes, ..Found::default() });
            }
        }
    }
    Ok(Found { functions: sysfs?, ..Found::default() })
}

fn trouble_json(trouble: &Trouble, inputs: &[Input]) -> Value {
    let mut object = json!({ "file": null, "text": trouble.text });
    if let Some((index, report)) = &trouble.block {
        let input = inputs.get(*index);
        object["file"] = json!(input.map(|input| &input.name));
        if let Some(line) = input.and_then(|input| input.line) {
            object["line"] = json!(line);
        }
        object["report"] = render::report_json(report);
    }
    object
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
