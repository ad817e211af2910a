// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Boots whose list of functions is known beforehand: what the image decoded is compared with what QEMU was given.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use serde_json::Value;

use crate::boot::{Boot, Equipment};
use crate::device;
use crate::report::Report;
use crate::workspace::Workspace;

/// How long a boot may take; under emulation, on a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(120);

/// What a function should be listed as.
struct Expected {
    fid: u64,
    uid: u64,
    vendor: u64,
    device: u64,
    serial: Option<&'static str>,
    /// How the names of those of its cases begin that cannot be run: the image has no driver, or must not write.
    not_run: &'static [&'static str],
}

/// What a function without a driver does not do.
const WITHOUT_DRIVER: &[&str] = &["transfers", "interrupts"];

/// The default devices.
const DEFAULT: [Expected; 4] = [
    Expected { fid: 0x101, uid: 0x11, vendor: 0x1b36, device: 0x0010, serial: Some("ZPCI-NVME-0001"), not_run: &[] },
    Expected { fid: 0x102, uid: 0x12, vendor: 0x1af4, device: 0x1044, serial: None, not_run: &[] },
    Expected { fid: 0x103, uid: 0x13, vendor: 0x1af4, device: 0x1042, serial: None, not_run: &[] },
    Expected { fid: 0x104, uid: 0x14, vendor: 0x1b36, device: 0x000d, serial: None, not_run: WITHOUT_DRIVER },
];

/// Devices of other kinds, with identifiers at the ends of their ranges.
const GIVEN: [Expected; 4] = [
    Expected {
        fid: 0xdead_beef,
        uid: 0xffff,
        vendor: 0x1b36,
        device: 0x0010,
        serial: Some("Other Serial/42"),
        not_run: &["transfers / write-"],
    },
    Expected { fid: 0, uid: 1, vendor: 0x8086, device: 0x10d3, serial: None, not_run: WITHOUT_DRIVER },
    Expected { fid: 0xffff_ffff, uid: 0x8000, vendor: 0x1af4, device: 0x1043, serial: None, not_run: WITHOUT_DRIVER },
    Expected { fid: 0x7fff_ffff, uid: 0x100, vendor: 0x1af4, device: 0x1044, serial: None, not_run: &[] },
];

/// How many functions are put behind bridges.
const MANY: usize = 140;

/// How many of them a bridge gets; it has 31 usable slots.
const PER_BRIDGE: usize = 20;

fn boot(workspace: &Workspace, equipment: &Equipment, boot: &Boot<'_>) -> Result<Report> {
    let outcome = boot.run(workspace, equipment)?;
    let text = outcome.report.to_text();
    ensure!(outcome.report.passed, "{text}\nEverything the guest printed is in {}", outcome.console.display());
    Ok(outcome.report)
}

/// The machine that `cargo xtask boot` has.
pub(crate) fn default_devices(workspace: &Workspace, equipment: &Equipment) -> Result<Report> {
    let wish = Boot { name: "test-default", devices: &device::DEFAULT, arguments: Vec::new(), limit: LIMIT };
    let report = boot(workspace, equipment, &wish)?;
    compare(&report, &DEFAULT)?;
    Ok(report)
}

/// A machine without any function.
pub(crate) fn no_devices(workspace: &Workspace, equipment: &Equipment) -> Result<Report> {
    let wish = Boot { name: "test-none", devices: &[], arguments: Vec::new(), limit: LIMIT };
    let report = boot(workspace, equipment, &wish)?;
    ensure!(report.functions.is_empty(), "no function was given, {} are listed", report.functions.len());
    ensure!(report.counts.passed > 0, "no case was run");
    Ok(report)
}

/// A machine with many functions, all behind bridges, whose identifiers QEMU chooses.
pub(crate) fn many_functions(workspace: &Workspace, equipment: &Equipment) -> Result<Report> {
    let mut arguments = Vec::new();
    for function in 0..MANY {
        let (bridge, slot) = (function / PER_BRIDGE + 1, function % PER_BRIDGE + 1);
        if slot == 1 {
            arguments.extend(["-device".to_owned(), format!("pci-bridge,id=bridge{bridge},chassis_nr={bridge}")]);
        }
        // Without a name, QEMU takes two devices in the same slot of two buses for one.
        let place = format!("id=rng{function},bus=bridge{bridge},addr={slot:#x}");
        arguments.extend(["-device".to_owned(), format!("virtio-rng-pci,{place},iommu_platform=on,disable-legacy=on")]);
    }
    let wish = Boot { name: "test-many", devices: &[], arguments, limit: LIMIT };
    let report = boot(workspace, equipment, &wish)?;
    for field in ["fid", "uid", "handle"] {
        let values =
            report.functions.iter().map(|function| number(function, field)).collect::<Result<BTreeSet<u64>>>()?;
        ensure!(values.len() == MANY, "{MANY} functions were given, {} different {field} are listed", values.len());
    }
    ensure!(report.counts.skipped == 0, "cases were not run: {:?}", report.skipped().collect::<Vec<_>>());
    ensure!(report.functions.len() == MANY, "{MANY} functions were given, {} are listed", report.functions.len());
    Ok(report)
}

