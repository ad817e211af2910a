// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions of a running Linux, by sysfs.
//!
//! Linux: `arch/s390/pci/pci_sysfs.c`. Functions in standby have a slot and no device: `drivers/pci/hotplug/s390_pci_hpc.c`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clp::{FunctionHandle, FunctionId, FunctionState, FunctionType, Uid, UtilityString};

use super::Listed;

/// The functions below `root`, usually `/sys`.
///
/// # Errors
///
/// If there is no PCI in it, or no function of this architecture.
pub(crate) fn read(root: &Path) -> Result<Vec<Listed>, String> {
    let devices = root.join("bus/pci/devices");
    let entries = fs::read_dir(&devices).map_err(|error| format!("{}: {error}", devices.display()))?;
    let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let mut listed: Vec<Listed> = names.iter().filter_map(|path| device(path)).collect();
    let known: BTreeSet<_> = listed.iter().filter_map(|function| function.id).collect();
    listed.extend(slots(root, &known));
    if listed.is_empty() {
        return Err(format!(
            "{}: no PCI function of s390x; elsewhere give captured blocks: zpci list FILE...",
            devices.display()
        ));
    }
    Ok(listed)
}

/// A device; `None` if it has no function identifier.
fn device(path: &Path) -> Option<Listed> {
    let text = |name: &str| fs::read_to_string(path.join(name)).ok().map(|text| text.trim().to_owned());
    let number = |name: &str| {
        let text = text(name)?;
        let (digits, radix) = text.strip_prefix("0x").map_or((text.as_str(), 10), |digits| (digits, 16));
        u64::from_str_radix(digits, radix).ok()
    };
    let id = FunctionId(number("function_id")? as u32);
    let handle = number("function_handle").map(|handle| FunctionHandle(handle as u32));
    let mut segments = (0..4).map(|index| number(&format!("pfip/segment{index}")).map(|segment| segment as u8));
    let path_segments = [segments.next()?, segments.next()?, segments.next()?, segments.next()?];
    let path_segments: Option<Vec<u8>> = path_segments.into_iter().collect();
    let string = fs::read(path.join("util_string")).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let string = string.map(|bytes| UtilityString(bytes).to_string()).filter(|text| !text.is_empty());
    Some(Listed {
        address: path.file_name().map(|name| name.to_string_lossy().into_owned()),
        id: Some(id),
        uid: number("uid").map(|uid| Uid(uid as u32)),
        uid_is_unique: number("uid_is_unique") == Some(1),
        pchid: number("pchid").map(|pchid| pchid as u16),
        vfn: number("vfn").map(|vfn| vfn as u16),
        pft: number("pft").map(|pft| FunctionType(pft as u8)),
        group: number("pfgid").map(|group| group as u8),
        handle,
        state: handle.map(|handle| match handle.is_enabled() {
            true => FunctionState::Enabled,
            false => FunctionState::Configured,
        }),
        ids: number("vendor").zip(number("device")).map(|(vendor, device)| (vendor as u16, device as u16)),
        port: number("port").map(|port| port as u8),
        path: path_segments.and_then(|segments| segments.try_into().ok()),
        utility_string: string,
        ..Listed::default()
    })
}

/// Functions in standby: slots are named by the function identifier, and have no power.
fn slots(root: &Path, known: &BTreeSet<FunctionId>) -> Vec<Listed> {
    let Ok(entries) = fs::read_dir(root.join("bus/pci/slots")) else {
        return Vec::new();
    };
    let mut found: Vec<FunctionId> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let power = fs::read_to_string(entry.path().join("power")).ok()?;
            let id = u32::from_str_radix(&entry.file_name().to_string_lossy(), 16).ok()?;
            (power.trim() == "0").then_some(FunctionId(id))
        })
        .filter(|id| !known.contains(id))
        .collect();
    found.sort();
    let standby = |id| Listed { id: Some(id), state: Some(FunctionState::Standby), ..Listed::default() };
    found.into_iter().map(standby).collect()
}
