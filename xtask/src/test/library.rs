// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which functions of the libraries can panic, those included that the object for the kernel does not use.
//!
//! Generic functions exist only where they are used: what a kernel uses of them is in the object for it, which is looked at too,
//! and what a VMM uses is in the library for one in C, compiled for the host.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use super::object;
use crate::apt::Wanted;
use crate::core_library::{CoreLibrary, TARGET};
use crate::progress::Step;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// A library, and whose functions in it are to be looked at.
struct Library {
    package: &'static str,
    crates: &'static [&'static str],
    /// Compiled for this machine, else for the guest.
    host: bool,
}

const LIBRARIES: [Library; 4] = [
    Library { package: "zpci-clp", crates: &["clp"], host: false },
    Library { package: "s390-iommu", crates: &["s390_iommu"], host: false },
    Library { package: "zpci-machine", crates: &["zpci_machine"], host: false },
    Library { package: "zpci-vmm", crates: &["zpci_vmm", "clp", "s390_iommu"], host: true },
];

/// What joins and disassembles objects for this machine.
const LINKER: Tool = Tool {
    program: "ld",
    package: Wanted { name: "binutils", minimum: "0", purpose: "joins and disassembles objects of this machine" },
    ..tool::LINKER
};
const OBJDUMP: Tool = Tool { program: "objdump", ..LINKER };

/// Puts all functions into one section: what disassembles takes minutes where each has one of its own.
const SCRIPT: &str = "SECTIONS { .text : { *(.text .text.*) } }\n";

/// Compiles each library, disassembles it, and returns how many functions it looked at.
pub(crate) fn check(workspace: &Workspace, core: &CoreLibrary, step: &Step) -> Result<usize> {
    tool::ensure_all(workspace, &[tool::LINKER, tool::OBJDUMP, LINKER, OBJDUMP])?;
    let directory = workspace.directory("library")?;
    let script = directory.join("one-section.ld");
    fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
    let mut functions = 0;
    let mut complaints = Vec::new();
    for Library { package, crates, host } in LIBRARIES {
        let (place, linker, objdump) = match host {
            true => (workspace.target.clone(), LINKER, OBJDUMP),
            false => (workspace.target.join(TARGET), tool::LINKER, tool::OBJDUMP),
        };
        let object = place.join("release").join(format!("{package}.o"));
        let mut command = workspace.cargo();
        command.args(["rustc", "--release", "--lib", "--crate-type", "rlib", "--package", package]);
        if !host {
            core.apply(&mut command);
        }
        // Machine code now and not when everything is linked, also of functions that are too small for a place of their
        // own, into a file of a known name.
        command.args(["--", "-Clinker-plugin-lto=no", "-Clink-dead-code", &format!("--emit=obj={}", object.display())]);
        step.run(&mut command)?;
        let joined = directory.join(format!("{package}.o"));
        let mut join = Command::new(linker.program);
        step.run(join.args(["--relocatable", "--script"]).arg(&script).arg("-o").arg(&joined).arg(&object))?;
        let mut disassemble = Command::new(objdump.program);
        disassemble.args(["--disassemble", "--reloc", "--demangle"]).arg(&joined);
        let listing = step.run(&mut disassemble)?;
        let count = listing.lines().filter_map(function_name).count();
        ensure!(count > 0, "{} has no function", object.display());
        functions += count;
        let panicking = panicking_functions(&listing, crates);
        complaints.extend(panicking.into_iter().map(|function| format!("{package}: {function} can panic")));
    }
    if complaints.is_empty() {
        Ok(functions)
    } else {
        bail!("{}", complaints.join("\n"))
    }
}

/// The functions of `crates` with a call that leads to a panic, directly or through functions of others.
///
/// Left out are setters that `bitfield-struct` makes, and methods that a trait of `core` provides.
fn panicking_functions<'a>(listing: &'a str, crates: &[&str]) -> BTreeSet<&'a str> {
    let calls = calls(listing);
    let is_ours = |name: &str| {
        let is_of_any = is_export(name) || crates.iter().any(|crate_name| is_of_crate(name, crate_name));
        is_of_any && !is_bit_field_setter(name) && !is_provided(name)
    };
    let mut panicking: BTreeSet<&str> = BTreeSet::new();
    loop {
        // A function of ours is complained of itself; that its callers call it is no news.
        let leads_to_panic = |callee: &&str| names_panic(callee) || (panicking.contains(callee) && !is_ours(callee));
        let next: BTreeSet<&str> =
            calls.iter().filter(|(_, callees)| callees.iter().any(leads_to_panic)).map(|(name, _)| *name).collect();
        if next == panicking {
            break;
        }
        panicking = next;
    }
    panicking.retain(|name| is_ours(name));
    panicking
}

