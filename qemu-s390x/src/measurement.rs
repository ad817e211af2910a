// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The program that counts the instructions of the library alone: no kernel, no C, no device.

mod figure;
mod instructions;
mod operation;
mod reserve;

use core::fmt::{self, Write};
use core::hint::black_box;

use qemu_s390x::report::Report;
use s390_iommu::{AbsoluteAddress, FrameSizes, Iova, IovaRange, Root, TableAllocator, TableSize, PAGE_SIZE};
use zpci_tests::{Message, Verdict};

use self::figure::{Figure, Kind};
use self::instructions::{instructions, is_exact};
use self::operation::Table;
use self::reserve::Reserve;
use crate::image::{frames, tables, Console};

/// Pages of one call; all but the last two fit into one page table.
const SIZES: [u64; 6] = [1, 8, 64, 256, 2048, LARGEST];

/// Pages of 1 GiB.
const LARGEST: u64 = 262_144;

/// Where mappings start: where a segment table starts, so that the largest lies in one.
const START: Iova = Iova::new(0x1_0000_0000);

/// Counts the instructions of everything, and tells whether everything did what it should.
///
/// # Errors
///
/// Why there is no use in going on.
pub(crate) fn measure(console: &mut Console, _: [u8; 8]) -> Result<bool, &'static str> {
    // SAFETY: The linker script keeps the region free, translation is off and the prefix zero, so that addresses are
    // absolute, and nothing else takes tables out of the region.
    let reserve = unsafe { Reserve::new(tables()) };
    let Some(reserve) = reserve else {
        return Err("no storage behind the image");
    };
    every_kind(&reserve, console).map_err(|_| "the console failed")
}

fn every_kind<W: Write>(reserve: &Reserve, out: W) -> Result<bool, fmt::Error> {
    let kinds = [FrameSizes::SMALL, FrameSizes::WITH_LARGE];
    let mut report = Report::new(out, 1 + kinds.len() * Root::ALL.len())?;
    let clock = expect(is_exact(), "an instruction is no nanosecond; QEMU wants `-icount shift=0`");
    report.verdict("clock", verdict(clock)?)?;
    for frames in kinds {
        for root in Root::ALL {
            let kind = Kind { root, frames };
            let measured = Measurement { reserve, kind, report: &mut report }.run();
            let result = measured.and_then(|()| expect(reserve.is_whole(), "storage of tables is lost"));
            let name = heapless::format!(64; "{kind}")?;
            report.verdict(&name, verdict(result)?)?;
        }
    }
    Ok(report.summary().failed == 0)
}

/// Why a measurement ended early.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// Something is not as it should be.
    Wrong(&'static str),
    /// A figure could not be written.
    Output(fmt::Error),
}

impl From<fmt::Error> for Failure {
    fn from(error: fmt::Error) -> Self {
        Self::Output(error)
    }
}

fn verdict(result: Result<(), Failure>) -> Result<Verdict, fmt::Error> {
    match result {
        Ok(()) => Ok(Verdict::Pass),
        Err(Failure::Wrong(what)) => Ok(Verdict::Fail(Message::new(format_args!("{what}")))),
        Err(Failure::Output(error)) => Err(error),
    }
}

/// Fails where a call did not do what it should.
fn expect(is_so: bool, what: &'static str) -> Result<(), Failure> {
    is_so.then_some(()).ok_or(Failure::Wrong(what))
}

/// What is measured of one kind of table.
struct Measurement<'m, W> {
    reserve: &'m Reserve,
    kind: Kind,
    report: &'m mut Report<W>,
}

impl<'m, W: Write> Measurement<'m, W> {
    fn run(&mut self) -> Result<(), Failure> {
        self.storage()?;
        self.life()?;
        SIZES.into_iter().try_for_each(|pages| self.size(pages))
    }

