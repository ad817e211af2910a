// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Refreshes, as the machine answers them.

use clp::{Client, ConditionCode, FunctionHandle};
use s390_iommu::{reset_error, Action, Iova, IovaRange, Outcome, Protection, Refresh, Status, TranslationTable};

use super::subject::Subject;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;
use crate::middleware::{Instruction, Scripted, Trace};

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
        Ok(refresh) => subject.refresh(refresh),
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
            if let Some(refresh) = unmapped.refresh {
                subject.refresh(refresh)?;
            }
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
        Ok(Some(refresh)) => subject.refresh(refresh)?,
        other => fail!("split of {frame}: {other:?}"),
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
    let refreshed = Refresh::of(across).issue(&trace, subject.handle, |attempts| machine.again(attempts));
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
    subject.refresh(Refresh::of(part))?;
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
    let mut asked = 0;
    let refreshed = Refresh::of(page).issue(&scripted, subject.handle, |_| {
        asked += 1;
        true
    });
    ensure!(refreshed, Ok(()), "refresh after three busy answers");
    ensure!((asked, scripted.left()), (3, 0), "times asked whether to go on, and answers left");

    let scripted = Scripted::new(machine, &script);
    let error = match Refresh::of(page).issue(&scripted, subject.handle, |_| false) {
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
    match Refresh::of(page).issue_to_all(&trace, functions, |attempts| machine.again(attempts)) {
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
        let refresh = Refresh::of(IovaRange::page(subject.limits.window.start()));
        match refresh.issue(machine, handle, |attempts| machine.again(attempts)) {
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
    let again = |attempts| machine.again(attempts);
    let page = IovaRange::page(subject.limits.window.start());
    match reset_error(machine, subject.handle, again) {
        Err(_) => {}
        Ok(()) => fail!("an error was reset that did not exist"),
    }
    for (status, action) in [(8, Action::Fail), (40, Action::AwaitRecovery)] {
        match Refresh::of(page).issue(machine, subject.handle, again) {
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
    if let Err(error) = reset_error(machine, subject.handle, again) {
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
    let Some(reclaimed) = table.reclaim(goes) else {
        fail!("no table to reclaim in {goes}");
    };
    // Two page tables and the segment table above them.
    ensure!(reclaimed.bytes(), 2 * 2048 + 16384, "bytes reclaimed");
    let refresh = reclaimed.refresh();
    ensure!(refresh.range(), goes, "range to refresh before tables are given back");
    subject.refresh(refresh)?;
    // SAFETY: the tables come from the tree whose storage this is; the only function that uses it was refreshed; no
    // operation on it runs.
    unsafe { reclaimed.free(table.memory()) };
    ensure!(table.reclaim(goes).is_none(), true, "nothing left to reclaim in {goes}");
    ensure!(table.translate(stays.start()).is_some(), true, "translation of {}", stays.start());
    map(&subject, &table, range(region + MIB, PAGE)?)?;
    unmap(&subject, &table, stays, 1)?;
    subject.deregister()
}
