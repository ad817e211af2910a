// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The symbols of an object or of the members of an archive.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::progress::Step;
use crate::tool;

/// The symbols of an object.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Symbols {
    /// Global and defined.
    pub(crate) exported: BTreeSet<String>,
    /// Used and not defined.
    pub(crate) undefined: BTreeSet<String>,
    /// All, local ones included.
    pub(crate) all: BTreeSet<String>,
}

impl Symbols {
    /// Reads the symbols of `object`; of an archive those of the members that `of_member` takes.
    pub(crate) fn read(step: &Step, object: &Path, of_member: impl Fn(&str) -> bool) -> Result<Self> {
        let mut command = Command::new(tool::NM.program);
        let output = step.run(command.arg("--print-file-name").arg(object))?;
        Ok(Self::parse(&output, of_member))
    }

    /// Reads lines `FILE:MEMBER:VALUE TYPE NAME`, of which a single object has no member.
    pub(crate) fn parse(output: &str, of_member: impl Fn(&str) -> bool) -> Self {
        let mut symbols = Self::default();
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
}

/// Whether the name is one that the compiler made, not one that C can call.
pub(crate) fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_R")
        || symbol.starts_with("_ZN")
        || symbol.starts_with("__rust")
        || symbol == "rust_begin_unwind"
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

    #[test]
    fn symbols_are_read() {
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let symbols = Symbols::parse(OBJECT, |_| true);
        assert_eq!(symbols.exported, set("zpci_map"));
        assert_eq!(symbols.undefined, set("zpci_rpcit"));
        assert_eq!(symbols.all.len(), 4);
        let archive = "libx.a:x-1.o:0000000000000000 T mine\nlibx.a:core-1.o:0000000000000000 T theirs\n\nx-1.o:\n";
        assert_eq!(Symbols::parse(archive, |member| member.starts_with("x-")).exported, set("mine"));
    }
}
