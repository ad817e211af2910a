// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Whether everybody wrote the same: our tables and those of stock entry by entry, the others by what they translate.

use anyhow::{ensure, Result};

use crate::arena;
use crate::entrant::Entrant;
use crate::subject::ours::Ours;
use crate::subject::stock::{self, Stock};
use crate::subject::{Subject, PAGE};
use crate::workload::Workload;

/// In a region- or segment-table entry.
const TABLE_INVALID: u64 = 0x20;
/// In a page-table entry.
const PAGE_INVALID: u64 = 0x400;

/// Maps and unmaps in the tables of both, compares after each step, and returns how many entries were compared.
pub(crate) fn tables(workloads: &[Workload]) -> Result<u64> {
    Ok(with_root::<1>(workloads)? + with_root::<2>(workloads)? + with_root::<3>(workloads)?)
}

fn with_root<const ROOT: u8>(workloads: &[Workload]) -> Result<u64> {
    let mut compared = 0;
    for workload in workloads {
        let before = arena::live();
        let (mut ours, mut stock) = (Ours::<ROOT, false>::new(), Stock::<ROOT>::new());
        for call in &workload.map {
            ours.map(call.iova, call.storage, call.pages);
            stock.map(call.iova, call.storage, call.pages);
        }
        compared += compare(&ours, &stock)?;
        // Every other call is undone, so that tables are left with holes.
        for call in workload.unmap.iter().step_by(2) {
            ours.unmap(call.iova, call.pages);
            stock.unmap(call.iova, call.pages);
        }
        compared += compare(&ours, &stock)?;
        drop((ours, stock));
        ensure!(arena::live() == before, "{} bytes of tables were not given back", arena::live() - before);
    }
    ensure!(stock::warnings() == 0, "the stock code warned {} times", stock::warnings());
    Ok(compared)
}

fn compare<const ROOT: u8>(ours: &Ours<ROOT, false>, stock: &Stock<ROOT>) -> Result<u64> {
    subtree(ours.0.origin().get(), stock.root(), ROOT, 0)
}

/// Compares two tables of one kind, 0 for segment tables, and all below; the number of entries.
fn subtree(ours: u64, stock: u64, kind: u8, start: u64) -> Result<u64> {
    let mut compared = 2048;
    for index in 0..2048 {
        let (our, their) = (our_entry(ours, index), stock_entry(stock, index));
        let iova = start + (index << (20 + 11 * u32::from(kind)));
        if our & TABLE_INVALID != 0 || their & TABLE_INVALID != 0 {
            ensure!(our == their, "{iova:#x}: our table entry is {our:#x}, that of stock {their:#x}");
            continue;
        }
        let low = if kind == 0 { 0x7ff } else { 0x3fff };
        ensure!(our & low == their & low, "{iova:#x}: our table entry is {our:#x}, that of stock {their:#x}");
        compared += match kind {
            0 => pages(our & !low, their & !low, iova)?,
            _ => subtree(our & !low, their & !low, kind - 1, iova)?,
        };
    }
    Ok(compared)
}

fn pages(ours: u64, stock: u64, start: u64) -> Result<u64> {
    for index in 0..256 {
        let (our, their) = (our_entry(ours, index), stock_entry(stock, index));
        // Stock leaves the frame in an entry that it makes invalid.
        let same = our == their || (our == PAGE_INVALID && their & PAGE_INVALID != 0);
        let iova = start + index * PAGE;
        ensure!(same, "{iova:#x}: our page entry is {our:#x}, that of stock {their:#x}");
    }
    Ok(256)
}

/// Ours are big-endian, as the machine reads them.
fn our_entry(table: u64, index: u64) -> u64 {
    u64::from_be(stock_entry(table, index))
}

/// Those of stock are as the host stores a number.
fn stock_entry(table: u64, index: u64) -> u64 {
    // SAFETY: the table is a live one of the arena, and has more entries than `index`.
    unsafe { arena::pointer(table).cast::<u64>().add(index as usize).read() }
}

/// Compares where every entrant's tables lead with where they should; the number of translations.
pub(crate) fn translations(entrants: &mut [Box<dyn Entrant>], workloads: &[Workload]) -> Result<u64> {
    let mut compared = 0;
    for workload in workloads.iter().filter(|workload| !workload.cold) {
        for entrant in entrants.iter_mut() {
            entrant.leave(workload, true);
            for call in &workload.map {
                let last = (call.pages - 1) * PAGE;
                for offset in [0, (last / 2) & !(PAGE - 1), last] {
                    let (iova, found) = (call.iova + offset, entrant.translate(call.iova + offset));
                    let name = entrant.name();
                    ensure!(found == call.storage + offset, "{name}: {iova:#x} leads to {found:#x}");
                    compared += 1;
                }
            }
            entrant.leave(workload, false);
        }
    }
    Ok(compared)
}
