// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci walk`.

use std::fmt::Write as _;

use s390_iommu::guest::Rules;
use s390_iommu::{Iota, Iova, IovaRange, Root, FIB};
use serde_json::{json, Value};

use super::{named_notes, ReadingOptions};
use crate::decode::{decode, parse_number, size, Kind};
use crate::input::Input;
use crate::walk::{counts, map, path, picture, short_name, tree, Dump, MapEntry, Memory, Path};
use crate::{Output, Stop, GOOD, WRONG};

/// Options of `zpci walk`.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("root").required(true).args(["iota", "fib"]))]
pub(crate) struct Options {
    /// The dump: an ELF core, raw bytes with --base, or a text of an offset and bytes
    #[arg(value_name = "DUMP")]
    dump: String,
    /// I/O virtual addresses to translate, in hexadecimal
    #[arg(value_name = "IOVA", value_parser = parse_number, conflicts_with_all = ["map", "tree", "svg"])]
    addresses: Vec<u64>,
    /// The I/O translation anchor
    #[arg(long, value_parser = parse_number)]
    iota: Option<u64>,
    /// A file with the FIB of the function: anchor and aperture
    #[arg(long, value_name = "FILE")]
    fib: Option<String>,
    /// Absolute address of the first byte of a raw dump
    #[arg(long, value_name = "ADDRESS", value_parser = parse_number)]
    base: Option<u64>,
    /// Show everything that is mapped
    #[arg(long)]
    map: bool,
    /// Show the tables
    #[arg(long, conflicts_with = "map")]
    tree: bool,
    /// Write a picture of the tables, as SVG
    #[arg(long, conflicts_with_all = ["map", "tree"])]
    svg: bool,
    /// Whose walk
    #[arg(long, value_enum, default_value_t = Machine::Hardware)]
    machine: Machine,
    /// Most entries of a map, or tables of a tree, that are read; by default 2^32 entries, or 2^18 tables
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// Write JSON, of the schema zpci-walk/1
    #[arg(short, long, conflicts_with = "svg")]
    json: bool,
    #[command(flatten)]
    reading: ReadingOptions,
}

/// Whose walk it is; they differ in what is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Machine {
    /// What Linux expects of hardware
    Hardware,
    /// QEMU 10.0.2, as measured
    Qemu,
}

/// Most tables in a picture.
const MOST_IN_PICTURE: usize = 400;

/// Most tables in a tree, which is kept in memory: those of 256 GiB in frames of 4 KiB.
const MOST_IN_TREE: u64 = 1 << 18;

/// Most entries that are read for a map.
const MOST_IN_MAP: u64 = 1 << 32;

/// Most ranges in an object, which is kept in memory.
const MOST_IN_OBJECT: usize = 1 << 20;

pub(crate) fn run(options: &Options, mut output: Output<'_>) -> Result<u8, Stop> {
    let Anchor { iota, aperture, mut notes } = anchor(options)?;
    let iota = Iota::from_bits(iota);
    let rules = match options.machine {
        Machine::Hardware => Rules::HARDWARE,
        Machine::Qemu => Rules::QEMU,
    };
    let root = Root::ALL.into_iter().find(|root| root.designation_type() == iota.designation_type());
    let root = root.filter(|_| iota.translation()).ok_or_else(|| {
        format!("the anchor {:#x} designates no table: zpci decode --as iota says why", iota.into_bits())
    })?;
    let dump = Dump::open(&options.dump, &options.reading.reading())?;
    let memory = dump.memory(options.base)?;
    notes.extend(dump.text().into_iter().flat_map(named_notes));
    if !options.json {
        for note in &notes {
            writeln!(output.err, "note: {note}")?;
        }
    }
    let wanted = Wanted { iota, rules, root, aperture, memory: &memory, notes: &notes };
    if options.map {
        return show_map(options, &wanted, &mut output);
    }
    if options.tree || options.svg {
        return show_tree(options, &wanted, &mut output);
    }
    if options.addresses.is_empty() {
        return Err(Stop::Unreadable("an address is wanted, or --map, --tree or --svg".to_owned()));
    }
    show_paths(options, &wanted, &mut output)
}

/// What is walked.
struct Wanted<'a> {
    iota: Iota,
    rules: Rules,
    root: Root,
    aperture: Option<IovaRange>,
    memory: &'a Memory<'a>,
    notes: &'a [String],
}

impl Wanted<'_> {
    /// What all JSON of a walk starts with.
    fn json(&self) -> Value {
        let mut object = json!({ "schema": "zpci-walk/1", "iota": hex(self.iota.into_bits()) });
        if !self.notes.is_empty() {
            object["notes"] = json!(self.notes);
        }
        object
    }
}

/// Where a walk starts.
struct Anchor {
    iota: u64,
    /// That of the FIB, if there is one.
    aperture: Option<IovaRange>,
    /// What was done with the text of the FIB.
    notes: Vec<String>,
}

