// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Everything that must hold before a change is accepted, as named checks; what CI runs.

pub(crate) mod boots;
mod dependencies;
mod examples;
mod frames;
mod helper;
mod kaitai;
mod library;
mod object;
mod packages;
mod public_api;
pub(crate) mod source_text;
mod space;

use std::process::Command;

use anyhow::{bail, Context, Result};

use crate::book;
use crate::boot::Equipment;
use crate::console::ktap::Counts;
use crate::core_library::CoreLibrary;
use crate::image;
use crate::kernel_object::{self, compiler::KernelCompiler};
use crate::linux::{self, Series};
use crate::progress::{print_error, Kept, Step};
use crate::report::Report;
use crate::workspace::Workspace;
use public_api::Compared;

/// Which checks a person wants.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only this check; may be given several times
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// Run those too that take long
    #[arg(long, conflicts_with = "only")]
    all: bool,
    /// Name the checks and end
    #[arg(long)]
    list: bool,
}

/// A check.
struct Check {
    /// What `--only` calls it.
    name: &'static str,
    /// What it is about.
    about: &'static str,
    run: fn(&mut Bench) -> Result<Counts>,
}

impl Check {
    /// Whether it is run only when it is asked for, since it takes longer than all others together.
    fn takes_long(&self) -> bool {
        self.name == LINUX
    }
}

const CHECKS: [Check; 24] = [
    Check { name: "source-text", about: "licence lines, and nothing that belongs to one machine", run: source_text },
    Check { name: "dependencies", about: "what may be linked into a guest", run: dependencies },
    Check { name: "format", about: "rustfmt", run: format },
    Check { name: "clippy", about: "clippy on everything for the host", run: clippy },
    Check { name: "clippy-s390x", about: "clippy on what is linked into a guest, for its target", run: clippy_s390x },
    Check { name: "doc", about: "rustdoc without a warning", run: doc },
    Check { name: "host", about: "all tests on the host", run: host },
    Check {
        name: "kaitai",
        about: "the fields of every structure, transcribed a second time in Kaitai Struct",
        run: kaitai,
    },
    Check { name: "helper", about: "the helper for drgn and zpci say the same of tables", run: helper },
    Check { name: "features", about: "the libraries with every feature and with none", run: features },
    Check { name: "examples", about: "the examples of the packages, and what they print", run: examples },
    Check {
        name: "packages",
        about: "the packages as they are published, and a program that uses them",
        run: packages,
    },
    Check { name: "api", about: "the public items of the libraries are those that are listed", run: api },
    Check { name: "book", about: "the book, with every link in it looked up", run: book },
    Check { name: "loom", about: "tables under concurrent accesses, in every order of them", run: loom },
    Check { name: "library", about: "no panic in any function of the libraries", run: library },
    Check { name: "object", about: "no panic in the object for the kernel, and no unexpected symbol", run: object },
    Check { name: "boot", about: "boot with the default devices", run: boot_default },
    Check { name: "boot-none", about: "boot without devices", run: boot_none },
    Check { name: "boot-many", about: "boot with 140 functions behind bridges", run: boot_many },
    Check { name: "boot-given", about: "boot with devices of other kinds and identifiers", run: boot_given },
    Check { name: "headers", about: "the boundary to C against the headers of Linux", run: headers },
    Check { name: "shim", about: "the driver's C and what it changes, compiled by Linux's own build", run: shim },
    Check { name: LINUX, about: "boot Linux with the driver in it", run: linux },
];

/// The check that boots a kernel.
const LINUX: &str = "linux";

/// The libraries with features that nothing of the workspace asks for.
const FEATURED: [&str; 2] = ["zpci-clp", "s390-iommu"];

/// One test of a check that is not divided into several.
const ONE: Counts = Counts { passed: 1, failed: 0, skipped: 0 };

/// What the checks work on; made when the first one needs it.
struct Bench {
    workspace: Workspace,
    core: Option<CoreLibrary>,
    equipment: Option<Equipment>,
    /// The process that builds the kernel for the last check beside the others, many of which keep one processor busy.
    _kernel: Option<Kept>,
}

