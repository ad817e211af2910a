// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the object that is linked into a kernel refers to: no panic, and of the outside only what is listed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::core_library::{CoreLibrary, TARGET};
use crate::progress::Step;
use crate::tool;
use crate::workspace::Workspace;

/// The package whose static library holds the exports.
pub(crate) const PACKAGE: &str = "zpci-object";

/// The file that lists what may stay undefined, one symbol a line, `#` before a comment.
const UNDEFINED_SYMBOLS: &str = "glue-c/undefined-symbols.txt";

/// Parts of the names of symbols that exist only where something can panic.
const PANIC: [&str; 4] = ["panic", "unwrap_failed", "expect_failed", "rust_begin_unwind"];

/// Whether the name of such a symbol is in `text`.
pub(crate) fn names_panic(text: &str) -> bool {
    PANIC.iter().any(|part| text.contains(part))
}

/// The symbols of an object.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Symbols {
    /// Global and defined.
    exported: BTreeSet<String>,
    /// Used and not defined.
    undefined: BTreeSet<String>,
    /// All, local ones included.
    all: BTreeSet<String>,
}

/// Links the static library as a kernel does, and checks the symbols of the result; returns how many exports it has.
pub(crate) fn check(workspace: &Workspace, core: &CoreLibrary, step: &Step) -> Result<usize> {
    tool::ensure_all(workspace, &[tool::LINKER, tool::NM])?;
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--package", PACKAGE]);
    core.apply(&mut command);
    step.run(&mut command)?;
    let name = PACKAGE.replace('-', "_");
    let archive = workspace.target.join(TARGET).join("release").join(format!("lib{name}.a"));
    // Of the members of the archive, those of the package itself are named after it; the others are of the compiler.
    let exports = symbols(step, &archive, |member| member.starts_with(&name))?.exported;
    let exports: Vec<&String> = exports.iter().filter(|symbol| !is_mangled(symbol)).collect();
    ensure!(!exports.is_empty(), "{} exports nothing", archive.display());
    let object = workspace.directory("object")?.join(format!("{name}.o"));
    let mut link = Command::new(tool::LINKER.program);
    link.args(["-r", "--gc-sections", "-o"]).arg(&object);
    exports.iter().for_each(|symbol| {
        link.arg("-u").arg(symbol);
    });
    step.run(link.arg(&archive))?;
    let linked = symbols(step, &object, |_| true)?;
    let list = workspace.root.join(UNDEFINED_SYMBOLS);
    let allowed = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let complaints = complaints(&linked, &parse_list(&allowed));
    match complaints.is_empty() {
        true => Ok(exports.len()),
        false => bail!("{}:\n{}", object.display(), complaints.join("\n")),
    }
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
    panics.chain(unlisted).chain(stale).collect()
}

fn symbols(step: &Step, object: &Path, of_member: impl Fn(&str) -> bool) -> Result<Symbols> {
    let mut command = Command::new(tool::NM.program);
    let output = step.run(command.arg("--print-file-name").arg(object))?;
    Ok(parse_symbols(&output, of_member))
}

/// Reads lines `FILE:MEMBER:VALUE TYPE NAME`, of which a single object has no member.
fn parse_symbols(output: &str, of_member: impl Fn(&str) -> bool) -> Symbols {
    let mut symbols = Symbols::default();
    for line in output.lines() {
        let Some((place, rest)) = line.rsplit_once(':') else { continue };
        let member = place.rsplit(':').next().unwrap_or_default();
        // The value is absent for an undefined symbol.
        let mut words = rest.split_whitespace().rev();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
        if !of_member(member) {
            continue;
        }
        symbols.all.insert(name.to_owned());
        match kind {
            "U" | "w" | "v" => symbols.undefined.insert(name.to_owned()),
            kind if kind.chars().all(char::is_uppercase) => symbols.exported.insert(name.to_owned()),
            _ => false,
        };
    }
    symbols
}

/// Whether the name is one that the compiler made, not one that C can call.
fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_R")
        || symbol.starts_with("_ZN")
        || symbol.starts_with("__rust")
        || symbol == "rust_begin_unwind"
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
    fn symbols_are_read() {
        let symbols = parse_symbols(OBJECT, |_| true);
        assert_eq!(symbols.exported, set(&["zpci_map"]));
        assert_eq!(symbols.undefined, set(&["zpci_rpcit"]));
        assert_eq!(symbols.all.len(), 4);
        let archive = "libx.a:x-1.o:0000000000000000 T mine\nlibx.a:core-1.o:0000000000000000 T theirs\n\nx-1.o:\n";
        assert_eq!(parse_symbols(archive, |member| member.starts_with("x-")).exported, set(&["mine"]));
    }

    #[test]
    fn an_object_that_needs_what_is_listed_is_good() {
        let symbols = parse_symbols(OBJECT, |_| true);
        assert_eq!(complaints(&symbols, &parse_list("# the seams\nzpci_rpcit # RPCIT\n\n")), [""; 0]);
    }

    #[test]
    fn a_panic_is_found_wherever_it_is_referred_to() {
        for symbol in ["U _RNvNtCs1_4core9panicking9panic_fmt", "t _ZN4core6option13unwrap_failed17h0E", "U zpci_panic"]
        {
            let text =
                format!("{OBJECT}x.o:0000000000000000 {symbol}\n").replace("0000000000000000 U", "                 U");
            let found = complaints(&parse_symbols(&text, |_| true), &set(&["zpci_rpcit"]));
            assert!(found.len() == 1 && found[0].contains("can panic"), "{found:?}");
        }
    }

    #[test]
    fn what_is_not_listed_and_what_is_listed_in_vain_are_found() {
        let found = complaints(&parse_symbols(OBJECT, |_| true), &set(&["zpci_mpcifc"]));
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("needs zpci_rpcit") && found[1].contains("does not need zpci_mpcifc"), "{found:?}");
    }
}
