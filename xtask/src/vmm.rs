// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A real VMM on our half: QEMU whose CLP, MPCIFC, STPCIFC and RPCIT are answered by `zpci_vmm.h`, beside QEMU as it is.

mod comparison;
mod emulator;
mod random;
mod speed;
mod sysroot;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::boot::Equipment;
use crate::core_library::CoreLibrary;
use crate::image;
use crate::report::Report;
use crate::test::boots;
use crate::tool;
use crate::workspace::Workspace;
use comparison::Comparison;
use emulator::{Emulators, Kind, Version};
use speed::Speed;

/// Which QEMU to build, and what to compare.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Version of QEMU, whose source Debian has
    #[arg(long, value_enum, default_value_t = Version::V10_0)]
    qemu: Version,
    /// Build both and end; the last two lines are the path of QEMU as it is and that of QEMU with the crates
    #[arg(long)]
    build_only: bool,
    /// Compare this alone; may be given several times
    #[arg(long, value_enum, value_name = "WHAT")]
    only: Vec<Purpose>,
    /// Number of random instructions
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
    /// What the random instructions follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write everything that was compared to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What is done on both.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Purpose {
    /// The bare-metal image with the devices of `cargo xtask boot`
    Boot,
    /// The same without a function
    None,
    /// The same with 140 functions behind bridges
    Many,
    /// The same with devices of other kinds
    Given,
    /// Random MPCIFC, STPCIFC and RPCIT on random tables, with pages tried by a device
    Random,
    /// Instructions of the host for each RPCIT, counted by callgrind; minutes
    Speed,
}

impl Purpose {
    const ALL: [Self; 6] = [Self::Boot, Self::None, Self::Many, Self::Given, Self::Random, Self::Speed];

    const fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::None => "none",
            Self::Many => "many",
            Self::Given => "given",
            Self::Random => "random",
            Self::Speed => "speed",
        }
    }
}

/// What came out, for a program.
#[derive(Debug, Serialize)]
struct Outcome {
    /// Version of this structure.
    schema: u32,
    passed: bool,
    /// Version of the source, as Debian numbers it.
    qemu: String,
    boots: Vec<Comparison>,
    speed: Option<Speed>,
}

/// QEMU with the crates as a static program for Linux on s390x, and the version of its source.
///
/// # Errors
///
/// It cannot be built.
pub(crate) fn for_guest(workspace: &Workspace) -> Result<(PathBuf, String)> {
    Emulators::for_guest(workspace, Version::default())
}

/// Builds what is missing, compares, and returns whether nothing differed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let emulators = Emulators::build(workspace, options.qemu)?;
    if options.build_only {
        println!("{}\n{}", emulators.path(Kind::Stock).display(), emulators.path(Kind::Ours).display());
        return Ok(true);
    }
    let is_chosen = |purpose: &Purpose| options.only.is_empty() || options.only.contains(purpose);
    tool::ensure_all(workspace, &[tool::LINKER])?;
    let core = CoreLibrary::obtain(workspace)?;
    let exercise = image::build(workspace, &core, image::EXERCISE)?;
    let mut outcome = Outcome { schema: 1, passed: true, qemu: emulators.version.clone(), boots: vec![], speed: None };
    for purpose in Purpose::ALL.into_iter().filter(is_chosen) {
        let boot: fn(&Workspace, &Equipment) -> Result<Report> = match purpose {
            Purpose::Boot => boots::default_devices,
            Purpose::None => boots::no_devices,
            Purpose::Many => boots::many_functions,
            Purpose::Given => boots::given_devices,
            Purpose::Random => {
                let image = random::image(workspace, &core, options.steps, options.seed)?;
                outcome.boots.push(random::compare(workspace, &emulators, &image)?);
                continue;
            }
            Purpose::Speed => {
                outcome.speed = Some(Speed::measure(workspace, &core, &emulators, options.seed)?);
                continue;
            }
        };
        let report = |kind| {
            eprintln!("{}, {}:", purpose.name(), kind);
            boot(workspace, &Equipment::given(emulators.path(kind).into(), exercise.clone()))
        };
        outcome.boots.push(Comparison::of_reports(purpose.name(), &report(Kind::Stock)?, &report(Kind::Ours)?)?);
    }
    outcome.passed = outcome.boots.iter().all(|comparison| comparison.passed);
    println!("QEMU {}", outcome.qemu);
    outcome.boots.iter().for_each(|comparison| print!("{comparison}"));
    if let Some(speed) = &outcome.speed {
        print!("{speed}");
    }
    println!("{}", if outcome.passed { "PASSED: nothing differs" } else { "FAILED" });
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&outcome)? + "\n";
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(outcome.passed)
}