/// What each function refers to.
fn calls(listing: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut calls: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut current = "";
    for line in listing.lines() {
        if let Some(name) = function_name(line) {
            current = name;
            calls.entry(name).or_default();
        } else if let Some((_, reference)) = line.split_once(": R_") {
            let symbol = reference.split_once(char::is_whitespace).map_or("", |(_, symbol)| symbol.trim());
            // What is added to its address.
            let added = symbol.rfind("+0x").max(symbol.rfind("-0x"));
            let symbol = added.and_then(|place| symbol.get(..place)).unwrap_or(symbol);
            calls.entry(current).or_default().insert(symbol);
        }
    }
    calls
}

/// Whether the name is one of `core`'s functions that end in a panic.
fn names_panic(name: &str) -> bool {
    object::names_panic(name) || (name.starts_with("core::") && name.contains("_fail"))
}

/// Whether `name` is of the crate, or a method of one of its types.
fn is_of_crate(name: &str, crate_name: &str) -> bool {
    let name = name.trim_start_matches(['<', '&']);
    name.strip_prefix(crate_name).is_some_and(|rest| rest.starts_with("::"))
}

/// Whether C knows the function by this name.
fn is_export(name: &str) -> bool {
    name.starts_with("zpci_") && !name.contains("::")
}

/// Whether the function is a method with a documented panic that a trait of `core` provides for a type of ours.
fn is_provided(name: &str) -> bool {
    name.ends_with(" as core::cmp::Ord>::clamp")
        || name.ends_with(" as core::iter::traits::iterator::Iterator>::step_by")
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

0000000000000000 <clp::other>:
			3e: R_390_PLT32DBL	core::panicking::panic_bounds_check+0x2
			4e: R_390_PC32DBL	.rodata+0x2

0000000000000000 <clp::id::number>:
			3e: R_390_PLT32DBL	<clp::mio::ValidBars>::set_bars+0x2

0000000000000000 <<[u8]>::fill_from>:
			3e: R_390_PLT32DBL	core::slice::len_mismatch_fail+0x2

0000000000000000 <<&clp::id::Id as core::fmt::Debug>::fmt>:
			3e: R_390_PLT32DBL	<[u8]>::fill_from+0x2

0000000000000000 <<clp::id::Id as core::cmp::Ord>::clamp>:
			3e: R_390_PLT32DBL	core::panicking::panic+0x2
";

    #[test]
    fn functions_that_can_panic_are_named() {
        assert_eq!(LISTING.lines().filter_map(function_name).count(), 7);
        // Directly; through a setter that was not made part of it; through a function of another crate.
        let found = ["clp::other", "clp::id::number", "<&clp::id::Id as core::fmt::Debug>::fmt"];
        assert_eq!(panicking_functions(LISTING, &["clp"]), BTreeSet::from(found));
        assert_eq!(panicking_functions(LISTING, &["s390_iommu"]), BTreeSet::new());
        // As another machine has it.
        let listing = LISTING.replace("R_390_PLT32DBL\t", "R_X86_64_GOTPCREL\t").replace("+0x2", "-0x4");
        assert_eq!(panicking_functions(&listing, &["s390_iommu", "clp"]), BTreeSet::from(found));
    }

    #[test]
    fn exports_are_ours() {
        let listing = "0000000000000010 <zpci_clp>:\n\t\t\t3e: R_X86_64_PLT32\tcore::panicking::panic-0x4\n";
        assert_eq!(panicking_functions(listing, &["clp"]), BTreeSet::from(["zpci_clp"]));
        assert!(!is_export("zpci_machine::storage"));
    }

    #[test]
    fn setters_of_bit_fields_are_told_from_functions_of_ours() {
        assert!(is_bit_field_setter("<s390_iommu::iota::Iota>::with_origin_high"));
        assert!(!is_bit_field_setter("s390_iommu::dump::with_tree"));
        assert!(!is_bit_field_setter("<s390_iommu::iota::Iota>::origin"));
    }
}
