// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the code that is linked into a guest may depend on.

use anyhow::{bail, Result};

use crate::workspace::{Package, Workspace};

/// Everything that is linked into a guest starts from these.
const ROOTS: [&str; 5] = ["zpci-clp", "s390-iommu", "qemu-s390x", "zpci-object", "zpci-cases"];

/// The crates of others that may be in a guest: no heap, no panic of their own where we use them.
const ALLOWED: [&str; 4] = ["bitfield-struct", "heapless", "static_assertions", "zerocopy"];

/// Follows the dependencies inside the workspace, and returns how many packages are linked into a guest.
pub(crate) fn check(workspace: &Workspace) -> Result<usize> {
    let (linked, foreign) = linked(&workspace.packages);
    if foreign.is_empty() {
        Ok(linked.len())
    } else {
        bail!("{}", foreign.join("\n"))
    }
}

/// The packages that are linked into a guest, and complaints of what they must not depend on.
fn linked(packages: &[Package]) -> (Vec<&str>, Vec<String>) {
    let is_root = |package: &&Package| ROOTS.contains(&package.name.as_str());
    let mut linked: Vec<&Package> = packages.iter().filter(is_root).collect();
    let mut foreign = Vec::new();
    let mut next = 0;
    while let Some(package) = linked.get(next).copied() {
        next += 1;
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            match packages.iter().find(|package| package.name == dependency.name) {
                Some(member) if !linked.contains(&member) => linked.push(member),
                Some(_) => {}
                None if ALLOWED.contains(&dependency.name.as_str()) => {}
                None => foreign
                    .push(format!("{} must not be linked into a guest; {} wants it", dependency.name, package.name)),
            }
        }
    }
    (linked.into_iter().map(|package| package.name.as_str()).collect(), foreign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, linked: &[&str], dev: &[&str]) -> Package {
        let dependency =
            |name: &&str, kind: Option<&str>| Dependency { name: (*name).into(), kind: kind.map(str::to_owned) };
        let linked = linked.iter().map(|name| dependency(name, None));
        let dependencies = linked.chain(dev.iter().map(|name| dependency(name, Some("dev")))).collect();
        Package { name: name.into(), dependencies }
    }

    #[test]
    fn what_comes_in_by_another_member_is_found() {
        let packages = [
            package("zpci-clp", &["zerocopy"], &["proptest"]),
            package("qemu-s390x", &["zpci-clp", "helper"], &[]),
            package("helper", &["rand"], &[]),
            package("xtask", &["clap"], &[]),
        ];
        let (linked, foreign) = linked(&packages);
        assert_eq!(linked, ["zpci-clp", "qemu-s390x", "helper"]);
        assert_eq!(foreign, ["rand must not be linked into a guest; helper wants it"]);
    }
}