fn anchor(options: &Options) -> Result<Anchor, Stop> {
    if let Some(iota) = options.iota {
        return Ok(Anchor { iota, aperture: None, notes: Vec::new() });
    }
    let name = options.fib.as_deref().unwrap_or_default();
    let mut input = Input::read(name, &ReadingOptions::default().reading())?;
    let report = decode(&mut input, Some(Kind::Fib), None)?;
    let number = |field: &str| {
        let name = FIB.field(field).map_or("", |field| field.shown_name());
        report.value("fib", name).and_then(|text| parse_number(text).ok()).unwrap_or(0)
    };
    if let Some(problem) = report.problems.iter().find(|problem| problem.field == "iota" || problem.field == "length") {
        return Err(Stop::Unreadable(format!("{name}: {}", problem.text)));
    }
    let iota = number("iota");
    if iota == 0 {
        return Err(Stop::Unreadable(format!("{name}: no translation is registered in this FIB")));
    }
    // QEMU rounds both to pages (measured).
    let (first, last) = (number("first") & !0xfff, number("last") | 0xfff);
    let aperture = IovaRange::new(Iova::new(first), Iova::new(last)).ok();
    Ok(Anchor { iota, aperture, notes: named_notes(&input).collect() })
}

fn show_paths(options: &Options, wanted: &Wanted<'_>, output: &mut Output<'_>) -> Result<u8, Stop> {
    let mut code = GOOD;
    let mut found = Vec::new();
    for (index, iova) in options.addresses.iter().enumerate() {
        let iova = Iova::new(*iova);
        let is_outside = wanted.aperture.is_some_and(|aperture| !aperture.contains_iova(iova));
        let path =
            path(wanted.memory, wanted.iota, wanted.rules, iova).ok_or("the anchor designates no table".to_owned())?;
        if is_outside || !matches!(path.end, Ok(Some(_))) {
            code = WRONG;
        }
        match options.json {
            true => found.push(path_json(&path, is_outside)),
            false => {
                let blank = if index > 0 { "\n" } else { "" };
                write!(output.out, "{blank}{}", path_text(&path, is_outside, wanted))?;
            }
        }
    }
    if options.json {
        let mut value = wanted.json();
        value["addresses"] = json!(found);
        writeln!(output.out, "{value:#}")?;
    }
    Ok(code)
}

fn hex(value: u64) -> String {
    format!("{value:#x}")
}

fn path_text(path: &Path, is_outside: bool, wanted: &Wanted<'_>) -> String {
    let mut text = String::new();
    for step in &path.steps {
        let entry = step.entry.map_or_else(|| "-".repeat(18), |entry| format!("{entry:#018x}"));
        let _ = writeln!(
            text,
            " {:<13} {:#x} [{:#05x}] {entry}  {}",
            short_name(step.table_type),
            step.origin,
            step.index,
            step.text()
        );
    }
    let _ = match path.end {
        Ok(Some((absolute, protection))) => writeln!(text, " {} -> {absolute} {protection}", path.iova),
        Ok(None) if path.iova > wanted.root.last() => {
            writeln!(text, " {} -> beyond what a {} translates", path.iova, wanted.root.table_type())
        }
        Ok(None) => writeln!(text, " {} -> not mapped", path.iova),
        Err(error) => writeln!(text, " {} -> error: {error}", path.iova),
    };
    if let Some(aperture) = wanted.aperture.filter(|_| is_outside) {
        let _ = writeln!(text, " {} is outside of the aperture {aperture}: the device gets event 0x2", path.iova);
    }
    text
}

fn path_json(path: &Path, is_outside: bool) -> Value {
    let steps: Vec<Value> = path
        .steps
        .iter()
        .map(|step| {
            json!({
                "table": short_name(step.table_type),
                "origin": hex(step.origin),
                "index": step.index,
                "entry": step.entry.map(hex),
                "text": step.text(),
            })
        })
        .collect();
    let (absolute, protection, error) = match path.end {
        Ok(Some((absolute, protection))) => (Some(hex(absolute.get())), Some(protection.to_string()), None),
        Ok(None) => (None, None, None),
        Err(error) => (None, None, Some(error.to_string())),
    };
    json!({
        "iova": hex(path.iova.get()),
        "in_aperture": !is_outside,
        "steps": steps,
        "absolute": absolute,
        "protection": protection,
        "error": error,
    })
}

