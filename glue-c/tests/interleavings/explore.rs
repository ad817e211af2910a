// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One scenario, in every order of its steps.

use std::time::Instant;

use crate::chooser::Chooser;
use crate::scenario::Scenario;
use crate::world;

/// Runs in all that a scenario may take; one that has more is not exhausted, and says so.
const MOST_RUNS: u64 = 40_000_000;

/// What came of a scenario.
pub(crate) struct Explored {
    pub(crate) runs: u64,
    pub(crate) passed: bool,
    /// A line as a test harness has it, and with a failure what was wrong and how to get there.
    pub(crate) report: String,
}

/// Runs `scenario` until it fails or there is no other order.
pub(crate) fn explore(scenario: &Scenario) -> Explored {
    let (mut chooser, mut runs, mut stacks) = (Chooser::default(), 0_u64, Vec::new());
    let began = Instant::now();
    let failure = loop {
        runs += 1;
        if let Err(complaint) = world::run(scenario, &mut chooser, &mut stacks) {
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
    let Scenario { name, faults, .. } = scenario;
    let preemptions = match scenario.preemptions {
        u32::MAX => "any".to_owned(),
        bound => bound.to_string(),
    };
    let bounds = format!("{faults} faults, {preemptions} preemptions");
    let seconds = began.elapsed().as_secs_f64();
    let report = match &failure {
        None => format!("test {name} ... ok ({runs} runs, {bounds}, {seconds:.1} s)"),
        Some(complaint) => {
            let script = chooser.script();
            format!("test {name} ... FAILED after {runs} runs ({bounds})\n{complaint}\nscript: {script:?}")
        }
    };
    Explored { runs, passed: failure.is_none(), report }
}
