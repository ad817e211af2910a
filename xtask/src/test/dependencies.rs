// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the code that is linked into a guest may depend on.

use anyhow::{bail, Result};

use crate::workspace::{Package, Workspace};

/// Everything that is linked into a guest starts from these.
const ROOTS: [&str; 6] = ["zpci-clp", "s390-iommu", "zpci-machine", "qemu-s390x", "zpci-object", "zpci-cases"];

/// The libraries from the ground up: what is linked with one comes from below it.
const FLOORS: [&str; 3] = ["zpci-clp", "s390-iommu", "zpci-machine"];

/// The crates of others that may be in a guest: no heap, no panic of their own where we use them.
const ALLOWED: [&str; 4] = ["bitfield-struct", "heapless", "static_assertions", "zerocopy"];

/// Those that a feature may ask for which nothing enables that is linked into a guest.
const ON_REQUEST: [&str; 1] = ["serde"];

/// Follows the dependencies inside the workspace, and returns how many packages are linked into a guest.
pub(crate) fn check(workspace: &Workspace) -> Result<usize> {
    let (linked, mut foreign) = linked(&workspace.packages);
    foreign.extend(upwards(&workspace.packages));
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
                None if dependency.optional && ON_REQUEST.contains(&dependency.name.as_str()) => {}
                None => foreign
                    .push(format!("{} must not be linked into a guest; {} wants it", dependency.name, package.name)),
            }
        }
    }
    (linked.into_iter().map(|package| package.name.as_str()).collect(), foreign)
}

/// Complaints of libraries that depend on other members than those below them.
fn upwards(packages: &[Package]) -> Vec<String> {
    let height = |name: &str| FLOORS.iter().position(|floor| *floor == name);
    let is_member = |name: &str| packages.iter().any(|package| package.name == name);
    let mut complaints = Vec::new();
    for package in packages {
        let Some(own) = height(&package.name) else { continue };
        let members = package.dependencies.iter().filter(|other| other.kind.is_none() && is_member(&other.name));
        let upwards = members.filter(|other| height(&other.name).is_none_or(|floor| floor >= own));
        complaints.extend(upwards.map(|other| format!("{} is not below {}", other.name, package.name)));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, linked: &[&str], dev: &[&str]) -> Package {
        let dependency = |name: &&str, kind: Option<&str>| {
            let (name, optional) = name.strip_suffix('?').map_or((*name, false), |name| (name, true));
            Dependency { name: name.into(), kind: kind.map(str::to_owned), optional }
        };
        let linked = linked.iter().map(|name| dependency(name, None));
        let dependencies = linked.chain(dev.iter().map(|name| dependency(name, Some("dev")))).collect();
        Package { name: name.into(), dependencies, ..Package::default() }
    }

    #[test]
    fn libraries_stand_on_each_other() {
        let packages = [
            package("zpci-clp", &["zerocopy", "zpci-machine"], &["zpci-tests"]),
            package("s390-iommu", &["zpci-clp"], &[]),
            package("zpci-machine", &["s390-iommu", "zpci-clp", "zpci-tests"], &[]),
            package("zpci-tests", &["zpci-machine"], &[]),
        ];
        let complaints = ["zpci-machine is not below zpci-clp", "zpci-tests is not below zpci-machine"];
        assert_eq!(upwards(&packages), complaints);
    }

    #[test]
    fn what_a_feature_may_ask_for_is_named() {
        let packages = [package("zpci-clp", &["serde?", "log?"], &[]), package("s390-iommu", &["serde"], &[])];
        let wanted = |name, by| format!("{name} must not be linked into a guest; {by} wants it");
        assert_eq!(linked(&packages).1, [wanted("log", "zpci-clp"), wanted("serde", "s390-iommu")]);
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