fn show_map(options: &Options, wanted: &Wanted<'_>, output: &mut Output<'_>) -> Result<u8, Stop> {
    let range = wanted.aperture.unwrap_or(IovaRange::ALL);
    let (mut runs, mut bytes, mut wrong) = (0u64, 0u64, 0u64);
    let mut listed = Vec::new();
    let out = &mut *output.out;
    let reads = map(wanted.memory, wanted.iota, wanted.rules, range, options.limit.unwrap_or(MOST_IN_MAP), |entry| {
        if listed.len() >= MOST_IN_OBJECT {
            return Err(Stop::Unreadable(format!(
                "more than {MOST_IN_OBJECT} ranges: too many for one object; without --json they are written as they are found"
            )));
        }
        let line = match entry {
            MapEntry::Mapped { range, absolute, protection } => {
                runs += 1;
                bytes = bytes.saturating_add(range.size_less_one()).saturating_add(1);
                if options.json {
                    listed.push(json!({
                        "start": hex(range.start().get()),
                        "last": hex(range.last().get()),
                        "absolute": hex(absolute.get()),
                        "protection": protection.to_string(),
                    }));
                }
                let size = size(range.size_less_one().saturating_add(1));
                format!(" {range}  ->  {absolute}  {protection}  {size}")
            }
            MapEntry::Wrong { range, error, count } => {
                wrong += 1;
                if options.json {
                    listed.push(json!({
                        "start": hex(range.start().get()),
                        "last": hex(range.last().get()),
                        "error": error.to_string(),
                        "entries": count,
                    }));
                }
                let more = if count > 1 { format!(", and {} entries behind it", count - 1) } else { String::new() };
                format!("!{range}  ->  {error}{more}")
            }
        };
        if !options.json {
            writeln!(out, "{line}")?;
        }
        Ok::<(), Stop>(())
    })?;
    let reads = reads.unwrap_or(0);
    if options.json {
        let mut value = wanted.json();
        value["range"] = json!({ "start": hex(range.start().get()), "last": hex(range.last().get()) });
        value["map"] = json!(listed);
        value["mapped_bytes"] = json!(hex(bytes));
        value["entries_read"] = json!(reads);
        writeln!(output.out, "{value:#}")?;
    } else {
        let plural = if runs == 1 { "" } else { "s" };
        let errors = if wrong > 0 { format!(", {wrong} wrong") } else { String::new() };
        writeln!(output.out, "{runs} range{plural}, {} mapped{errors}; {reads} entries read", size(bytes))?;
    }
    Ok(if wrong > 0 { WRONG } else { GOOD })
}

fn show_tree(options: &Options, wanted: &Wanted<'_>, output: &mut Output<'_>) -> Result<u8, Stop> {
    let most = match options.svg {
        true => MOST_IN_PICTURE,
        false => usize::try_from(options.limit.unwrap_or(MOST_IN_TREE)).unwrap_or(usize::MAX),
    };
    let node =
        tree(wanted.memory, wanted.root.table_type(), wanted.iota.origin(), most).ok_or_else(|| match options.svg {
            true => {
                format!("more than {most} tables: too many for a picture; --map shows what they map, --tree lists them")
            }
            false => format!("more than {most} tables; --limit takes more"),
        })?;
    let (mut tables, mut frames, mut wrong) = (0, 0, 0);
    node.each(0, &mut |_, node| {
        tables += 1;
        frames += node.frames;
        wrong += node.wrong + node.missing;
    });
    let title = format!("IOTA {:#x}: {tables} tables, {frames} frames", wanted.iota.into_bits());
    if options.svg {
        write!(output.out, "{}", picture(&node, &title))?;
    } else if options.json {
        let mut value = wanted.json();
        value["tree"] = node_json(&node);
        writeln!(output.out, "{value:#}")?;
    } else {
        let mut text = String::new();
        node.each(0, &mut |depth, node| {
            let place = if depth == 0 { String::new() } else { format!("[{:#05x}] ", node.index) };
            let indent = "  ".repeat(depth);
            let name = short_name(node.table_type);
            let mark = if node.wrong + node.missing > 0 { '!' } else { ' ' };
            let (origin, first) = (node.origin, node.first);
            let _ =
                writeln!(text, "{mark}{indent}{place}{name} table {origin:#x}, from IOVA {first:#x}: {}", counts(node));
        });
        let ranges: Vec<String> =
            wanted.memory.ranges().map(|(first, last)| format!("{first:#x}..={last:#x}")).collect();
        write!(output.out, "{title}\n{text}")?;
        writeln!(
            output.out,
            "dump: {}, {} of storage, {}",
            wanted.memory.form,
            size(wanted.memory.size()),
            ranges.join(" ")
        )?;
    }
    Ok(if wrong > 0 { WRONG } else { GOOD })
}

fn node_json(node: &crate::walk::Node) -> Value {
    json!({
        "table": short_name(node.table_type),
        "origin": hex(node.origin),
        "index": node.index,
        "first_iova": hex(node.first),
        "valid": node.valid,
        "wrong": node.wrong,
        "missing": node.missing,
        "frames": node.frames,
        "tables": node.children.iter().map(node_json).collect::<Vec<_>>(),
    })
}
