// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The public items of the libraries, kept in the tree: what breaks a user is a line of a difference.

use std::fs;
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};

use crate::book::DOCUMENTATION;
use crate::core_library::{CoreLibrary, TARGET};
use crate::progress::Step;
use crate::workspace::{read_text, Target, Workspace};

/// The version of rustdoc's description in JSON that is read here.
const FORMAT_VERSION: u64 = 57;

/// The name of the listing, in the directory of a package.
const LISTING: &str = "public-api.txt";

/// How a comparison went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Compared {
    /// This many listings are as they are in the tree.
    Same(u64),
    /// The compiler describes items in another form than the one that is read here.
    OtherFormat(u64),
}

/// Lists what the libraries that are published have, and compares; with `write`, writes it instead.
///
/// # Errors
///
/// A listing differs; the error has the lines.
pub(crate) fn check(workspace: &Workspace, core: &CoreLibrary, step: &Step, write: bool) -> Result<Compared> {
    let directory = workspace.directory(DOCUMENTATION)?;
    let (mut same, mut complaints) = (0, Vec::new());
    for package in workspace.published_libraries() {
        let is_library = |target: &&Target| target.kind == ["lib"];
        let (Some(library), Some(home)) = (package.targets.iter().find(is_library), package.manifest_path.parent())
        else {
            continue;
        };
        step.at(&package.name);
        let mut command = workspace.cargo();
        command.args(["rustdoc", "--lib", "--all-features", "--package", &package.name, "--target-dir"]);
        command.arg(&directory);
        // For the machine that they are for: some items are there alone.
        core.apply(&mut command);
        // The description is an unstable feature; this is the compiler's way to allow it in a stable release.
        command.args(["--", "-Zunstable-options", "--output-format", "json"]).env("RUSTC_BOOTSTRAP", "1");
        step.run(&mut command)?;
        let described = directory.join(TARGET).join("doc").join(format!("{}.json", library.name));
        let format = format_version(&described)?;
        if format != FORMAT_VERSION {
            return Ok(Compared::OtherFormat(format));
        }
        let listing = list(&described)?;
        let path = home.join(LISTING);
        if write {
            fs::write(&path, &listing)?;
        }
        let kept = read_text(&path)?;
        let lines = difference(&kept, &listing);
        if lines.is_empty() {
            same += 1;
        } else {
            complaints.push(format!("{} of {}:\n{}", LISTING, package.name, lines.join("\n")));
        }
    }
    ensure!(complaints.is_empty(), "{}\n`cargo xtask api` writes what there is now", complaints.join("\n"));
    ensure!(same > 0, "no library is published");
    Ok(Compared::Same(same))
}

fn format_version(described: &Path) -> Result<u64> {
    let text = read_text(described)?;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    value.get("format_version").and_then(serde_json::Value::as_u64).context("rustdoc does not say its format")
}

/// One line an item, without what every type has by itself.
fn list(described: &Path) -> Result<String> {
    let builder = public_api::Builder::from_rustdoc_json(described);
    let builder = builder.omit_blanket_impls(true).omit_auto_trait_impls(true).omit_auto_derived_impls(true);
    match builder.build() {
        Ok(items) => Ok(items.items().map(|item| format!("{}\n", shortened(&item.to_string()))).collect()),
        Err(error) => bail!("{}: {error}", described.display()),
    }
}

/// An implementation without what it asks of the fields: it is derived, and that is no choice of ours.
fn shortened(item: &str) -> &str {
    match item.split_once(" where ") {
        Some((derived, _)) if item.starts_with("impl zerocopy::") => derived,
        _ => item,
    }
}

/// The lines that one has and the other has not, each behind a sign.
fn difference(kept: &str, listed: &str) -> Vec<String> {
    let without = |one: &str, other: &str, sign: char| -> Vec<String> {
        let others: std::collections::BTreeSet<&str> = other.lines().collect();
        one.lines().filter(|line| !others.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = without(kept, listed, '-');
    lines.extend(without(listed, kept, '+'));
    if lines.is_empty() && kept != listed {
        lines.push("the same lines in another order".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_is_short() {
        assert_eq!(shortened("impl zerocopy::FromBytes for a::B where u8: X"), "impl zerocopy::FromBytes for a::B");
        assert_eq!(shortened("impl<T> a::B<T> where T: C"), "impl<T> a::B<T> where T: C");
    }

    #[test]
    fn what_came_and_went_is_named() {
        let kept = "pub fn a::b()\npub fn a::c()\n";
        assert_eq!(difference(kept, kept), [""; 0]);
        assert_eq!(
            difference(kept, "pub fn a::b()\npub fn a::c(x: u8)\n"),
            ["- pub fn a::c()", "+ pub fn a::c(x: u8)"]
        );
        assert_eq!(difference(kept, "pub fn a::c()\npub fn a::b()\n"), ["the same lines in another order"]);
    }
}
