// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The defects, as changes of the sources, and the check that has to catch each.

mod clp;
mod guest;
mod library;
mod measurement;
mod registration;
mod shim;

/// A defect that was there once, or could come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defect {
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) finding: &'static str,
    pub(crate) file: &'static str,
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    /// Arguments of cargo.
    pub(crate) check: &'static [&'static str],
}

const INTERLEAVINGS: &[&str] = &["test", "--quiet", "-p", "zpci-glue", "--test", "interleavings", "--", "--fail-fast"];
const STALE: &[&str] = &["test", "--quiet", "-p", "s390-iommu", "--test", "stale"];
const ISM: &[&str] = &["test", "--quiet", "-p", "s390-iommu", "--test", "ism"];
const FAKE: &[&str] = &["test", "--quiet", "-p", "zpci-tests", "--test", "host"];
const SHIM: &[&str] = &["test", "--quiet", "-p", "zpci-glue", "--test", "host"];

const GUEST: &[&str] = &["test", "--quiet", "-p", "s390-iommu", "--test", "guest"];
const SHADOW: &[&str] = &["test", "--quiet", "-p", "zpci-vfio", "--all-features", "--test", "vmm"];
const TEXTS: &[&str] = &["test", "--quiet", "-p", "zpci", "--test", "offsets", "--test", "forms"];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Defect> {
    registration::DEFECTS
        .iter()
        .chain(shim::DEFECTS)
        .chain(clp::DEFECTS)
        .chain(measurement::DEFECTS)
        .chain(library::DEFECTS)
        .chain(guest::DEFECTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_one_place() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for Defect { name, file, before, .. } in all() {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            assert_eq!(text.matches(before).count(), 1, "{name}");
        }
    }
}
