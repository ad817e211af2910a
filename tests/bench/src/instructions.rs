// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Instructions: the same work once more under callgrind, which dumps its counter whenever a mark is passed.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{ensure, Context, Result};

use crate::entrant::Entrant;
use crate::result::{Measured, Operation};
use crate::workload::Workload;

/// Ends a section; callgrind dumps before this is entered.
#[no_mangle]
#[inline(never)]
extern "C" fn zpci_bench_mark() {
    black_box(());
}

/// What the counted process does: every workload of every entrant, each operation as a section of its own.
pub(crate) fn work(entrants: &mut [Box<dyn Entrant>], workloads: &[Workload]) {
    for workload in workloads {
        for entrant in entrants.iter_mut() {
            entrant.sample(workload);
            entrant.marked(workload, zpci_bench_mark);
        }
    }
}

/// Runs this program under `valgrind`, with the workloads that `choice` chooses, and writes into `results` what it counted.
pub(crate) fn count(
    valgrind: &Path,
    choice: &str,
    entrants: &[Box<dyn Entrant>],
    workloads: &[Workload],
    results: &mut [Measured],
) -> Result<()> {
    let directory = std::env::temp_dir().join(format!("zpci-bench-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let counted = dumps(valgrind, choice, &directory);
    fs::remove_dir_all(&directory)?;
    let mut counted = counted?.into_iter();
    for workload in workloads {
        for entrant in entrants {
            // What comes before the first mark is no section.
            counted.next();
            for operation in Operation::COUNTED {
                let count = counted.next().context("callgrind dumped less than it was told")?;
                let of = |result: &&mut Measured| {
                    result.subject == entrant.name()
                        && result.workload == workload.name
                        && result.operation == operation
                };
                let units = match operation {
                    Operation::Translate => workload.translate.len() as u64,
                    _ => workload.total_pages(),
                };
                if let Some(result) = results.iter_mut().find(of) {
                    result.instructions = Some(count as f64 / units as f64);
                }
            }
        }
    }
    ensure!(counted.next().is_none(), "callgrind dumped more than it was told");
    Ok(())
}

/// The instructions of each section, in order.
fn dumps(valgrind: &Path, choice: &str, directory: &Path) -> Result<Vec<u64>> {
    let status = Command::new(valgrind)
        .args(["--quiet", "--tool=callgrind", "--dump-before=zpci_bench_mark"])
        .arg(format!("--callgrind-out-file={}", directory.join("out").display()))
        .arg(std::env::current_exe()?)
        .args(["count", "--workload", choice])
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {}", valgrind.display()))?;
    ensure!(status.success(), "callgrind failed ({status})");
    let mut sections = BTreeMap::new();
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        // Dumps are `out.1`, `out.2`, ...; what is left at the end is `out`.
        let Some(number) = path.extension().and_then(|number| number.to_str()?.parse::<u64>().ok()) else {
            continue;
        };
        let text = fs::read_to_string(&path)?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
        sections.insert(number, total.with_context(|| format!("no total in {}", path.display()))?);
    }
    Ok(sections.into_values().collect())
}
