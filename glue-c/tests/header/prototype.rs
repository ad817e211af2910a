// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Prototypes of the exports and imports, made from their source.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use cbindgen::{Builder, Config, ExportConfig, ItemType, Language};

use crate::compiler::{accept, check, file};

/// The types that the header has in C alone; a block and a function information block are bytes there.
const TYPES: [(&str, &str); 21] = [
    ("Block", "void"),
    ("Fib", "void"),
    ("ForeignAttachment", "struct zpci_rust_attachment"),
    ("ForeignChain", "struct shim_chain"),
    ("ForeignDomain", "struct shim_domain"),
    ("ForeignEvent", "struct stand_in_event"),
    ("ForeignFunction", "struct zpci_rust_function"),
    ("ForeignLimits", "struct zpci_rust_limits"),
    ("ForeignMember", "struct zpci_rust_member"),
    ("ForeignOutcome", "struct zpci_rust_outcome"),
    ("ForeignRange", "struct zpci_rust_range"),
    ("ForeignReclaimed", "struct zpci_rust_reclaimed"),
    ("ForeignRefusal", "struct zpci_rust_refusal"),
    ("ForeignRoot", "struct zpci_rust_root"),
    ("ForeignTable", "struct zpci_rust_table"),
    ("ForeignUnmapped", "struct zpci_rust_unmapped"),
    ("KernelFunction", "struct shim_function"),
    ("KernelHooks", "struct kernel_hooks"),
    ("KernelLock", "rwlock_t"),
    ("KernelWaited", "struct kernel_waited"),
    ("MachineHooks", "struct stand_in_machine"),
];

/// The C declarations of all functions in `sources`, without the semicolon.
fn declarations(sources: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
    let owned = |(rust, c): (&str, &str)| (rust.to_owned(), c.to_owned());
    let config = Config {
        language: Language::C,
        no_includes: true,
        documentation: false,
        export: ExportConfig {
            item_types: vec![ItemType::Functions],
            exclude: TYPES.map(|(rust, _)| rust.to_owned()).into(),
            rename: TYPES.map(owned).into(),
            ..ExportConfig::default()
        },
        ..Config::default()
    };
    let builder = sources.into_iter().fold(Builder::new().with_config(config), Builder::with_src);
    let mut text = Vec::new();
    builder.generate().expect("sources that cbindgen reads").write(&mut text);
    let text = String::from_utf8(text).expect("UTF-8");
    let declarations = text.split(';').map(str::trim).filter(|text| text.contains('('));
    declarations.map(str::to_owned).collect()
}

/// Those of the exports, and those of what Rust takes from C, which come with `extern`.
fn boundary() -> Vec<String> {
    let entries = fs::read_dir(file("src")).expect("the sources");
    let mut sources: Vec<PathBuf> = entries.map(|entry| entry.expect("the sources").path()).collect();
    sources.retain(|path| !path.ends_with("lib.rs"));
    sources.push(file("object/src/lib.rs"));
    declarations(sources)
}

/// The name of the function that is declared.
fn name(declaration: &str) -> &str {
    let (before, _) = declaration.split_once('(').expect("a function");
    before.rsplit([' ', '*', '\n']).next().unwrap_or_default()
}

fn text(header: &str, declarations: &[String]) -> String {
    let includes = "#include <stdbool.h>\n#include <stdint.h>\n";
    format!("{includes}#include \"{header}\"\n{};\n", declarations.join(";\n"))
}

pub(crate) fn exports_and_imports() {
    let declarations = boundary();
    assert!(declarations.len() >= 30, "{declarations:#?}");
    accept(&text("zpci_rust.h", &declarations), &[]);
}

/// With another return type the compiler refuses each, which it would not if the header did not declare it.
pub(crate) fn each_is_compared() {
    for declaration in boundary() {
        let (_, after) = declaration.split_once(name(&declaration)).expect("its name");
        let other = format!("struct other {}{after}", name(&declaration));
        assert!(check(&text("zpci_rust.h", &[other]), &[]).is_err(), "{declaration}");
    }
}

/// The names of the functions that `header` declares.
fn declared(header: &str) -> BTreeSet<&str> {
    header
        .split("/*")
        .map(|part| part.split_once("*/").map_or(part, |(_, code)| code))
        .flat_map(|code| code.split(';'))
        .filter(|declaration| declaration.contains('('))
        .map(name)
        .collect()
}

/// The header declares nothing that Rust does not know.
pub(crate) fn none_is_missing() {
    let header = fs::read_to_string(file("include/zpci_rust.h")).expect("the header");
    let boundary = boundary();
    assert_eq!(declared(&header), boundary.iter().map(|declaration| name(declaration)).collect());
}

/// A kernel with the crates from source compares each of them with the header when it is built, by its name; a panic it has
/// none of.
pub(crate) fn compared_by_the_kernel() {
    let list = fs::read_to_string(file("kernel/zpci_prototypes.rs")).expect("the list");
    let compared = list.lines().map(str::trim).filter(|line| line.starts_with("zpci_rust_"));
    let boundary = boundary();
    let all = boundary.iter().map(|declaration| name(declaration)).filter(|name| *name != "zpci_rust_panic");
    assert_eq!(compared.collect::<BTreeSet<_>>(), all.collect());
}

/// What Rust takes from C is what the object may leave undefined; a panic it must not refer to.
pub(crate) fn undefined_symbols() {
    let list = fs::read_to_string(file("undefined-symbols.txt")).expect("the list");
    let listed: BTreeSet<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    let boundary = boundary();
    let imports = boundary.iter().filter(|declaration| declaration.starts_with("extern")).map(|text| name(text));
    assert_eq!(listed, imports.filter(|name| *name != "zpci_rust_panic").collect());
}

/// The C side of the tests is declared in Rust as it is in C.
pub(crate) fn c_side_of_the_tests() {
    let options = ["tests/c", "tests/linux"].map(|folder| format!("-I{}", file(folder).display()));
    let mut all = declarations([file("tests/host/binding.rs")]);
    for (prefix, header) in
        [("shim_", "shim.h"), ("stand_in_", "stand_in.h"), ("kernel_", "kernel_test.h"), ("zpci_rust_", "zpci_rust.h")]
    {
        let (declarations, others) =
            all.into_iter().partition::<Vec<_>, _>(|declaration| name(declaration).starts_with(prefix));
        all = others;
        assert!(declarations.len() >= 4, "{declarations:#?}");
        accept(&text(header, &declarations), &options);
        for declaration in &declarations {
            let (_, after) = declaration.split_once(name(declaration)).expect("its name");
            let other = format!("struct other {}{after}", name(declaration));
            assert!(check(&text(header, &[other]), &options).is_err(), "{declaration}");
        }
    }
    assert_eq!(all, [""; 0]);
    // All that the shim can be asked is asked by some test.
    let bindings = ["tests/host/binding.rs", "tests/interleavings/binding.rs"].map(file);
    let bound = bindings.map(|path| fs::read_to_string(path).expect("the bindings")).concat();
    let shim = fs::read_to_string(file("tests/c/shim.h")).expect("the header");
    for name in declared(&shim) {
        assert!(bound.contains(&format!("fn {name}(")), "{name}");
    }
}
