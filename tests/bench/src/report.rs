// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The results for people.

use comfy_table::{presets, CellAlignment, Table};

use crate::result::{Measured, Operation, Run};

/// Prints a table for each operation: subjects downwards, workloads to the right.
pub(crate) fn print(run: &Run) {
    println!("{}; {} rounds, everybody in turn; stock: {}", run.processor, run.rounds, run.stock);
    println!("Each cell: median; minimum and median distance from the median; instructions, where counted.");
    for operation in Operation::ALL {
        println!("\n{}", operation.title());
        println!("{}", table(run, operation));
    }
    println!(
        "\nOur tables and those of stock: {} entries compared, all the same. Translations of everybody: {} compared, all right.",
        run.entries_compared, run.translations_compared
    );
    println!("\nTimes of stock, 3 levels, over ours:");
    for operation in Operation::ALL {
        let ratios: Vec<String> = workloads(run, operation)
            .into_iter()
            .filter_map(|workload| {
                let median = |subject: &str| Some(find(run, subject, workload, operation)?.nanoseconds.median);
                Some(format!("{workload} {:.1}", median("stock, 3 levels")? / median("ours, 3 levels")?))
            })
            .collect();
        println!("  {}: {}", operation.title().split(',').next().unwrap_or_default(), ratios.join(", "));
    }
}

fn table(run: &Run, operation: Operation) -> Table {
    let workloads = workloads(run, operation);
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(
        std::iter::once(String::new())
            .chain(workloads.iter().map(|name| name.replacen(' ', "\n", 1).replace(", ", ",\n"))),
    );
    for subject in unique(run.results.iter().filter(|found| found.operation == operation).map(|found| &*found.subject))
    {
        let cells =
            workloads.iter().map(|workload| find(run, subject, workload, operation).map(cell).unwrap_or_default());
        table.add_row(std::iter::once(subject.to_owned()).chain(cells));
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn cell(found: &Measured) -> String {
    let time = found.nanoseconds;
    let instructions = found.instructions.map(|count| format!("\n{count:.1} instr.")).unwrap_or_default();
    let digits = if time.median < 100.0 { 2 } else { 0 };
    format!("{:.digits$}\n{:.digits$} ±{:.digits$}{instructions}", time.median, time.minimum, time.spread)
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
