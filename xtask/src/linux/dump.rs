// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Dumps a guest whose function has much mapped, and compares the walks of `zpci` and of drgn with what the guest recorded.

mod drgn;
mod reader;
mod record;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use serde_json::Value;

use self::drgn::Drgn;
use self::reader::{Core, Zpci};
use self::record::Record;
use super::boots::DUMP;
use super::device::DEVICES;
use super::guest::{Guest, Needs};
use super::{build_as, Options, Series, LIMIT};
use crate::progress::Step;
use crate::workspace::Workspace;

/// Added to the configuration of the kernels, below the workspace.
const CONFIGURATION: &str = "qemu-s390x/linux/config-dump";

/// How many addresses are given to one run of a program.
const AT_A_TIME: usize = 2000;

/// Which kernels a person wants.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DumpOptions {
    /// Series of the kernel whose source Debian packages
    #[arg(long, value_enum, default_value_t = Series::V7_2)]
    kernel: Series,
    /// Look at a kernel with this driver alone
    #[arg(long, value_name = "DRIVER")]
    only: Option<Driver>,
    /// Number of addresses that are followed in each dump
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    addresses: usize,
    /// Look at the dumps of the last time
    #[arg(long)]
    again: bool,
}

/// Whose driver it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Driver {
    /// The kernel's own
    Stock,
    /// That of the crates
    Rust,
}

impl Driver {
    const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Rust => "rust",
        }
    }
}

/// A dump, and what belongs to it.
struct Dump {
    core: PathBuf,
    executable: PathBuf,
    record: Record,
}

/// Makes the dumps and compares; `true`, since what differs is an error.
pub(crate) fn run(workspace: &Workspace, options: &DumpOptions) -> Result<bool> {
    let zpci = Zpci::build(workspace)?;
    let drgn = Drgn::obtain(workspace)?;
    let drivers = match options.only {
        Some(driver) => vec![driver],
        None => vec![Driver::Stock, Driver::Rust],
    };
    for driver in drivers {
        let dump = dump(workspace, options, driver)?;
        println!("{} {}: {}", options.kernel, driver.name(), dump.core.display());
        compare(&zpci, &drgn, &dump, options.addresses)?;
    }
    Ok(true)
}

/// Builds the kernel, boots it and dumps it.
fn dump(workspace: &Workspace, wanted: &DumpOptions, driver: Driver) -> Result<Dump> {
    let options = Options {
        kernel: wanted.kernel,
        stock: driver == Driver::Stock,
        config: vec![workspace.root.join(CONFIGURATION)],
        timeout: 2 * LIMIT,
        ..Options::default()
    };
    let variant = format!("{}-dump", driver.name());
    let (kernel, source, implementation) = build_as(workspace, &options, &variant, true, 0)?;
    let directory =
        workspace.directory(Path::new("linux/dump").join(format!("{}-{}", wanted.kernel, driver.name())))?;
    let (core, console) = (directory.join("guest.elf"), directory.join("console.log"));
    if !wanted.again {
        // What is left of an earlier one would be written over in part.
        for old in [&core, &console] {
            if old.exists() {
                fs::remove_file(old).with_context(|| format!("cannot remove {}", old.display()))?;
            }
        }
        let setting = options.setting(workspace, &kernel, &source, implementation)?;
        let initrd = Guest::new(workspace, &kernel)?.initrd(Needs::default())?;
        let said = setting.dump(&DUMP, &initrd, record::READY, &core)?;
        fs::write(&console, said.join("\n")).with_context(|| format!("cannot write {}", console.display()))?;
    }
    let said = fs::read_to_string(&console).with_context(|| format!("there is no {}", console.display()))?;
    Ok(Dump { core, executable: kernel.executable(), record: Record::parse(&said)? })
}

fn compare(zpci: &Zpci, drgn: &Drgn, dump: &Dump, count: usize) -> Result<()> {
    let core = Core::read(&dump.core)?;
    println!(
        "{} MiB of storage, {} mappings of {} pages by the guest's program",
        core.size() >> 20,
        dump.record.count(),
        dump.record.pages()
    );
    let session = drgn.open(&dump.core, &dump.executable)?;
    let functions = session.run(&["list"])?.output;
    print!("{functions}");
    let listed: Vec<&str> =
        functions.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap_or_default()).collect();
    let there: Vec<String> = DEVICES.iter().map(|device| format!("{:#010x}", device.identifiers().1)).collect();
    ensure!(listed == there, "drgn lists the functions {listed:?}, and the machine has {there:?}");
    print!("{}", session.run(&["domains"])?.output);
    compare_maps(zpci, &session, dump, &functions)?;
    compare_addresses(zpci, &session, dump, &core, count)
}

