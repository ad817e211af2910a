// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The results for people.

use comfy_table::{presets, CellAlignment, Table};

use crate::result::{Measured, Operation, Run};

/// What a cell shows of a measurement; nothing where there is nothing to show.
type Cell = fn(&Measured) -> Option<String>;

/// Prints a table for each operation: subjects downwards, workloads to the right; if `all`, with minimum and spread.
pub(crate) fn print(run: &Run, all: bool) {
    println!("{}; {} rounds, everybody in turn; stock: {}", run.processor, run.rounds, run.stock);
    let time: Cell = if all { times } else { median };
    if all {
        println!("Times: median; minimum, and median distance from the median.");
    } else {
        println!("Times are medians.");
    }
    for operation in Operation::ALL {
        print_table(run, operation, operation.times(), time);
    }
    for operation in Operation::COUNTED {
        print_table(run, operation, operation.instructions(), instructions);
    }
    println!("\nTimes of stock over ours, each with 3 levels:");
    for operation in Operation::ALL {
        let ratios: Vec<String> = workloads(run, operation)
            .into_iter()
            .filter_map(|workload| {
                let median = |subject: &str| Some(find(run, subject, workload, operation)?.nanoseconds.median);
                Some(format!("{workload} {:.1}", median("stock, 3 levels")? / median("ours, 3 levels")?))
            })
            .collect();
        if !ratios.is_empty() {
            println!("  {}: {}", operation.name(), ratios.join("; "));
        }
    }
    println!(
        "\nCompared: {} entries of our tables with those of stock, and {} translations of everybody; all the same.",
        run.entries_compared, run.translations_compared
    );
}

fn print_table(run: &Run, operation: Operation, title: &str, cell: Cell) {
    let workloads = workloads(run, operation);
    let subjects = unique(run.results.iter().filter(|found| found.operation == operation).map(|found| &*found.subject));
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    let headings =
        workloads.iter().map(|name| name.replacen(' ', "\n", 1).replace(", ", ",\n").replace(" tables", "\ntables"));
    table.set_header(std::iter::once(String::new()).chain(headings));
    let mut empty = true;
    for subject in subjects {
        let cells: Vec<Option<String>> =
            workloads.iter().map(|workload| find(run, subject, workload, operation).and_then(cell)).collect();
        empty &= cells.iter().all(Option::is_none);
        table.add_row(std::iter::once(subject.to_owned()).chain(cells.into_iter().map(Option::unwrap_or_default)));
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    if !empty {
        println!("\n{title}\n{table}");
    }
}

fn median(found: &Measured) -> Option<String> {
    let median = found.nanoseconds.median;
    Some(format!("{median:.*}", digits(median)))
}

fn times(found: &Measured) -> Option<String> {
    let time = found.nanoseconds;
    let digits = digits(time.median);
    Some(format!("{:.digits$}\n{:.digits$} ±{:.digits$}", time.median, time.minimum, time.spread))
}

fn instructions(found: &Measured) -> Option<String> {
    found.instructions.map(|count| format!("{count:.1}"))
}

fn digits(nanoseconds: f64) -> usize {
    if nanoseconds < 100.0 {
        2
    } else {
        0
    }
}

fn find<'r>(run: &'r Run, subject: &str, workload: &str, operation: Operation) -> Option<&'r Measured> {
    let is = |found: &&Measured| found.subject == subject && found.workload == workload && found.operation == operation;
    run.results.iter().find(is)
}

fn workloads(run: &Run, operation: Operation) -> Vec<&str> {
    unique(run.results.iter().filter(|found| found.operation == operation).map(|found| &*found.workload))
}

fn unique<'r>(names: impl Iterator<Item = &'r str>) -> Vec<&'r str> {
    let mut unique = Vec::new();
    names.for_each(|name| {
        if !unique.contains(&name) {
            unique.push(name);
        }
    });
    unique
}