    /// What the reserve takes for itself of the figures that follow.
    fn storage(&mut self) -> Result<(), Failure> {
        let reserve = black_box(self.reserve);
        let (allocate, table) = instructions(|| reserve.allocate(TableSize::Page));
        let table = table.ok_or(Failure::Wrong("no storage for a table"))?;
        // SAFETY: The table was just allocated, and nobody uses it.
        let (deallocate, ()) = instructions(|| unsafe { reserve.deallocate(table, TableSize::Page) });
        self.note("storage of a page table taken", 1, allocate)?;
        self.note("storage of a page table given back", 1, deallocate)
    }

    /// A table without mappings, and one with many.
    fn life(&mut self) -> Result<(), Failure> {
        let (new, table) = self.table()?;
        let (drop, ()) = instructions(|| operation::drop(table));
        self.note("new table", 1, new)?;
        self.note("drop of a table, nothing mapped", 1, drop)?;
        let (_, table) = self.table()?;
        let (range, origin) = place(LARGEST)?;
        expect(operation::map(&table, range, origin), "map")?;
        let (drop, ()) = instructions(|| operation::drop(table));
        self.note("drop of a table, 262144 pages mapped", 1, drop)
    }

    /// Everything that is done to so many pages.
    fn size(&mut self, pages: u64) -> Result<(), Failure> {
        let (_, table) = self.table()?;
        let (range, origin) = place(pages)?;
        let sum = pages * origin.get() + PAGE_SIZE * (pages * (pages - 1) / 2);

        let (count, found) = instructions(|| operation::translate(&table, range.start(), pages));
        expect(found == 0, "translation where nothing was mapped")?;
        self.note_pages("translate", pages, ", no tables", count)?;
        let (count, unmapped) = instructions(|| operation::unmap(&table, range));
        expect(unmapped == Some(0), "unmap where nothing was mapped")?;
        self.note_pages("unmap", pages, ", no tables", count)?;
        let (count, mapped) = instructions(|| operation::map(&table, range, origin));
        expect(mapped, "map, no tables")?;
        self.note_pages("map", pages, ", no tables", count)?;

        let (count, found) = instructions(|| operation::translate(&table, range.start(), pages));
        expect(found == sum, "translation")?;
        self.note_pages("translate", pages, "", count)?;
        expect(operation::unmap(&table, range) == Some(pages), "unmap")?;
        let (count, mapped) = instructions(|| operation::map(&table, range, origin));
        expect(mapped, "map")?;
        self.note_pages("map", pages, "", count)?;
        let (count, unmapped) = instructions(|| operation::unmap(&table, range));
        expect(unmapped == Some(pages), "unmap after the second map")?;
        self.note_pages("unmap", pages, "", count)?;

        let (count, reclaimed) = instructions(|| operation::reclaim(&table, range));
        self.note_pages("reclaim", pages, "", count)?;
        if !reclaimed.is_empty() {
            let (count, ()) = instructions(|| operation::free(&table, reclaimed));
            self.note_pages("free what was reclaimed,", pages, "", count)?;
        }
        Ok(())
    }

    fn table(&self) -> Result<(u64, Table<'m>), Failure> {
        let Kind { root, frames } = black_box(self.kind);
        let (count, table) = instructions(|| operation::new(root, frames, self.reserve));
        Ok((count, table.ok_or(Failure::Wrong("no storage for a root"))?))
    }

    fn note_pages(&mut self, operation: &str, pages: u64, state: &str, count: u64) -> Result<(), Failure> {
        let noun = if pages == 1 { "page" } else { "pages" };
        let what = heapless::format!(64; "{operation} {pages} {noun}{state}")?;
        self.note(&what, pages, count)
    }

    fn note(&mut self, what: &str, each: u64, count: u64) -> Result<(), Failure> {
        Ok(self.report.diagnostic(Figure { kind: self.kind, what, each, count })?)
    }
}

/// What is mapped, and to what: storage from a multiple of 1 MiB on, which nothing accesses, and which is not all there.
fn place(pages: u64) -> Result<(IovaRange, AbsoluteAddress), Failure> {
    let range = IovaRange::with_size(START, pages * PAGE_SIZE);
    let range = range.map_err(|_| Failure::Wrong("a range that is none"))?;
    Ok((black_box(range), black_box(frames().start)))
}
