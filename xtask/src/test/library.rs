// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which functions of the libraries can panic, those included that the object for the kernel does not use.
//!
//! Generic functions are not among them: they exist only where they are used, and there the object is looked at.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{bail, ensure, Result};

use super::object::names_panic;
use crate::core_library::{CoreLibrary, TARGET};
use crate::progress::Step;
use crate::tool;
use crate::workspace::Workspace;

/// The libraries.
const PACKAGES: [&str; 2] = ["clp", "s390-iommu"];

/// Compiles each library for the guest, disassembles it, and returns how many functions it looked at.
pub(crate) fn check(workspace: &Workspace, core: &CoreLibrary, step: &Step) -> Result<usize> {
    tool::ensure_all(workspace, &[tool::OBJDUMP])?;
    let mut functions = 0;
    let mut complaints = Vec::new();
    for package in PACKAGES {
        let object = workspace.target.join(TARGET).join("release").join(format!("{package}.o"));
        let mut command = workspace.cargo();
        command.args(["rustc", "--release", "--lib", "--package", package]);
        core.apply(&mut command);
        // Machine code now and not when everything is linked, into a file of a known name.
        command.args(["--", "-Clinker-plugin-lto=no", &format!("--emit=obj={}", object.display())]);
        step.run(&mut command)?;
        let mut disassemble = Command::new(tool::OBJDUMP.program);
        disassemble.args(["--disassemble", "--reloc", "--demangle"]).arg(&object);
        let listing = step.run(&mut disassemble)?;
        let count = listing.lines().filter_map(function_name).count();
        ensure!(count > 0, "{} has no function", object.display());
        functions += count;
        let panicking = panicking_functions(&listing);
        complaints.extend(panicking.into_iter().map(|function| format!("{package}: {function} can panic")));
    }
    if complaints.is_empty() {
        Ok(functions)
    } else {
        bail!("{}", complaints.join("\n"))
    }
}

/// The functions with a call that leads to a panic, without those that `bitfield-struct` makes.
fn panicking_functions(listing: &str) -> BTreeSet<&str> {
    let mut current = "";
    let mut found = BTreeSet::new();
    for line in listing.lines() {
        if let Some(name) = function_name(line) {
            current = name;
        } else if line.contains("R_390_") && names_panic(line) && !is_bit_field_setter(current) {
            found.insert(current);
        }
    }
    found
}

/// Reads `0000000000000000 <NAME>:`.
fn function_name(line: &str) -> Option<&str> {
    let (address, name) = line.split_once(" <")?;
    let name = name.strip_suffix(">:")?;
    (!address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit())).then_some(name)
}

/// Whether the function is `<crate::module::Type>::set_field` or `with_field`, which refuse a value too wide for the field.
///
/// Where one is used it becomes part of its user, and is then found there unless the value is known to fit.
fn is_bit_field_setter(name: &str) -> bool {
    let method = name.strip_prefix('<').and_then(|name| name.split_once(">::")).map(|(_, method)| method);
    method.is_some_and(|method| method.starts_with("set_") || method.starts_with("with_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\
0000000000000000 <<clp::mio::ValidBars>::set_bars>:
   0:	eb ef f0 70 00 24 	stmg	%r14,%r15,112(%r15)
			3e: R_390_PLT32DBL	core::panicking::panic_fmt+0x2

0000000000000000 <<clp::mio::Mio as clp::Decode>::decode>:
   0:	07 fe 	br	%r14
			3e: R_390_PLT32DBL	clp::other+0x2

0000000000000000 <clp::list_pci::set_count>:
			3e: R_390_PLT32DBL	core::panicking::panic_bounds_check+0x2
			4e: R_390_PC32DBL	.rodata+0x2
";

    #[test]
    fn functions_that_can_panic_are_named() {
        assert_eq!(LISTING.lines().filter_map(function_name).count(), 3);
        assert_eq!(panicking_functions(LISTING), BTreeSet::from(["clp::list_pci::set_count"]));
    }

    #[test]
    fn setters_of_bit_fields_are_told_from_functions_of_ours() {
        assert!(is_bit_field_setter("<s390_iommu::iota::Iota>::with_origin_high"));
        assert!(!is_bit_field_setter("s390_iommu::dump::with_tree"));
        assert!(!is_bit_field_setter("<s390_iommu::iota::Iota>::origin"));
    }
}
