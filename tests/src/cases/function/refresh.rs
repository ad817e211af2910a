// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Refreshes, as the machine answers them.

use clp::{Client, ConditionCode, FunctionHandle};
use s390_iommu::{
    issue, refresh_all, reset_error, Action, Change, Iova, IovaRange, Outcome, Protection, Status, TranslationTable,
};

use super::subject::Subject;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;
use crate::middleware::{Instruction, Scripted, Trace};
use crate::read::read;

const PAGE: u64 = 0x1000;
const MIB: u64 = 0x10_0000;
/// What a region-third entry covers.
const REGION: u64 = 0x8000_0000;

fn range(start: u64, bytes: u64) -> Result<IovaRange, Stop> {
    match IovaRange::with_size(Iova::new(start), bytes) {
        Ok(range) => Ok(range),
        Err(error) => fail!("{error}"),
    }
}

/// Maps `range` of `table` to the machine's data and lets the function know.
fn map<M: Machine>(
    subject: &Subject<'_, M>,
    table: &TranslationTable<M::Storage>,
    range: IovaRange,
) -> Result<(), Stop> {
    match table.map(range, subject.machine.data(), Protection::ReadWrite) {
        Ok(change) => subject.refresh(change),
        Err(error) => fail!("map of {range}: {error}"),
    }
}

/// Unmaps `range` of `table`, in which `pages` pages are mapped, and lets the function know.
fn unmap<M: Machine>(
    subject: &Subject<'_, M>,
    table: &TranslationTable<M::Storage>,
    range: IovaRange,
    pages: u64,
) -> Result<(), Stop> {
    match table.unmap(range) {
        Ok(unmapped) => {
            subject.refresh(unmapped.change)?;
            ensure!(unmapped.pages, pages, "pages unmapped in {range}");
            Ok(())
        }
        Err(error) => fail!("unmap of {range}: {error}"),
    }
}

/// Where the tests of a function map: the first region that lies whole in the aperture.
fn first_region(aperture: IovaRange) -> Result<u64, Stop> {
    let start = aperture.start().get();
    let Some(region) = start.checked_next_multiple_of(REGION) else {
        fail!("aperture {aperture} holds no region");
    };
    ensure!(aperture.contains(range(region, 2 * REGION)?), true, "two regions within the aperture {aperture}");
    Ok(region)
}

/// The first and the last page of the aperture, and more pages than one page table has.
pub(super) fn map_and_unmap<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let aperture = subject.register(&table)?;
    let region = first_region(aperture)?;
    let across = range(region + 3 * MIB - 10 * PAGE, 200 * PAGE)?;
    let last = IovaRange::page(aperture.last());
    map(&subject, &table, IovaRange::page(aperture.start()))?;
    map(&subject, &table, across)?;
    map(&subject, &table, last)?;
    unmap(&subject, &table, across, 200)?;
    unmap(&subject, &table, last, 1)?;
    map(&subject, &table, last)?;
    unmap(&subject, &table, last, 1)?;
    unmap(&subject, &table, IovaRange::page(aperture.start()), 1)?;
    subject.deregister()
}

pub(super) fn large_frame<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let region = first_region(subject.register(&table)?)?;
    let frame = range(region + 7 * MIB, MIB)?;
    map(&subject, &table, frame)?;
    unmap(&subject, &table, frame, 256)?;
    map(&subject, &table, frame)?;
    match table.split(frame.start()) {
        Ok(change) => {
            ensure!(change.range(), Some(frame), "range of a split");
            subject.refresh(change)?;
        }
        Err(error) => fail!("split of {frame}: {error}"),
    }
    unmap(&subject, &table, IovaRange::page(frame.last()), 1)?;
    unmap(&subject, &table, frame, 255)?;
    subject.deregister()
}

/// One refresh from the middle of an invalid region into a valid one is cut where the region ends.
pub(super) fn two_regions<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let region = first_region(subject.register(&table)?)?;
    map(&subject, &table, range(region + REGION, PAGE)?)?;
    let trace = Trace::new(machine);
    let across = range(region + REGION / 2, REGION)?;
    let refreshed = refresh_all(&trace, subject.handle, across);
    ensure!(refreshed, Ok(()), "refresh of {across}");
    let expected = [(region + REGION / 2, REGION / 2), (region + REGION, REGION / 2)];
    let instructions = trace.take();
    ensure!(instructions.len(), 2, "instructions for a refresh of {across}");
    for (instruction, (start, length)) in instructions.iter().zip(expected) {
        let function = subject.handle;
        ensure!(*instruction, Instruction::Refresh { function, start, length }, "part of the refresh of {across}");
    }
    subject.deregister()
}

pub(super) fn everything<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let aperture = subject.register(&table)?;
    // Whatever lies behind 16 GiB takes a machine without hardware seconds.
    let Some(part) = aperture.intersection(range(aperture.start().get(), 8 * REGION)?) else {
        fail!("aperture {aperture}");
    };
    map(&subject, &table, IovaRange::page(part.last()))?;
    subject.refresh_all(part)?;
    subject.deregister()
}

