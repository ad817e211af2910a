// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci fields`.

use clp::field::{Field, Kind, Layout, Rule, Word};
use s390_iommu::{vfio, WORDS};

use crate::render::Table;
use crate::{Output, Stop, GOOD};

/// Options of `zpci fields`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Structures, by their names; without any, the names
    #[arg(value_name = "STRUCTURE")]
    names: Vec<String>,
}

pub(crate) fn run(options: &Options, output: Output<'_>) -> Result<u8, Stop> {
    if options.names.is_empty() {
        let mut table = Table::default();
        table.push(["STRUCTURE", "BYTES", "LINUX"].map(str::to_owned).to_vec());
        for layout in layouts() {
            let linux = layout.linux_name.unwrap_or("-").to_owned();
            table.push(vec![slug(layout.title), layout.size.to_string(), linux]);
        }
        for word in WORDS {
            table.push(vec![slug(word.title), (word.width / 8).to_string(), "-".to_owned()]);
        }
        return write(&table, output);
    }
    for (index, name) in options.names.iter().enumerate() {
        let mut table = Table::default();
        table.push(["OFFSET", "LENGTH", "FIELD", "LINUX", "MUST BE", "MEANING"].map(str::to_owned).to_vec());
        if let Some(layout) = layouts().find(|layout| slug(layout.title) == *name) {
            layout.fields.iter().for_each(|field| push_field(&mut table, field));
        } else if let Some(word) = WORDS.iter().find(|word| slug(word.title) == *name) {
            push_parts(&mut table, word);
        } else {
            return Err(Stop::Unreadable(format!("there is no structure {name}; zpci fields names them")));
        }
        if index > 0 {
            writeln!(output.out)?;
        }
        table.lines().iter().try_for_each(|line| writeln!(output.out, "{line}"))?;
    }
    Ok(GOOD)
}

fn write(table: &Table, output: Output<'_>) -> Result<u8, Stop> {
    table.lines().iter().try_for_each(|line| writeln!(output.out, "{line}"))?;
    Ok(GOOD)
}

/// Every structure with a table.
fn layouts() -> impl Iterator<Item = &'static Layout> {
    clp::wire::LAYOUTS.iter().chain(&s390_iommu::LAYOUTS).chain(&vfio::LAYOUTS).copied()
}

/// A title as a word for the command line.
fn slug(title: &str) -> String {
    title.to_lowercase().replace([' ', '_', '/'], "-")
}

fn push_field(table: &mut Table, field: &Field) {
    let name = match field.elements {
        1 => field.name.to_owned(),
        count => format!("{}[{count}]", field.name),
    };
    let meaning = match field.kind {
        Kind::Structure(layout) => format!("{}: {}", field.meaning, slug(layout.title)),
        _ => field.meaning.to_owned(),
    };
    table.push(vec![
        format!("{:#06x}", field.offset),
        field.length.to_string(),
        name,
        field.linux_name.unwrap_or("-").to_owned(),
        rule(field.rule),
        meaning,
    ]);
    if let Some(word) = field.word {
        push_parts(table, word);
    }
}

/// Bits, counted from the most significant.
fn push_parts(table: &mut Table, word: &Word) {
    for part in word.parts {
        let bits = match part.first == part.last {
            true => format!("bit {}", part.first),
            false => format!("bits {}-{}", part.first, part.last),
        };
        table.push(vec![
            String::new(),
            bits,
            part.name.to_owned(),
            part.linux_name.unwrap_or("-").to_owned(),
            rule(part.rule),
            part.meaning.to_owned(),
        ]);
    }
}

fn rule(rule: Rule) -> String {
    match rule {
        Rule::Any => "-".to_owned(),
        rule => rule.to_string(),
    }
}
