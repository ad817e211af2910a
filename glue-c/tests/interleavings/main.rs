// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every interleaving of what the shim does, and every failure of the machine, on small tables.
//!
//! The code is that which a kernel compiles, `kernel/{attach,clp,function,iommu,reclaim,refresh,registration}.c`, and the crates
//! below. `tests/linux/kernel.h` stands in for the kernel and lets another actor run wherever another processor could;
//! [`machine`] keeps all that a machine may keep. What the accesses to single entries may do to each other in any order
//! is tried in `s390-iommu/src/table/concurrency.rs`.
//!
//! What stands in for the kernel is C with state of its own, so each scenario has a process to itself: as many at a time as
//! there are processors, and one that crashes takes no other with it.
//!
//! `ZPCI_INTERLEAVINGS=N` raises the bounds: 1 is what is run with every change; from 2 on, `LONG_PAIRS` have none without a failure.
#![cfg(not(target_os = "none"))]

mod binding;
mod chooser;
mod event;
mod explore;
mod hooks;
mod machine;
#[expect(dead_code, reason = "the tests of the shim on one thread have more functions")]
#[path = "../host/sample.rs"]
mod sample;
mod scenario;
mod scenarios;
mod world;

use std::env;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use explore::explore;
use scenario::Scenario;
use scenarios::scenarios;

/// Explores one scenario, the one with this number, for the process that started this one.
const ONE: &str = "--scenario=";

/// What a process that explored one says at its end: this, the number of runs, and whether it passed.
const END: &str = "explored ";

/// What came of all of them so far.
#[derive(Default)]
struct Total {
    /// The next one that nobody took.
    next: usize,
    runs: u64,
    passed: u32,
    failed: u32,
}

fn main() -> ExitCode {
    let thorough = env::var("ZPCI_INTERLEAVINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u32);
    let scenarios = scenarios(thorough);
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some(number) = arguments.iter().find_map(|argument| argument.strip_prefix(ONE)) {
        let explored = explore(&scenarios[number.parse::<usize>().unwrap()]);
        println!("{}\n{END}{} {}", explored.report, explored.runs, explored.passed);
        return ExitCode::SUCCESS;
    }
    let fail_fast = arguments.iter().any(|argument| argument == "--fail-fast");
    let only = arguments.iter().find(|argument| !argument.starts_with('-'));
    let wanted = |scenario: &Scenario| only.is_none_or(|only| scenario.name.contains(only.as_str()));
    let numbers: Vec<usize> = (0..scenarios.len()).filter(|&number| wanted(&scenarios[number])).collect();

    let (start, total) = (Instant::now(), Mutex::new(Total::default()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| while explore_next(&numbers, &scenarios, fail_fast, &total) {});
        }
    });
    let Total { runs, passed, failed, .. } = total.into_inner().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("\n{runs} runs in {seconds:.1} s");
    println!("test result: {}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in {seconds:.2}s", if failed == 0 { "ok" } else { "FAILED" });
    ExitCode::from(u8::from(failed != 0))
}

/// Has the next of `numbers` explored by a process of its own; returns whether there was one to do.
fn explore_next(numbers: &[usize], scenarios: &[Scenario], fail_fast: bool, total: &Mutex<Total>) -> bool {
    let number = {
        let mut total = total.lock().unwrap();
        if fail_fast && total.failed != 0 {
            return false;
        }
        let Some(&number) = numbers.get(total.next) else { return false };
        total.next += 1;
        number
    };
    let mut command = Command::new(env::current_exe().unwrap());
    let output = command.arg(format!("{ONE}{number}")).stderr(Stdio::inherit()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let end = said.trim_end().rsplit_once('\n').and_then(|(report, end)| {
        let (runs, passed) = end.strip_prefix(END)?.split_once(' ')?;
        Some((report, runs.parse::<u64>().ok()?, passed.parse::<bool>().ok()?))
    });
    let mut total = total.lock().unwrap();
    match end {
        Some((report, runs, passed)) if output.status.success() => {
            println!("{report}");
            total.runs += runs;
            *if passed { &mut total.passed } else { &mut total.failed } += 1;
        }
        _ => {
            println!("test {} ... FAILED: {}\n{said}", scenarios[number].name, output.status);
            total.failed += 1;
        }
    }
    true
}
