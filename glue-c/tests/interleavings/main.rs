// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every interleaving of what the shim does, and every failure of the machine, on small tables.
//!
//! The code is that which a kernel compiles, `kernel/{attach,function,iommu,reclaim,refresh}.c`, and the crates
//! below. `tests/linux/kernel.h` stands in for the kernel and lets another actor run wherever another processor could;
//! [`machine`] keeps all that a machine may keep. What the accesses to single entries may do to each other in any order
//! is tried in `s390-iommu/src/table/concurrency.rs`.
//!
//! `ZPCI_INTERLEAVINGS=N` multiplies the bounds: 1 is what is run with every change.
#![cfg(not(target_os = "none"))]

mod binding;
mod chooser;
mod hooks;
mod machine;
#[expect(dead_code, reason = "the tests of the shim on one thread have more functions")]
#[path = "../host/sample.rs"]
mod sample;
mod scenario;
mod scenarios;
mod world;

use std::time::Instant;

use chooser::Chooser;
use scenarios::scenarios;

/// Runs in all that a scenario may take; one that has more is not exhausted, and says so.
const MOST_RUNS: u64 = 40_000_000;

fn main() {
    // The hooks are C functions on stacks of their own: nothing may unwind through them.
    let thorough = std::env::var("ZPCI_INTERLEAVINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u32);
    let fail_fast = std::env::args().any(|argument| argument == "--fail-fast");
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let (mut total, mut failed, mut passed) = (0_u64, 0, 0);
    let start = Instant::now();
    for scenario in scenarios(thorough) {
        if only.as_ref().is_some_and(|only| !scenario.name.contains(only.as_str())) {
            continue;
        }
        let (mut chooser, mut runs, mut stacks) = (Chooser::default(), 0_u64, Vec::new());
        let began = Instant::now();
        let failure = loop {
            runs += 1;
            if let Err(complaint) = world::run(&scenario, &mut chooser, &mut stacks) {
                break Some(complaint);
            }
            if !chooser.next() {
                break None;
            }
            if runs % 1_000_000 == 0 {
                eprintln!("{}: {runs} runs, {} choices deep", scenario.name, chooser.script().len());
            }
            if runs == MOST_RUNS {
                break Some("not exhausted".into());
            }
        };
        total += runs;
        let preemptions = match scenario.preemptions {
            u32::MAX => "any".to_owned(),
            bound => bound.to_string(),
        };
        let bounds = format!("{} faults, {preemptions} preemptions", scenario.faults);
        let seconds = began.elapsed().as_secs_f64();
        match failure {
            None => {
                passed += 1;
                println!("test {} ... ok ({runs} runs, {bounds}, {seconds:.1} s)", scenario.name);
            }
            Some(complaint) => {
                failed += 1;
                println!("test {} ... FAILED after {runs} runs ({bounds})", scenario.name);
                println!("{complaint}\nscript: {:?}", chooser.script());
                if fail_fast {
                    break;
                }
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("\n{total} runs in {seconds:.1} s");
    println!("test result: {}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in {seconds:.2}s", if failed == 0 { "ok" } else { "FAILED" });
    std::process::exit(i32::from(failed != 0));
}