/// Busy answers are asked again, as often as the caller wants and no more.
pub(super) fn busy<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let aperture = subject.register(&table)?;
    let page = IovaRange::page(aperture.start());
    let busy = Some(Outcome { cc: ConditionCode::Two, status: Status(0) });

    let script = [busy, busy, busy];
    let scripted = Scripted::new(machine, &script);
    let refreshed = refresh_all(&scripted, subject.handle, page);
    ensure!(refreshed, Ok(()), "refresh after three busy answers");
    ensure!((scripted.paused(), scripted.left()), (3, 0), "waits, and answers left");

    let scripted = Scripted::new(machine, &script).with_patience(0);
    let error = match refresh_all(&scripted, subject.handle, page) {
        Err(error) => error,
        Ok(()) => fail!("a refresh that was answered with busy succeeded"),
    };
    ensure!((error.action, error.outcome.cc), (Action::Again, ConditionCode::Two), "refresh that was given up");
    ensure!(scripted.left(), 2, "answers left when the first one was enough");
    subject.deregister()
}

/// Every function is refreshed, and the error of one is not lost behind the success of the next.
pub(super) fn error_is_kept<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let aperture = subject.register(&table)?;
    let page = IovaRange::page(aperture.start());
    // The same function three times over; the machine answers the first time and the last.
    let functions = [subject.handle; 3];
    let insufficient = Outcome { cc: ConditionCode::One, status: Status(16) };
    let script = [None, Some(insufficient), None];
    let scripted = Scripted::new(machine, &script);
    let trace = Trace::new(&scripted);
    // SAFETY: nothing changed, and the refresh of a page needs no entry.
    match issue(unsafe { Change::resume(page) }, &trace, functions) {
        Err(error) => {
            ensure!(error.outcome, insufficient, "answer that was kept");
            ensure!(error.action, Action::FreeResources, "what it asks for");
        }
        Ok(()) => fail!("the error of the second function was lost"),
    }
    ensure!(trace.take().len(), 3, "functions refreshed");
    subject.deregister()
}

/// A handle from before the function was disabled gets condition code 3.
pub(super) fn old_handle<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut subject = Subject::new(machine)?;
    let old = subject.handle;
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    match client.ensure_disabled(subject.id) {
        Ok(handle) => subject.handle = handle,
        Err(error) => fail!("disable: {error}"),
    }
    for handle in [old, subject.handle, FunctionHandle(0xdead_beef)] {
        match refresh_all(machine, handle, IovaRange::page(subject.limits.window.start())) {
            Err(error) => {
                ensure!(
                    (error.action, error.outcome.cc),
                    (Action::Forget, ConditionCode::Three),
                    "refresh of {handle}"
                );
            }
            Ok(()) => fail!("refresh of {handle} succeeded"),
        }
    }
    Ok(())
}

/// A refresh without a table puts the function in error; a reset brings it back.
pub(super) fn unregistered<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let page = IovaRange::page(subject.limits.window.start());
    match reset_error(machine, subject.handle) {
        Err(_) => {}
        Ok(()) => fail!("an error was reset that did not exist"),
    }
    for (status, action) in [(8, Action::AwaitReset), (40, Action::AwaitRecovery)] {
        match refresh_all(machine, subject.handle, page) {
            Err(error) => {
                ensure!(
                    error.outcome,
                    Outcome { cc: ConditionCode::One, status: Status(status) },
                    "refresh of nothing"
                );
                ensure!(error.action, action, "what a refresh of nothing asks for");
            }
            Ok(()) => fail!("a refresh without a table succeeded"),
        }
    }
    if let Err(error) = reset_error(machine, subject.handle) {
        fail!("reset: {error}");
    }
    let table = subject.table()?;
    let aperture = subject.register(&table)?;
    map(&subject, &table, IovaRange::page(aperture.start()))?;
    subject.deregister()
}

/// Tables that an unmap emptied are taken out and given back while the function goes on using the others.
pub(super) fn reclaim<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let region = first_region(subject.register(&table)?)?;
    let stays = range(region + REGION, PAGE)?;
    let goes = range(region, REGION)?;
    map(&subject, &table, stays)?;
    map(&subject, &table, range(region + MIB, 3 * PAGE)?)?;
    map(&subject, &table, range(region + 5 * MIB, PAGE)?)?;
    unmap(&subject, &table, goes, 4)?;
    // SAFETY: a case has its table for itself.
    let reclaimed = unsafe { table.reclaim(goes) };
    let (bytes, change) = (reclaimed.bytes(), reclaimed.change());
    let span = change.range();
    subject.refresh(change)?;
    // SAFETY: the tables come from the tree whose storage this is; the only function that is registered with it was
    // refreshed; nobody looks at it.
    unsafe { reclaimed.free(table.memory()) };
    // Two page tables and the segment table above them.
    ensure!(bytes, 2 * 2048 + 16384, "bytes reclaimed");
    ensure!(span, Some(goes), "range to refresh before tables are given back");
    // SAFETY: as above.
    ensure!(unsafe { table.reclaim(goes) }.is_empty(), true, "nothing left to reclaim in {goes}");
    ensure!(read(&table, |table| table.translate(stays.start())).is_some(), true, "translation of {}", stays.start());
    map(&subject, &table, range(region + MIB, PAGE)?)?;
    unmap(&subject, &table, stays, 1)?;
    subject.deregister()
}
