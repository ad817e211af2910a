// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Time: samples of everybody in turn, again and again.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::entrant::{Entrant, Sample};
use crate::result::{Measured, Operation};
use crate::statistics::Summary;
use crate::workload::Workload;

/// Passes that make one sample, for work that is short.
const PASSES: u32 = 4;

/// Measures every workload with every entrant, `rounds` times.
pub(crate) fn run(entrants: &mut [Box<dyn Entrant>], workloads: &[Workload], rounds: usize) -> Vec<Measured> {
    let clock = clock();
    let bar = ProgressBar::new((workloads.len() * rounds) as u64);
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} rounds, {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix("Measuring time");
    let mut results = Vec::new();
    for workload in workloads {
        bar.set_message(workload.name.clone());
        if bar.is_hidden() {
            eprintln!("Measuring time: {} ...", workload.name);
        }
        let mut samples = vec![Vec::with_capacity(rounds); entrants.len()];
        for entrant in entrants.iter_mut() {
            // Makes the tables.
            entrant.sample(workload);
        }
        for _ in 0..rounds {
            for (entrant, samples) in entrants.iter_mut().zip(&mut samples) {
                samples.push(sample(entrant.as_mut(), workload));
            }
            bar.inc(1);
        }
        for (entrant, samples) in entrants.iter().zip(&samples) {
            results.extend(Operation::ALL.into_iter().filter_map(|operation| {
                let time = |sample: &Sample| match operation {
                    Operation::Map => sample.map,
                    Operation::Unmap => sample.unmap,
                    Operation::Translate => sample.translate,
                    Operation::Free => sample.free,
                };
                let count = match operation {
                    Operation::Map | Operation::Unmap => workload.total_pages(),
                    Operation::Translate => workload.translate.len() as u64,
                    Operation::Free => 1,
                };
                let nanoseconds: Vec<f64> = samples
                    .iter()
                    .map(time)
                    .filter(|time| !time.is_zero() && count != 0)
                    .map(|time| time.saturating_sub(clock).as_nanos() as f64 / count as f64)
                    .collect();
                Some(Measured {
                    subject: entrant.name().into(),
                    workload: workload.name.clone(),
                    pages: workload.pages,
                    operation,
                    nanoseconds: Summary::of(&nanoseconds)?,
                    instructions: None,
                })
            }));
        }
    }
    bar.finish_and_clear();
    results
}

/// One sample: the mean of a few passes where one is short, the first of them to bring the tables near.
fn sample(entrant: &mut dyn Entrant, workload: &Workload) -> Sample {
    if workload.cold || workload.total_pages() > 1 << 16 {
        return entrant.sample(workload);
    }
    entrant.sample(workload);
    let mut sum = Sample::default();
    for _ in 0..PASSES {
        let sample = entrant.sample(workload);
        sum.map += sample.map;
        sum.unmap += sample.unmap;
        sum.translate += sample.translate;
    }
    Sample { map: sum.map / PASSES, unmap: sum.unmap / PASSES, translate: sum.translate / PASSES, free: Duration::ZERO }
}

/// What reading the clock twice takes.
fn clock() -> Duration {
    let read = || {
        let started = Instant::now();
        started.elapsed()
    };
    (0..1000).map(|_| read()).min().unwrap_or_default()
}