/// Devices that a person adds to the default ones; the disk among them has data of theirs, which must stay as it is.
pub(crate) fn given_devices(workspace: &Workspace, equipment: &Equipment) -> Result<Report> {
    let disk = workspace.directory("test-given")?.join("foreign.img");
    let content: Vec<u8> = (0..4_u32 << 20).map(|index| (index % 251) as u8).collect();
    fs::write(&disk, &content).with_context(|| format!("cannot write {}", disk.display()))?;
    let file = disk.display().to_string().replace(',', ",,");
    let drive = format!("file={file},if=none,format=raw,id=foreign");
    let mut arguments = vec!["-drive".to_owned(), drive];
    // It waits for its device, and no instruction finds it.
    arguments.extend(["-device", "zpci,uid=0x777,fid=0x777,target=nobody"].map(str::to_owned));
    let models = [
        "nvme,drive=foreign,serial=Other Serial/42",
        "e1000e,romfile=",
        "virtio-serial-pci,iommu_platform=on,disable-legacy=on",
        "virtio-rng-pci,iommu_platform=on,disable-legacy=on",
    ];
    for (index, (Expected { fid, uid, .. }, model)) in GIVEN.iter().zip(models).enumerate() {
        arguments.extend(["-device".to_owned(), format!("zpci,uid={uid},fid={fid},target=given{index}")]);
        arguments.extend(["-device".to_owned(), format!("{model},id=given{index}")]);
    }
    let wish = Boot { name: "test-given", devices: &device::DEFAULT, arguments, limit: LIMIT };
    let report = boot(workspace, equipment, &wish)?;
    let all: Vec<&Expected> = DEFAULT.iter().chain(&GIVEN).collect();
    compare(&report, all)?;
    let after = fs::read(&disk).with_context(|| format!("cannot read {}", disk.display()))?;
    ensure!(after == content, "the disk with other people's data was written to");
    Ok(report)
}

/// Compares the functions of `report` with the expected ones, in any order, and the cases not run with those that cannot.
fn compare<'a>(report: &Report, expected: impl IntoIterator<Item = &'a Expected>) -> Result<()> {
    let mut fids = BTreeSet::new();
    let mut skipped: BTreeSet<String> = report.skipped().collect();
    for Expected { fid, uid, vendor, device, serial, not_run } in expected {
        fids.insert(*fid);
        for not_run in *not_run {
            let start = format!("functions / function {fid:#010x} / {not_run}");
            let before = skipped.len();
            skipped.retain(|name| !name.starts_with(&start));
            ensure!(skipped.len() < before, "the cases \"{start}...\" cannot be run, yet none of them was skipped");
        }
        let function =
            report.functions.iter().find(|function| number(function, "fid").is_ok_and(|found| found == *fid));
        let function = function.with_context(|| format!("function {fid:#x} is not listed"))?;
        for (field, expected) in [("uid", uid), ("vendor", vendor), ("device", device)] {
            let found = number(function, field)?;
            ensure!(found == *expected, "function {fid:#x} has {field} {found:#x}, QEMU was given {expected:#x}");
        }
        let interrupts = report.interrupts.iter().any(|interrupts| u64::from(interrupts.fid) == *fid);
        let has_driver = !not_run.contains(&"interrupts");
        ensure!(
            interrupts == has_driver,
            "function {fid:#x} has a driver: {has_driver}, and interrupted: {interrupts}"
        );
        let Some(serial) = serial else { continue };
        let device = report.devices.iter().find(|device| number(device, "fid").is_ok_and(|found| found == *fid));
        let found = device.and_then(|device| device.get("serial")).and_then(Value::as_str);
        ensure!(found == Some(*serial), "function {fid:#x} has serial number {found:?}, QEMU was given {serial:?}");
    }
    // The image uses four functions together.
    let most = fids.len().min(4).min(report.interrupts.len());
    ensure!(report.samples.len() == most, "{} functions were measured, {most} have a driver", report.samples.len());
    let listed = report.functions.iter().map(|function| number(function, "fid")).collect::<Result<Vec<u64>>>()?;
    ensure!(skipped.is_empty(), "these cases were not run: {skipped:?}");
    ensure!(listed.len() == fids.len(), "{} functions were given, these are listed: {listed:#x?}", fids.len());
    Ok(())
}

fn number(function: &Value, field: &str) -> Result<u64> {
    function.get(field).and_then(Value::as_u64).with_context(|| format!("no number {field} in {function}"))
}
