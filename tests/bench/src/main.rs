// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Measures the translation tables on a host, beside the stock algorithm and other crates.
//!
//! `cargo xtask bench host` builds it with the kernel's source at hand, and runs it.

mod arena;
mod compare;
mod entrant;
mod instructions;
mod measure;
mod plot;
mod report;
mod result;
mod statistics;
mod subject;
mod workload;

use std::fs;
use std::path::PathBuf;

use anyhow::{ensure, Context, Result};
use clap::Parser;

use result::Run;
use workload::Workload;

#[derive(Debug, Parser)]
enum CommandLine {
    /// Measure, compare, report
    Measure(Options),
    /// What is counted under callgrind
    #[command(hide = true)]
    Count(Choice),
}

#[derive(Debug, clap::Args)]
struct Choice {
    /// Only workloads whose name contains this
    #[arg(long, value_name = "NAME", default_value = "")]
    workload: String,
}

#[derive(Debug, clap::Args)]
struct Options {
    #[command(flatten)]
    choice: Choice,
    /// Samples of each
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// What the stock code is called
    #[arg(long, default_value = "stock")]
    stock: String,
    /// Show minimum and spread of times as well
    #[arg(long)]
    all: bool,
    /// The program to count instructions with
    #[arg(long)]
    valgrind: Option<PathBuf>,
    /// Write all results to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw pictures into a directory
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

impl Choice {
    /// The workloads that are wanted.
    fn workloads(&self) -> Vec<Workload> {
        Workload::all().into_iter().filter(|workload| workload.name.contains(&self.workload)).collect()
    }

    /// Those of them whose instructions are counted.
    fn counted(&self) -> Vec<Workload> {
        self.workloads().into_iter().filter(|workload| !workload.cold).collect()
    }
}

fn main() -> Result<()> {
    let command = CommandLine::parse();
    arena::prepare();
    match command {
        CommandLine::Measure(options) => measure(&options),
        CommandLine::Count(choice) => {
            instructions::work(&mut entrant::all(), &choice.counted());
            Ok(())
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let workloads = options.choice.workloads();
    ensure!(!workloads.is_empty(), "no workload is called \"{}\"", options.choice.workload);
    let mut entrants = entrant::all();
    let mut results = measure::run(&mut entrants, &workloads, options.rounds);
    let translations_compared = compare::translations(&mut entrants, &workloads)?;
    let entries_compared = compare::tables(&workloads)?;
    if let Some(valgrind) = &options.valgrind {
        let choice = &options.choice;
        instructions::count(valgrind, &choice.workload, &entrants, &choice.counted(), &mut results)?;
    }
    let run = Run {
        processor: processor(),
        stock: options.stock.clone(),
        rounds: options.rounds,
        entries_compared,
        translations_compared,
        results,
    };
    report::print(&run, options.all);
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&run)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match &options.plots {
        Some(directory) => plot::write(&run, directory),
        None => Ok(()),
    }
}

/// The model of the processor, as Linux says it.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.to_owned())
}
