// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The kernel's own modules that its guest needs, each behind those that it depends on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use object::{Object, ObjectSection};

use crate::workspace::read_text;

/// What users of functions load, where it is not built in. KVM is none of it: it finds nothing to interpret a guest with in TCG, and
/// does not load.
const WANTED: [&str; 3] = ["iommufd", "vfio_iommu_type1", "vfio_pci"];

/// Name and file of the modules built in `directory` that are [`WANTED`], and of what they depend on, in the order in which
/// they are loaded.
///
/// # Errors
///
/// A module cannot be read.
pub(super) fn of_kernel(directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    let list = directory.join("modules.order");
    // There is none where nothing is a module.
    let text = if list.is_file() { read_text(&list)? } else { String::new() };
    // Lines name the object, or in older kernels the module.
    let paths = text.lines().map(|line| directory.join(line).with_extension("ko"));
    let modules: BTreeMap<_, _> = paths.filter_map(|path| Some((name(&path)?, path))).collect();
    let mut order = Vec::new();
    for wanted in WANTED {
        visit(&modules, wanted, &mut order)?;
    }
    Ok(order)
}

/// Adds the module called `wanted` to `order` behind what it depends on, unless it is built in or there already.
fn visit(modules: &BTreeMap<String, PathBuf>, wanted: &str, order: &mut Vec<(String, PathBuf)>) -> Result<()> {
    if order.iter().any(|(name, _)| name == wanted) {
        return Ok(());
    }
    let Some(path) = modules.get(wanted) else { return Ok(()) };
    for needed in dependencies(path)? {
        visit(modules, &needed, order)?;
    }
    order.push((wanted.to_owned(), path.clone()));
    Ok(())
}

/// As the kernel calls the module in the file at `path`.
fn name(path: &Path) -> Option<String> {
    Some(path.file_stem()?.to_str()?.replace('-', "_"))
}

/// The names of the modules that the one at `path` depends on.
fn dependencies(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(bytes.as_slice()).with_context(|| format!("{}", path.display()))?;
    let section = file.section_by_name(".modinfo").with_context(|| format!("{} is no module", path.display()))?;
    Ok(depends(section.data()?))
}

/// The names in `depends=` of `modinfo`, which is strings that end with 0.
fn depends(modinfo: &[u8]) -> Vec<String> {
    let strings = modinfo.split(|byte| *byte == 0).filter_map(|string| std::str::from_utf8(string).ok());
    let names = strings.filter_map(|string| string.strip_prefix("depends=")).flat_map(|names| names.split(','));
    names.filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_says_what_it_depends_on() {
        assert_eq!(depends(b"license=GPL\0depends=vfio,vfio-pci-core\0name=a\0"), ["vfio", "vfio_pci_core"]);
        assert!(depends(b"depends=\0").is_empty());
        assert!(depends(b"").is_empty());
    }

    #[test]
    fn a_kernel_without_modules_needs_none() {
        let directory = tempfile::tempdir().unwrap();
        assert!(of_kernel(directory.path()).unwrap().is_empty());
        fs::write(directory.path().join("modules.order"), "drivers/other/thing.o\n").unwrap();
        assert!(of_kernel(directory.path()).unwrap().is_empty());
        fs::write(directory.path().join("modules.order"), "drivers/vfio/pci/vfio-pci.o\n").unwrap();
        assert!(of_kernel(directory.path()).is_err());
    }
}
