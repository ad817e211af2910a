// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions of a running Linux, by sysfs.
//!
//! Linux: `arch/s390/pci/pci_sysfs.c`. Functions in standby have a slot and no device: `drivers/pci/hotplug/s390_pci_hpc.c`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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

/// What identifies a function, as far as sysfs has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) id: Option<u32>,
    pub(crate) handle: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) pchid: Option<u16>,
    pub(crate) path: Option<[u8; 4]>,
    pub(crate) utility_string: Option<Vec<u8>>,
}

/// What identifies the functions below `root`: first those with a device, by their addresses, then the others that have a
/// slot, by their identifiers. So does `zpci_report` number them (`each`, `glue-c/package/zpci-report/identifiers.sh`).
pub(crate) fn identities(root: &Path) -> Vec<Identity> {
    let mut found: Vec<Identity> = entries(&root.join("bus/pci/devices")).iter().map(|path| identity(path)).collect();
    let known: BTreeSet<_> = found.iter().filter_map(|function| function.id).collect();
    let slot = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        let is_id = name.len() == 8 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let id = u32::from_str_radix(name, 16).ok().filter(|id| is_id && *id != 0 && !known.contains(id))?;
        Some(Identity { id: Some(id), uid: number(path, "uid"), ..Identity::default() })
    };
    found.extend(entries(&root.join("bus/pci/slots")).iter().filter_map(slot));
    found
}

fn identity(path: &Path) -> Identity {
    Identity {
        id: number(path, "function_id"),
        handle: number(path, "function_handle"),
        uid: number(path, "uid"),
        pchid: number(path, "pchid"),
        path: internal_path(path),
        utility_string: fs::read(path.join("util_string")).ok(),
    }
}

/// What is in the folder at `path`, in order; nothing if there is none.
fn entries(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten();
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// The internal path of a device.
fn internal_path(device: &Path) -> Option<[u8; 4]> {
    let segments = (0..4).map(|index| number(device, &format!("pfip/segment{index}")));
    segments.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// The number in the file `name` of a device; `None` if there is none, or one that the field cannot have.
fn number<T: TryFrom<u64>>(device: &Path, name: &str) -> Option<T> {
    let text = fs::read_to_string(device.join(name)).ok()?;
    let text = text.trim();
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    T::try_from(u64::from_str_radix(digits, radix).ok()?).ok()
}

/// A device; `None` if it has no function identifier.
fn device(path: &Path) -> Option<Listed> {
    let id = FunctionId(number(path, "function_id")?);
    let handle = number(path, "function_handle").map(FunctionHandle);
    let string = fs::read(path.join("util_string")).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let string = string.map(|bytes| UtilityString(bytes).to_string()).filter(|text| !text.is_empty());
    Some(Listed {
        address: path.file_name().map(|name| name.to_string_lossy().into_owned()),
        id: Some(id),
        uid: number(path, "uid").map(Uid),
        uid_is_unique: number(path, "uid_is_unique") == Some(1_u8),
        pchid: number(path, "pchid"),
        vfn: number(path, "vfn"),
        pft: number(path, "pft").map(FunctionType),
        group: number(path, "pfgid"),
        handle,
        state: handle.map(|handle| match handle.is_enabled() {
            true => FunctionState::Enabled,
            false => FunctionState::Configured,
        }),
        ids: number(path, "vendor").zip(number(path, "device")),
        port: number(path, "port"),
        path: internal_path(path),
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