impl Bench {
    fn core(&mut self) -> Result<CoreLibrary> {
        if self.core.is_none() {
            self.core = Some(CoreLibrary::obtain(&self.workspace)?);
        }
        self.core.clone().context("no core library")
    }

    fn boot(&mut self, boot: fn(&Workspace, &Equipment) -> Result<Report>) -> Result<Counts> {
        let equipment = match self.equipment.take() {
            Some(equipment) => equipment,
            None => Equipment::prepare(&self.workspace, image::EXERCISE)?,
        };
        let report = boot(&self.workspace, self.equipment.insert(equipment))?;
        Ok(report.counts + ONE)
    }

    /// Runs a cargo command as one test.
    fn cargo(&self, name: &str, arguments: &[&str]) -> Result<Counts> {
        let mut command = self.workspace.cargo();
        command.args(arguments).env("RUSTDOCFLAGS", "-D warnings");
        in_step(name, |step| step.run(&mut command)).map(|_| ONE)
    }
}

/// Runs the checks that `options` name, all of them by default, and returns whether all passed.
pub(crate) fn run(workspace: Workspace, options: &Options) -> Result<bool> {
    if options.list {
        for check in &CHECKS {
            let asked = if check.takes_long() { "; takes long: with --all, or by its name" } else { "" };
            println!("{:14} {}{asked}", check.name, check.about);
        }
        return Ok(true);
    }
    let names = || CHECKS.iter().map(|check| check.name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = options.only.iter().find(|only| CHECKS.iter().all(|check| check.name != only.as_str())) {
        bail!("there is no check \"{unknown}\"; there are {}", names());
    }
    if options.only.is_empty() {
        warn_of_space(space::lacking(&workspace.target));
    }
    let wanted = |check: &&Check| match options.only.is_empty() {
        true => options.all || !check.takes_long(),
        false => options.only.iter().any(|only| only == check.name),
    };
    let ahead = CHECKS.iter().filter(wanted).skip(1).any(|check| check.name == LINUX);
    let kernel = ahead.then(|| linux::begin_check(&workspace)).transpose().unwrap_or_else(|error| {
        // The check that wants it says so again, and fails.
        print_error(&error);
        None
    });
    let mut bench = Bench { workspace, core: None, equipment: None, _kernel: kernel };
    let (mut total, mut failed) = (Counts::default(), Vec::new());
    for check in CHECKS.iter().filter(wanted) {
        eprintln!("\n== {}: {}", check.name, check.about);
        let counts = (check.run)(&mut bench).unwrap_or_else(|error| {
            print_error(&error);
            Counts { failed: 1, ..Counts::default() }
        });
        let verdict = if counts.failed == 0 { "ok" } else { "FAILED" };
        let skipped = if counts.skipped == 0 { String::new() } else { format!(", {} skipped", counts.skipped) };
        println!("check {} ... {verdict} ({} passed{skipped})", check.name, counts.passed);
        if counts.failed != 0 {
            failed.push(check.name);
        }
        total = total + counts;
    }
    if !failed.is_empty() {
        println!("\nfailed: {}", failed.join(", "));
        println!("to repeat: cargo xtask test --only {}", failed.join(" --only "));
        warn_of_space(space::full(&bench.workspace.target));
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    Ok(failed.is_empty())
}

/// Says what was `found` of the space on the disk, which is no reason to end.
fn warn_of_space(found: Result<Option<String>>) {
    match found {
        Ok(None) => {}
        Ok(Some(lacking)) => eprintln!("warning: {lacking}"),
        Err(unknown) => eprintln!("warning: the space on the disk is unknown: {unknown:#}"),
    }
}

/// Writes the lists that the check `api` compares.
pub(crate) fn write_public_api(workspace: &Workspace) -> Result<bool> {
    let core = CoreLibrary::obtain(workspace)?;
    match in_step("Listing", |step| public_api::check(workspace, &core, step, true))? {
        Compared::Same(_) => Ok(true),
        Compared::OtherFormat(format) => bail!("this compiler describes public items in format {format}, unknown here"),
    }
}

/// Shows `work` as a step called `name`.
fn in_step<T>(name: &str, work: impl FnOnce(&Step) -> Result<T>) -> Result<T> {
    let step = Step::start(name);
    let result = work(&step);
    step.end("ok", result)
}

fn shim(bench: &mut Bench) -> Result<Counts> {
    linux::compile_shim(&bench.workspace).map(|()| ONE)
}

fn linux(bench: &mut Bench) -> Result<Counts> {
    linux::check(&bench.workspace)
}

fn source_text(bench: &mut Bench) -> Result<Counts> {
    in_step("Reading the sources", |_| source_text::check(&bench.workspace)).map(|_| ONE)
}

fn dependencies(bench: &mut Bench) -> Result<Counts> {
    in_step("Following the dependencies", |_| dependencies::check(&bench.workspace)).map(|_| ONE)
}

fn format(bench: &mut Bench) -> Result<Counts> {
    let result = bench.cargo("cargo fmt", &["fmt", "--all", "--check"]);
    result.context("`cargo fmt --all` mends this; if there is no rustfmt, `rustup component add rustfmt`")
}

fn clippy(bench: &mut Bench) -> Result<Counts> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    bench.cargo("cargo clippy", &arguments).context("if there is no clippy: `rustup component add clippy`")?;
    // By themselves: what is linked into a kernel has none of these features, and cannot have them.
    let mut arguments = FEATURED.iter().flat_map(|package| ["--package", package]).collect::<Vec<_>>();
    arguments.splice(0..0, ["clippy", "--all-targets", "--all-features"]);
    arguments.extend(["--", "-D", "warnings"]);
    bench.cargo("cargo clippy with every feature", &arguments)
}

fn clippy_s390x(bench: &mut Bench) -> Result<Counts> {
    let core = bench.core()?;
    let mut command = bench.workspace.cargo();
    command.args(["clippy", "--release"]);
    let objects = [kernel_object::DRIVER, kernel_object::CASES].map(|recipe| recipe.package);
    let packages = ["zpci-clp", "s390-iommu", "zpci-machine", image::PACKAGE].into_iter().chain(objects);
    for package in packages.filter(|package| bench.workspace.has_package(package)) {
        command.args(["--package", package]);
    }
    core.apply(&mut command);
    command.args(["--", "-D", "warnings"]);
    in_step("cargo clippy for s390x", |step| step.run(&mut command)).map(|_| ONE)
}

fn doc(bench: &mut Bench) -> Result<Counts> {
    bench.cargo("cargo doc", &["doc", "--workspace", "--no-deps", "--document-private-items"])
}

fn host(bench: &mut Bench) -> Result<Counts> {
    let mut command = bench.workspace.cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    cargo_test("cargo test", &mut command)
}

/// The tests that want the source tree of a kernel: all with the newest one, and names with the oldest one too.
fn headers(bench: &mut Bench) -> Result<Counts> {
    let mut all = Counts::default();
    for (series, filter) in [(Series::V7_3, ""), (Series::V6_12, "name::")] {
        let tree = linux::source_of(&bench.workspace, series)?;
        let mut command = bench.workspace.cargo();
        command.args(["test", "--package", "zpci-glue", "--test", "header", "--", filter]);
        command.env("ZPCI_KERNEL_SOURCE", tree);
        match cargo_test("cargo test", &mut command)? {
            Counts { skipped: 0, .. } => all = all + ONE,
            counts => bail!("{} tests did not run with the source of a kernel at hand", counts.skipped),
        }
    }
    Ok(all)
}

fn kaitai(bench: &mut Bench) -> Result<Counts> {
    let compared = kaitai::check(&bench.workspace)?;
    eprintln!("{compared}");
    Ok(ONE)
}

fn helper(bench: &mut Bench) -> Result<Counts> {
    let compared = helper::check(&bench.workspace)?;
    eprintln!("{compared}");
    Ok(ONE)
}

fn features(bench: &mut Bench) -> Result<Counts> {
    let mut command = bench.workspace.cargo();
    command.args(["test", "--all-features", "--test", "serde"]);
    command.args(FEATURED.iter().flat_map(|package| ["--package", package]));
    let tested = cargo_test("cargo test with every feature", &mut command)?;
    let without =
        bench.cargo("cargo check without features", &["check", "-p", "s390-iommu", "--no-default-features"])?;
    Ok(tested + without)
}

fn examples(bench: &mut Bench) -> Result<Counts> {
    let run = in_step("Running the examples", |step| examples::check(&bench.workspace, step))?;
    Ok(Counts { passed: run as u64, ..Counts::default() })
}

fn packages(bench: &mut Bench) -> Result<Counts> {
    in_step("Packing", |step| packages::check(&bench.workspace, step)).map(|_| ONE)
}

fn api(bench: &mut Bench) -> Result<Counts> {
    let core = bench.core()?;
    let listed = in_step("Listing", |step| public_api::check(&bench.workspace, &core, step, false))?;
    Ok(match listed {
        Compared::Same(listings) => Counts { passed: listings, ..Counts::default() },
        Compared::OtherFormat(format) => {
            eprintln!("SKIPPED: this compiler describes public items in format {format}, which is not read here");
            Counts { skipped: 1, ..Counts::default() }
        }
    })
}

fn book(bench: &mut Bench) -> Result<Counts> {
    let core = bench.core()?;
    let book = book::build(&bench.workspace, &core)?;
    eprintln!("{} links lead somewhere: {}", book.links, book.index.display());
    Ok(ONE)
}

fn loom(bench: &mut Bench) -> Result<Counts> {
    let mut command = bench.workspace.cargo();
    command.args(["test", "--package", "s390-iommu", "--lib", "table::concurrency", "--target-dir"]);
    // Other flags make other objects of everything; they stay apart, so that neither replaces the other.
    command.arg(bench.workspace.directory("loom")?).env("RUSTFLAGS", "--cfg loom");
    cargo_test("cargo test with loom", &mut command)
}

/// Runs the tests that `command` runs, as a step called `name`, and counts them.
fn cargo_test(name: &str, command: &mut Command) -> Result<Counts> {
    let output = in_step(name, |step| step.run(command))?;
    let counts = count_host_tests(&output);
    match counts.passed {
        0 => bail!("{name} ran no test"),
        _ => Ok(counts),
    }
}

fn library(bench: &mut Bench) -> Result<Counts> {
    let core = bench.core()?;
    in_step("Disassembling the libraries", |step| library::check(&bench.workspace, &core, step)).map(|_| ONE)
}

fn object(bench: &mut Bench) -> Result<Counts> {
    let compiler = KernelCompiler::obtain(&bench.workspace)?;
    in_step("Linking the object", |step| object::check(&bench.workspace, &compiler, step)).map(|_| ONE)
}

fn boot_default(bench: &mut Bench) -> Result<Counts> {
    bench.boot(boots::default_devices)
}

fn boot_none(bench: &mut Bench) -> Result<Counts> {
    bench.boot(boots::no_devices)
}

fn boot_many(bench: &mut Bench) -> Result<Counts> {
    bench.boot(boots::many_functions)
}

fn boot_given(bench: &mut Bench) -> Result<Counts> {
    bench.boot(boots::given_devices)
}

/// Adds up the lines `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
fn count_host_tests(output: &str) -> Counts {
    let number = |line: &str, word: &str| {
        let mut words = line.split([' ', ';']).filter(|part| !part.is_empty()).peekable();
        std::iter::from_fn(|| words.next().map(|part| (part, words.peek().copied())))
            .find(|(_, next)| *next == Some(word))
            .and_then(|(part, _)| part.parse::<u64>().ok())
            .unwrap_or(0)
    };
    output.lines().filter_map(|line| line.strip_prefix("test result: ")).fold(Counts::default(), |counts, line| {
        counts
            + Counts {
                passed: number(line, "passed"),
                failed: number(line, "failed"),
                skipped: number(line, "ignored"),
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_tests_are_added_up() {
        let output = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests clp
test result: FAILED. 1 passed; 2 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        assert_eq!(count_host_tests(output), Counts { passed: 4, failed: 2, skipped: 4 });
    }

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let mut names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHECKS.len());
    }
}
