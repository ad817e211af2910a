// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the object that is linked into a kernel refers to: no panic, of the outside only what is listed, by relocations
//! that a kernel takes; no branch to an address that it computes; and frames by which a kernel finds its callers.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{bail, ensure, Result};

use super::frames;
use crate::kernel_object::expoline::{TABLES, THUNK};
use crate::kernel_object::{self, compiler::KernelCompiler, symbols::Symbols, Expoline};
use crate::progress::Step;
use crate::tool;
use crate::workspace::{read_text, Workspace};

/// The file that lists what may stay undefined, one symbol a line, `#` before a comment.
const UNDEFINED_SYMBOLS: &str = "glue-c/undefined-symbols.txt";

/// The longest name that a kernel takes into its table of symbols, which back traces are made with: `KSYM_NAME_LEN` with
/// the zero behind it.
const LONGEST_NAME: usize = 511;

/// Parts of the names of symbols that exist only where something can panic.
const PANIC: [&str; 4] = ["panic", "unwrap_failed", "expect_failed", "rust_begin_unwind"];

/// The relocations that Linux takes in built-in code (`arch/s390/tools/relocs.c`) and in a module
/// (`arch/s390/kernel/module.c`).
const RELOCATIONS: [&str; 6] =
    ["R_390_64", "R_390_PC32", "R_390_PC64", "R_390_PC32DBL", "R_390_PLT32DBL", "R_390_GOTENT"];

/// Whether the name of such a symbol is in `text`.
pub(crate) fn names_panic(text: &str) -> bool {
    PANIC.iter().any(|part| text.contains(part))
}

/// Links the static library as a kernel does, and checks the result; returns how many exports it has.
pub(crate) fn check(workspace: &Workspace, compiler: &KernelCompiler, step: &Step) -> Result<usize> {
    let object = kernel_object::build(workspace, compiler, step, kernel_object::DRIVER)?;
    let linked = Symbols::read(step, &object.path, |_| true)?;
    let list = workspace.root.join(UNDEFINED_SYMBOLS);
    let allowed = read_text(&list)?;
    let mut complaints = complaints(&linked, &parse_list(&allowed));
    let listing = step.run(Command::new(tool::OBJDUMP.program).arg("-dr").arg(&object.path))?;
    complaints.extend(indirect_branches(&listing));
    complaints.extend(foreign_relocations(&listing));
    let (frames, broken) = frames::broken(&listing);
    match (object.has_back_chain, broken.is_empty()) {
        (true, _) => complaints.extend(broken),
        (false, false) => eprintln!("left out: back traces through the object, for which there is no compiler"),
        (false, true) => complaints.push("has packed frames, and nobody says so".to_owned()),
    }
    ensure!(frames > 0, "{} has no frame that could be looked at", object.path.display());
    if let Some(expoline) = &object.expoline {
        complaints.extend(expoline_complaints(step, expoline, &object.exports, &parse_list(&allowed))?);
    }
    match complaints.is_empty() {
        true => Ok(object.exports.len()),
        false => bail!("{}:\n{}", object.path.display(), complaints.join("\n")),
    }
}

/// What is wrong with the object for kernels with expolines: a branch that goes through no thunk, one that the kernel could
/// not take the thunk out of, another interface than the other object has.
fn expoline_complaints(
    step: &Step,
    expoline: &Expoline,
    exports: &[String],
    allowed: &BTreeSet<String>,
) -> Result<Vec<String>> {
    let of_expoline = |complaint| format!("with expolines: {complaint}");
    let mut linked = Symbols::read(step, &expoline.path, |_| true)?;
    linked.undefined.retain(|symbol| !symbol.starts_with(THUNK));
    let mut found = complaints(&linked, allowed);
    if !linked.exported.iter().eq(exports) {
        found.push(format!("exports {:?} in place of {exports:?}", linked.exported));
    }
    let listing = step.run(Command::new(tool::OBJDUMP.program).arg("-dr").arg(&expoline.path))?;
    found.extend(register_branches(&listing, &["%r0"]));
    found.extend(foreign_relocations(&listing));
    let tables = step.run(Command::new(tool::OBJDUMP.program).arg("-r").arg(&expoline.path))?;
    let (jumps, entries) = (thunk_jumps(&listing), table_entries(&tables));
    if jumps != entries {
        found.push(format!("jumps to thunks at {jumps:x?}, and entries for {entries:x?}"));
    }
    if jumps.len() != expoline.branches {
        found.push(format!("{} jumps to thunks in place of {} branches", jumps.len(), expoline.branches));
    }
    Ok(found.into_iter().map(of_expoline).collect())
}

