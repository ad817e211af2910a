// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The image that issues random instructions, on both emulators.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::comparison::Comparison;
use super::emulator::{Emulators, Kind};
use crate::boot::{Boot, Equipment};
use crate::core_library::CoreLibrary;
use crate::image;
use crate::report::Report;
use crate::workspace::Workspace;

/// How long it may take; under emulation, on a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(600);

/// The one function: a source of random numbers, whose device tries pages.
pub(super) const DEVICES: [&str; 4] =
    ["-device", "zpci,uid=1,fid=1,target=rng", "-device", "virtio-rng-pci,iommu_platform=on,disable-legacy=on,id=rng"];

/// Has the crates go over ranges as QEMU does: `ZPCI_RULES_QEMU_STEPS` of `zpci_vmm.h`.
pub(super) const AS_QEMU: [&str; 2] = ["-global", "s390-pcihost.zpci-vmm-rules=2"];

/// Builds the image.
pub(super) fn image(workspace: &Workspace, core: &CoreLibrary, steps: u32, seed: u64) -> Result<PathBuf> {
    let variables = [("ZPCI_STEPS", steps.to_string()), ("ZPCI_SEED", seed.to_string())];
    image::build_with(workspace, core, image::RANDOM, &variables)
}

/// Boots it on both, and compares every answer, and with the model in the image.
pub(super) fn compare(workspace: &Workspace, emulators: &Emulators, image: &Path) -> Result<Comparison> {
    let boot = |name: &'static str, kind: Kind, more: &[&str]| -> Result<Report> {
        eprintln!("{name}, {kind}:");
        let equipment = Equipment::given(emulators.path(kind).into(), image.to_owned());
        let arguments = DEVICES.iter().chain(more).map(|argument| (*argument).to_owned()).collect();
        let boot = Boot { name, devices: &[], arguments, limit: LIMIT };
        let outcome = boot.run(workspace, &equipment)?;
        if !outcome.report.passed {
            eprint!("{}", outcome.report.to_text());
            eprintln!("Everything the guest printed is in {}", outcome.console.display());
        }
        Ok(outcome.report)
    };
    let stock = boot("vmm-random-stock", Kind::Stock, &[])?;
    let ours = boot("vmm-random-ours", Kind::Ours, &AS_QEMU)?;
    let answers = Comparison::of_lists("random", "step", &stock.steps, &ours.steps);
    Ok(answers.with(&classes(&stock.steps)?, stock.passed && ours.passed))
}

/// How many steps of which kind there are.
fn classes(steps: &[Value]) -> Result<String> {
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    let mut sampled = 0;
    for step in steps {
        let text = |name: &str| step.get(name).and_then(Value::as_str).context("a step lacks a field");
        let status = step.get("status").and_then(Value::as_u64).map_or(String::new(), |code| format!(" status {code}"));
        *classes.entry(format!("{} {}{status}", text("instruction")?, text("end")?)).or_default() += 1;
        sampled += usize::from(step.get("reached").is_some());
    }
    let listed: Vec<String> = classes.iter().map(|(class, count)| format!("{class}: {count}")).collect();
    Ok(format!("{sampled} pages tried by a device\n    {}", listed.join("\n    ")))
}
