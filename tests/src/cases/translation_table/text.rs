// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A whole tree as text.

use core::fmt::{self, Write};

use heapless::String;
use s390_iommu::{Protection, Root};

use super::bench::{has_large_frames, Bench, MIB, MIB_STORAGE, PAGE, SEGMENT, STORAGE};
use super::hardware::read;
use super::Setup;
use crate::case::{fail, Stop};
use crate::machine::Machine;
use crate::middleware::Usage;

/// Room for the text of a small tree.
type Text = String<1536>;

pub(super) fn debug<M: Machine, S: Setup>(machine: &M) -> Result<(), Stop> {
    let usage = Usage::unlimited();
    let bench = Bench::new::<S>(machine, &usage)?;
    bench.map(SEGMENT, 2 * PAGE, STORAGE, Protection::ReadWrite)?;
    bench.map(SEGMENT + 5 * PAGE, PAGE, STORAGE, Protection::ReadOnly)?;
    if has_large_frames::<S>() {
        bench.map(SEGMENT + MIB, MIB, MIB_STORAGE, Protection::ReadWrite)?;
    }
    let mut expected = Text::new();
    if describe::<M, S>(machine, bench.table.origin().get(), &mut expected)?.is_err() {
        fail!("the expected text has no room");
    }
    let mut found = Text::new();
    if crate::read::read(&bench.table, |table| write!(found, "{table:?}")).is_err() {
        fail!("the text of the table is longer than {} bytes", expected.len());
    }
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        if found != expected {
            fail!("line {line} of the table's text: expected {expected:?}, found {found:?}");
        }
    }
    if found.lines().count() != expected.lines().count() {
        fail!("the table's text has {} lines, not {}", found.lines().count(), expected.lines().count());
    }
    Ok(())
}

/// The text of the tree of [`debug`], made from the entries in storage.
fn describe<M: Machine, S: Setup>(machine: &M, root: u64, text: &mut Text) -> Result<fmt::Result, Stop> {
    let levels: &[(&str, u64)] = match S::ROOT {
        Root::RegionThird => &[("region-third", 2)],
        Root::RegionSecond => &[("region-second", 0), ("region-third", 2)],
        Root::RegionFirst => &[("region-first", 0), ("region-second", 0), ("region-third", 2)],
    };
    let mut table = root;
    let mut indent = 0;
    for (name, index) in levels {
        if write!(text, "{name} table at {table:#x}\n{:indent$}  [{index:#05x}] ", "").is_err() {
            return Ok(Err(fmt::Error));
        }
        let entry = read(machine, table, *index)?;
        if write!(text, "{entry:#018x} ").is_err() {
            return Ok(Err(fmt::Error));
        }
        table = entry & !0x3fff;
        indent = indent.wrapping_add(2);
    }
    let entry = read(machine, table, 0x400)?;
    let pages = write!(
        text,
        "segment table at {table:#x}
{:indent$}  [0x400] {entry:#018x} page table at {entry:#x}
{:indent$}    [0x00..=0x01] 0x140000000..=0x140001fff -> 0x765431000 read-write
{:indent$}    [0x05..=0x05] 0x140005000..=0x140005fff -> 0x765431000 read-only",
        "", "", ""
    );
    let frame = if has_large_frames::<S>() {
        write!(text, "\n{:indent$}  [0x401] 0x0000000765400400 0x140100000..=0x1401fffff -> 0x765400000 read-write", "")
    } else {
        Ok(())
    };
    Ok(pages.and(frame))
}