/// Everything that is mapped, of every function that has tables: the same text by both.
fn compare_maps(zpci: &Zpci, session: &drgn::Session<'_>, dump: &Dump, functions: &str) -> Result<()> {
    let mut compared = 0;
    for (fid, iota) in with_tables(functions) {
        let step = Step::start(format!("Map of FID {fid}"));
        let ours = zpci.walk(&[&dump.core.display().to_string(), "--iota", iota, "--map"])?;
        let theirs = session.run(&["map", fid])?;
        // How many entries were read is told by one of them.
        let told = |text: &str| {
            text.trim_end().rsplit_once("; ").map_or(text.trim_end().to_owned(), |(text, _)| text.to_owned())
        };
        let (said, expected) = (told(&ours.output), theirs.output.trim_end());
        if let Some((ours, theirs)) = said.lines().zip(expected.lines()).find(|(ours, theirs)| ours != theirs) {
            bail!("FID {fid}: zpci says {ours}\ndrgn says {theirs}");
        }
        ensure!(said.lines().count() == expected.lines().count(), "FID {fid}: one map is longer than the other");
        if fid == dump.record.fid {
            ensure!(
                expected.ends_with(&format!("{} KiB mapped", 4 * dump.record.pages())),
                "FID {fid}: the guest mapped {} pages, and what was found ends with {:?}",
                dump.record.pages(),
                expected.lines().next_back()
            );
        }
        step.done("the same by zpci and by drgn");
        let last = ours.output.lines().next_back().unwrap_or_default().to_owned();
        println!("FID {fid}: {last}");
        println!("  zpci {}; drgn {}", ours.measured.text(), theirs.measured.text());
        compared += 1;
    }
    ensure!(compared > 1, "no function but that of the guest's program has tables");
    Ok(())
}

/// FID and anchor of each line of the list of functions that has one.
fn with_tables(functions: &str) -> impl Iterator<Item = (&str, &str)> {
    functions.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace();
        let (fid, iota) = (words.nth(1)?, words.next_back()?);
        iota.starts_with("0x").then_some((fid, iota))
    })
}

/// Addresses that are mapped and such that are not, by both and by the record; the page that an address leads to has the address
/// in it.
fn compare_addresses(zpci: &Zpci, session: &drgn::Session<'_>, dump: &Dump, core: &Core, count: usize) -> Result<()> {
    let record = &dump.record;
    let iota = session.run(&["iota", &record.fid])?.output;
    let (mut mapped, mut read_only) = (0, 0);
    for chunk in record.addresses(count).chunks(AT_A_TIME) {
        let texts: Vec<String> = chunk.iter().map(|iova| format!("{iova:#x}")).collect();
        let with = |before: &[&str]| -> Vec<String> {
            before.iter().map(|&text| text.to_owned()).chain(texts.iter().cloned()).collect()
        };
        let ours = zpci.walk(&with(&[&dump.core.display().to_string(), "--iota", iota.trim(), "-j"]))?;
        let theirs = session.run(&with(&["walk", "-j", &record.fid]))?;
        let ours: Value = serde_json::from_str(&ours.output).context("what zpci says is no JSON")?;
        let theirs: Value = serde_json::from_str(&theirs.output).context("what drgn says is no JSON")?;
        ensure!(ours.get("iota") == theirs.get("iota"), "the anchors differ");
        let addresses = |value: &Value| value.get("addresses").and_then(Value::as_array).cloned().unwrap_or_default();
        let (ours, theirs) = (addresses(&ours), addresses(&theirs));
        ensure!(ours.len() == chunk.len() && theirs.len() == chunk.len(), "an address was not followed");
        for ((iova, ours), theirs) in chunk.iter().zip(&ours).zip(&theirs) {
            ensure!(ours == theirs, "{iova:#x}: zpci says {ours:#}\ndrgn says {theirs:#}");
            let absolute = ours.get("absolute").and_then(Value::as_str);
            let protection = ours.get("protection").and_then(Value::as_str);
            match (record.writable(*iova), absolute) {
                (None, None) => {}
                (Some(is_writable), Some(absolute)) => {
                    let expected = if is_writable { "read-write" } else { "read-only" };
                    ensure!(protection == Some(expected), "{iova:#x}: {protection:?}, and it was mapped {expected}");
                    core.check_stamp(record::hexadecimal(absolute)?, *iova)?;
                    mapped += 1;
                    read_only += usize::from(!is_writable);
                }
                (None, Some(absolute)) => bail!("{iova:#x} leads to {absolute}, and was never mapped"),
                (Some(_), None) => bail!("{iova:#x} leads nowhere, and was mapped"),
            }
        }
    }
    ensure!(mapped > count / 4 && mapped < count && read_only > 0, "{mapped} addresses of {count} are mapped");
    println!(
        "{count} addresses: zpci, drgn and what the guest recorded agree; {mapped} mapped, {read_only} of them read-only, \
         each leads to the page that was mapped there"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_with_tables_are_found() {
        let list = "ADDRESS       FID         UID     IOTA\n0010:00:00.0  0x00000200  0x0010  0x24804\n\
                    0011:00:00.0  0x00000201  0x0011  -\n";
        assert_eq!(with_tables(list).collect::<Vec<_>>(), [("0x00000200", "0x24804")]);
    }
}