/// Where a disassembly jumps to a thunk: the instruction that the relocation before is in the middle of.
fn thunk_jumps(listing: &str) -> BTreeSet<u64> {
    let relocations = listing.lines().filter(|line| line.contains("R_390_") && line.contains(THUNK));
    // The operand is two bytes behind the start of BRCL and BRASL.
    relocations.filter_map(|line| hexadecimal(line.trim().split(':').next()?)?.checked_sub(2)).collect()
}

/// The instructions that the tables name, out of the relocations of an object.
fn table_entries(relocations: &str) -> BTreeSet<u64> {
    let mut in_table = false;
    let mut found = BTreeSet::new();
    for line in relocations.lines() {
        if let Some(section) = line.strip_prefix("RELOCATION RECORDS FOR [") {
            in_table = TABLES.iter().any(|table| section.strip_prefix(table) == Some("]:"));
        }
        let target = line.split_once(" R_390_PC32 ").and_then(|(_, target)| target.trim().strip_prefix(".text"));
        if let (true, Some(target)) = (in_table, target) {
            found.extend(if target.is_empty() { Some(0) } else { target.strip_prefix('+').and_then(hexadecimal) });
        }
    }
    found
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// What is wrong with an object of these symbols.
fn complaints(linked: &Symbols, allowed: &BTreeSet<String>) -> Vec<String> {
    let can_panic = |symbol: &&String| names_panic(symbol);
    let panics =
        linked.all.iter().filter(can_panic).map(|symbol| format!("refers to {symbol}, so something in it can panic"));
    let foreign = linked.undefined.difference(allowed).filter(|symbol| !can_panic(symbol));
    let unlisted = foreign.map(|symbol| format!("needs {symbol}, which {UNDEFINED_SYMBOLS} does not list"));
    let unused = allowed.difference(&linked.undefined);
    let stale = unused.map(|symbol| format!("does not need {symbol}, which {UNDEFINED_SYMBOLS} lists"));
    let long = linked.all.iter().filter(|symbol| symbol.len() > LONGEST_NAME);
    let nameless = long.map(|symbol| {
        let start = symbol.get(..100).unwrap_or(symbol);
        format!("has a name of {} bytes, and back traces take {LONGEST_NAME}: {start}...", symbol.len())
    });
    panics.chain(unlisted).chain(stale).chain(nameless).collect()
}

/// The branches of a disassembly that go to an address in a register and are no return.
///
/// A branch by register 0 goes nowhere: it is how a processor is made to wait for its stores.
fn indirect_branches(listing: &str) -> Vec<String> {
    register_branches(listing, &["%r0", "%r14"])
}

/// The branches of a disassembly that go to an address in a register that is not one of `harmless`.
fn register_branches(listing: &str, harmless: &[&str]) -> Vec<String> {
    let mut function = "";
    let mut found = Vec::new();
    for line in listing.lines() {
        if let Some((_, name)) = line.split_once(" <") {
            if let Some(name) = name.strip_suffix(">:") {
                function = name;
            }
        }
        let mut words = line.rsplit('\t');
        let (Some(operands), Some(mnemonic)) = (words.next(), words.next()) else { continue };
        let target = operands.trim().rsplit(',').next().unwrap_or_default();
        let indirect = match mnemonic.trim() {
            "basr" | "balr" | "bassm" | "bsm" | "bctgr" => target != "%r0",
            name if name.starts_with('b') && name.ends_with('r') && operands.contains("%r") => {
                !harmless.contains(&target)
            }
            // Compare and branch: CRB, CGRB, CLRB, CLGRB, CIB, CGIB, CLIB, CLGIB.
            name if is_compare_and_branch(name) => {
                !harmless.iter().any(|register| target.contains(&format!("({register})")))
            }
            _ => false,
        };
        if indirect {
            found.push(format!("branches to an address in a register in {function}: {}", line.trim()));
        }
    }
    found
}

/// Whether the instruction compares and branches to an address in a register, and not to one that it names itself.
fn is_compare_and_branch(name: &str) -> bool {
    let comparisons = ["crb", "cgrb", "clrb", "clgrb", "cib", "cgib", "clib", "clgib"];
    comparisons.iter().any(|comparison| name.starts_with(comparison))
}

/// The relocations of a disassembly that a kernel does not take.
fn foreign_relocations(listing: &str) -> Vec<String> {
    let kinds: BTreeSet<&str> =
        listing.split_whitespace().filter(|word| word.starts_with("R_390_") && !RELOCATIONS.contains(word)).collect();
    kinds.into_iter().map(|kind| format!("has relocations of type {kind}, which a kernel does not take")).collect()
}

fn parse_list(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.split('#').next())
        .map(|line| line.trim().to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "\
x.o:0000000000000000 T zpci_map
x.o:0000000000000010 t _RNvNtCs1_4core9something
x.o:                 U zpci_rpcit
x.o:0000000000000020 r .Lanon
";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_object_that_needs_what_is_listed_is_good() {
        let symbols = Symbols::parse(OBJECT, |_| true);
        assert_eq!(complaints(&symbols, &parse_list("# the seams\nzpci_rpcit # RPCIT\n\n")), [""; 0]);
    }

    #[test]
    fn a_panic_is_found_wherever_it_is_referred_to() {
        for symbol in ["U _RNvNtCs1_4core9panicking9panic_fmt", "t _ZN4core6option13unwrap_failed17h0E", "U zpci_panic"]
        {
            let text =
                format!("{OBJECT}x.o:0000000000000000 {symbol}\n").replace("0000000000000000 U", "                 U");
            let found = complaints(&Symbols::parse(&text, |_| true), &set(&["zpci_rpcit"]));
            assert!(found.len() == 1 && found[0].contains("can panic"), "{found:?}");
        }
    }

    #[test]
    fn what_is_not_listed_and_what_is_listed_in_vain_are_found() {
        let found = complaints(&Symbols::parse(OBJECT, |_| true), &set(&["zpci_mpcifc"]));
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("needs zpci_rpcit") && found[1].contains("does not need zpci_mpcifc"), "{found:?}");
    }

    #[test]
    fn a_name_that_no_back_trace_takes_is_found() {
        for (length, is_good) in [(511, true), (512, false)] {
            let name = "n".repeat(length);
            let text = format!("{OBJECT}x.o:0000000000000030 t {name}\n");
            let found = complaints(&Symbols::parse(&text, |_| true), &set(&["zpci_rpcit"]));
            assert_eq!(found.is_empty(), is_good, "{found:?}");
        }
    }

    #[test]
    fn branches_by_register_are_found() {
        let listing = "\
0000000000000000 <first>:
   0:\t07 fe               \tbr\t%r14
   2:\t07 f0               \tbr\t%r0
   4:\ta7 f4 00 00         \tj\t4 <first+0x4>
   8:\tb9 04 00 21         \tlgr\t%r2,%r1

0000000000000010 <second>:
  10:\t07 f1               \tbr\t%r1
  12:\t0d e1               \tbasr\t%r14,%r1
  14:\t07 8e               \tber\t%r14
  16:\t07 83               \tber\t%r3
";
        let found = indirect_branches(listing);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().all(|complaint| complaint.contains("in second:")), "{found:?}");
    }

    #[test]
    fn returns_are_found_where_they_need_thunks() {
        let listing = "\
0000000000000000 <first>:
   0:\t07 fe               \tbr\t%r14
   2:\t07 f0               \tbr\t%r0
   4:\tec 20 e0 00 82 fd   \tclgibe\t%r2,0,0(%r14)
   a:\tc0 f4 00 00 00 00   \tjg\ta <first+0xa>
";
        assert_eq!(indirect_branches(listing), [""; 0]);
        assert_eq!(register_branches(listing, &["%r0"]).len(), 2);
    }

    #[test]
    fn each_jump_to_a_thunk_has_an_entry() {
        let listing = "\
   0:\tc0 f4 00 00 00 00   \tjg\t0 <first>
\t\t\t2: R_390_PC32DBL\t__s390_indirect_jump_r14+0x2
   6:\tc0 e5 00 00 00 00   \tbrasl\t%r14,6 <first+0x6>
\t\t\t8: R_390_PLT32DBL\tzpci_rust_call+0x2
  1a:\tc0 f4 00 00 00 00   \tjg\t1a <first+0x1a>
\t\t\t1c: R_390_PC32DBL\t__s390_indirect_jump_r14+0x2
";
        let tables = "\
RELOCATION RECORDS FOR [.text]:
OFFSET           TYPE              VALUE
0000000000000002 R_390_PC32        .text+0x0000000000000099

RELOCATION RECORDS FOR [.s390_return_reg]:
OFFSET           TYPE              VALUE
0000000000000000 R_390_PC32        .text
0000000000000004 R_390_PC32        .text+0x000000000000001a
";
        assert_eq!(thunk_jumps(listing), BTreeSet::from([0, 0x1a]));
        assert_eq!(table_entries(tables), thunk_jumps(listing));
    }

    #[test]
    fn relocations_that_a_kernel_does_not_take_are_found() {
        let listing = "\t\t\t4: R_390_PLT32DBL\tx+0x2\n\t\t\t8: R_390_32\ty\n\t\t\tc: R_390_32\tz\n";
        assert_eq!(foreign_relocations(listing), ["has relocations of type R_390_32, which a kernel does not take"]);
    }
}
