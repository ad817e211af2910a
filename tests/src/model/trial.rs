// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A table, its model, and a machine that uses the table.

use core::fmt::Debug;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use clp::{Block, Client, FunctionGroupId, FunctionHandle};
use s390_iommu::{
    refresh_all, reset_error, unmapped_from_all, AbsoluteAddress, Attachment, Change, FrameSize, FrameSizes, Iova,
    IovaRange, Limits, MapError, Mapping, OneThread, Protection, Root, SplitError, TranslationTable, UnmapError,
};

use super::operation::{Operation, Place};
use super::pages::{Page, Pages};
use crate::fake::{Configuration, DmaError, Event, Fake, Mapped};
use crate::machine::Machine;
use crate::read::read;

/// Pages of data that are mapped.
const DATA_PAGES: u64 = 16 * 256;

/// What a trial is about.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Root of the table.
    pub root: Root,
    /// Its frame sizes.
    pub frames: FrameSizes,
    /// The function's group has the refresh bit.
    pub refresh: bool,
    /// A refresh steps over invalid entries as QEMU's does.
    pub refresh_skips: bool,
}

/// A table under trial.
#[derive(Debug)]
pub struct Trial {
    fake: Fake,
    setup: Setup,
    function: FunctionHandle,
    attachment: Attachment<OneThread>,
    table: TranslationTable<Fake>,
    model: Pages,
    /// What was changed and not refreshed.
    pending: Change,
    /// Tables may run out.
    limited: bool,
    /// First byte of the data.
    data: u64,
}

impl Drop for Trial {
    /// A trial that ended early leaves a change behind.
    fn drop(&mut self) {
        let _ = core::mem::replace(&mut self.pending, Change::NONE).defer();
    }
}

/// A difference, in words.
type Difference = String;

impl Trial {
    /// An empty table that is registered for a function.
    ///
    /// # Errors
    ///
    /// What did not go as it should.
    pub fn new(setup: Setup) -> Result<Self, Difference> {
        let hardware = Configuration::hardware(setup.refresh);
        let fake = Fake::new(Configuration { refresh_skips: setup.refresh_skips, ..hardware });
        let mut block = Block::zeroed();
        let mut client = Client::new(&fake, &mut block);
        let id = fake.function().ok_or("no function")?;
        let function = client.ensure_enabled(id).map_err(describe)?;
        let queried = client.query_function(function).map_err(describe)?;
        let group = client.query_function_group(FunctionGroupId(queried.group.0)).map_err(describe)?;
        let limits = Limits::new(&queried, &group).ok_or("no window")?;
        let table = TranslationTable::new(setup.root, setup.frames, fake.clone()).ok_or("no table")?;
        let attachment = Attachment::to_table(&limits, u64::MAX, &table, OneThread::new()).map_err(describe)?;
        // SAFETY: the trial ends the registration before it drops the table, and maps the data of the machine alone.
        unsafe { attachment.attach(&fake, function) }.map_err(describe)?;
        let data = fake.add_data(DATA_PAGES * 4096, 1 << 20);
        Ok(Self {
            fake,
            setup,
            function,
            attachment,
            table,
            model: Pages::default(),
            pending: Change::NONE,
            limited: false,
            data,
        })
    }

    /// Applies `operation` to the table and to the model and compares.
    ///
    /// # Errors
    ///
    /// What differs.
    pub fn apply(&mut self, operation: Operation) -> Result<(), Difference> {
        match operation {
            Operation::Map { at, more, storage, read_only } => {
                let storage = u64::from(storage) % (DATA_PAGES - 1024);
                self.map(self.pages(at, more), self.data + storage * 4096, read_only)?;
            }
            Operation::MapMib { at, more, storage, read_only } => {
                let start = at.iova(self.last()) & !0xf_ffff;
                let range = IovaRange::with_size(Iova::new(start), (u64::from(more) % 3 + 1) << 20).ok();
                self.map(range, self.data + ((u64::from(storage) % 12) << 20), read_only)?;
            }
            Operation::Unmap { at, more } => self.unmap(self.pages(at, more))?,
            Operation::Split { at } => self.split(at)?,
            Operation::Translate { at, offset } => self.translate(at, offset)?,
            Operation::Dma { at, offset, write } => self.dma(at, offset, write)?,
            Operation::Walk { at, more } => self.walk(self.pages(at, more))?,
            Operation::Refresh => self.refresh()?,
            Operation::RefreshRange { at, more } => {
                if let Some(range) =
                    self.pages(at, more).and_then(|range| range.intersection(self.attachment.aperture()))
                {
                    refresh_all(&self.fake, self.function, range).map_err(describe)?;
                }
            }
            Operation::Reclaim { at, size_log2, unmap } => self.reclaim(at, size_log2, unmap)?,
            Operation::Limit { tables } => {
                self.limited = true;
                self.fake.limit_tables(Some(usize::from(tables) % 5));
            }
            Operation::Lift => {
                self.limited = false;
                self.fake.limit_tables(None);
            }
        }
        self.no_complaints()
    }

    /// Compares the whole tree with the model, unmaps everything, and gives everything back.
    ///
    /// # Errors
    ///
    /// What differs, or is left over.
    pub fn finish(mut self) -> Result<(), Difference> {
        self.refresh()?;
        let iota = self.table.iota().into_bits();
        let mut entries = Pages::default();
        let broken = |code| format!("the tables are broken: error event {code:#x}");
        for Mapped { iova, absolute, read_only, size } in self.fake.mapped(iota).map_err(broken)? {
            entries.map(iova, iova + (size - 1), absolute, read_only);
        }
        same("the pages in the tables", &entries, &self.model)?;
        self.walk(Some(IovaRange::ALL))?;
        self.unmap(Some(self.table.span()))?;
        same("what is left in the tables", self.fake.mapped(iota), Ok(Vec::new()))?;
        self.refresh()?;
        self.attachment.detach(&self.fake, self.function).map_err(describe)?;
        let fake = self.fake.clone();
        drop(self);
        same("tables not given back", fake.live_tables(), 0)?;
        same("complaints at the end", fake.complaints(), Vec::new())
    }

    /// The last address that the table translates.
    fn last(&self) -> u64 {
        match self.setup.root {
            Root::RegionThird => (1 << 42) - 1,
            Root::RegionSecond => (1 << 53) - 1,
            Root::RegionFirst => u64::MAX,
        }
    }

    /// At most 1024 pages from `at` on, `more` pages after the first; nothing where they would pass 2^64.
    fn pages(&self, at: Place, more: u16) -> Option<IovaRange> {
        let bytes = (u64::from(more) % 1024 + 1) * 4096;
        IovaRange::with_size(Iova::new(at.iova(self.last())), bytes).ok()
    }

    fn map(&mut self, range: Option<IovaRange>, origin: u64, read_only: bool) -> Result<(), Difference> {
        let Some(range) = range else {
            return Ok(());
        };
        let (first, last) = ends(range);
        let protection = if read_only { Protection::ReadOnly } else { Protection::ReadWrite };
        let expected = if last > self.last() {
            Some(MapError::OutsideSpan { range, span: self.table.span() })
        } else {
            self.model.first_in(first, last).map(|(iova, page)| MapError::AlreadyMapped {
                iova: Iova::new(iova),
                to: AbsoluteAddress::new(page.absolute),
            })
        };
        match (self.table.map(range, AbsoluteAddress::new(origin), protection), expected) {
            (Ok(change), None) => {
                let changed = change.range();
                self.model.map(first, last, origin, read_only);
                if self.setup.refresh {
                    self.postpone(change);
                } else {
                    // The group needs no refresh for entries that were invalid.
                    let _ = change.defer();
                }
                same("range that a map changed", changed.map(ends), Some((first, last)))?;
            }
            (Err(MapError::OutOfStorage), _) if self.limited => {}
            (Err(error), Some(expected)) => same("refusal to map", error, expected)?,
            (Ok(change), Some(expected)) => {
                let _ = change.defer();
                return Err(format!("map of {range} succeeded; expected: {expected}"));
            }
            (Err(error), None) => return Err(format!("map of {range}: {error}")),
        }
        self.compare(range)
    }

    fn unmap(&mut self, range: Option<IovaRange>) -> Result<(), Difference> {
        let Some(range) = range else {
            return Ok(());
        };
        let (first, last) = ends(range);
        let expected = if last > self.last() {
            Some(UnmapError::OutsideSpan { range, span: self.table.span() })
        } else {
            let cut = |iova: u64| self.frame(iova).filter(|frame| !range.contains(*frame));
            let frame = cut(first).or_else(|| cut(last & !0xfff));
            frame.map(|frame| UnmapError::PartOfFrame { range, frame })
        };
        // No table may be needed.
        self.fake.limit_tables(Some(0));
        let result = self.table.unmap(range);
        self.fake.limit_tables(self.limited.then_some(0));
        match (result, expected) {
            (Ok(unmapped), None) => {
                let changed = unmapped.change.range().map(ends);
                self.postpone(unmapped.change);
                same(
                    "pages unmapped and range that changed",
                    (unmapped.pages, changed),
                    self.model.unmap(first, last),
                )?;
            }
            (Err(error), Some(expected)) => same("refusal to unmap", error, expected)?,
            (Ok(unmapped), Some(expected)) => {
                let (pages, _) = (unmapped.pages, unmapped.change.defer());
                return Err(format!("unmap of {range} found {pages} pages; expected: {expected}"));
            }
            (Err(error), None) => return Err(format!("unmap of {range}: {error}")),
        }
        match range.intersection(self.table.span()) {
            Some(range) if range.pages() <= 1024 => self.compare(range),
            _ => Ok(()),
        }
    }

    fn split(&mut self, at: Place) -> Result<(), Difference> {
        let iova = at.iova(self.last());
        let frame = self.frame(iova);
        match self.table.split(Iova::new(iova)) {
            Ok(change) => {
                let range = change.range();
                self.postpone(change);
                same("frame that was split", range, frame)?;
                same("frame after the split", self.frame(iova), None)?;
            }
            Err(SplitError::OutOfStorage) if self.limited && frame.is_some() => {}
            Err(error) => return Err(format!("split at {iova:#x}: {error}")),
        }
        frame.map_or(Ok(()), |frame| self.compare(frame))
    }

    fn translate(&self, at: Place, offset: u16) -> Result<(), Difference> {
        let iova = at.iova(self.last()) | u64::from(offset) & 0xfff;
        let found = read(&self.table, |table| table.translate(Iova::new(iova)));
        let found = found.map(|found| (found.absolute.get(), found.protection == Protection::ReadOnly));
        let expected = self.model.get(iova).map(|page| (page.absolute | iova & 0xfff, page.read_only));
        same(&format!("translation of {iova:#x}"), found, expected)
    }

    fn dma(&mut self, at: Place, offset: u16, write: bool) -> Result<(), Difference> {
        let iova = at.iova(self.last()) | u64::from(offset) & 0xfff;
        if self.pending.range().is_some_and(|pending| pending.contains_iova(Iova::new(iova))) {
            // The machine may use the old entry or the new one.
            return Ok(());
        }
        let reached = self.attachment.aperture().contains_iova(Iova::new(iova));
        let page = self.model.get(iova).filter(|_| reached);
        let absolute = page.map(|page| page.absolute | iova & 0xfff);
        let mut byte = [0];
        let result = if write {
            self.fake.dma_write(self.function.0, iova, &[0x42])
        } else {
            if let Some(absolute) = absolute {
                self.fake.write_data(absolute, &[0x24]);
            }
            self.fake.dma_read(self.function.0, iova, &mut byte)
        };
        match (page, absolute) {
            (Some(Page { read_only, .. }), Some(absolute)) if !(write && read_only) => {
                same(&format!("access of the device to {iova:#x}"), result, Ok(()))?;
                let expected = if write {
                    self.fake.read_data(absolute, &mut byte);
                    0x42
                } else {
                    0x24
                };
                same(&format!("byte at {iova:#x}"), byte[0], expected)
            }
            _ => {
                let code = if reached { 4 } else { 2 };
                let refused = Err(DmaError::Event(Event { code, address: iova }));
                same(&format!("access of the device to {iova:#x}"), result, refused)?;
                reset_error(&self.fake, self.function).map_err(describe)
            }
        }
    }

    fn walk(&self, range: Option<IovaRange>) -> Result<(), Difference> {
        let Some(range) = range else {
            return Ok(());
        };
        let (first, last) = ends(range);
        let mut expected: Vec<Mapping> = Vec::new();
        for (iova, page) in self.model.range(first, last) {
            let frame = if self.frame(iova).is_some() { FrameSize::Size1M } else { FrameSize::Size4K };
            let protection = if page.read_only { Protection::ReadOnly } else { Protection::ReadWrite };
            let range = IovaRange::page(Iova::new(iova));
            match expected.last_mut() {
                Some(run)
                    if run.range.last().get().wrapping_add(1) == iova
                        && run.origin.get() + run.range.pages() * 4096 == page.absolute
                        && (run.protection, run.frame) == (protection, frame) =>
                {
                    run.range = run.range.hull(range);
                }
                _ => expected.push(Mapping { range, origin: AbsoluteAddress::new(page.absolute), protection, frame }),
            }
        }
        let found: Vec<Mapping> = read(&self.table, |table| table.walk(range).take(expected.len() + 1).collect());
        same(&format!("walk of {range}"), found, expected)
    }

    fn refresh(&mut self) -> Result<(), Difference> {
        let pending = core::mem::replace(&mut self.pending, Change::NONE);
        unmapped_from_all(pending, &self.fake, [&self.attachment]).map_err(describe)
    }

    fn reclaim(&mut self, at: Place, size_log2: u8, unmap: bool) -> Result<(), Difference> {
        let mask = (1_u64 << (u32::from(size_log2) % 32 + 12)) - 1;
        let iova = at.iova(self.last()).min(self.last());
        let range = IovaRange::new(Iova::new(iova & !mask), Iova::new((iova | mask).min(self.last())));
        let range = range.map_err(describe)?;
        if unmap {
            self.unmap(Some(range))?;
        }
        self.refresh()?;
        // SAFETY: a trial has its table for itself.
        let reclaimed = unsafe { self.table.reclaim(range) };
        let change = reclaimed.change();
        let inside = change.range().is_none_or(|span| range.contains(span));
        unmapped_from_all(change, &self.fake, [&self.attachment]).map_err(describe)?;
        // SAFETY: the tables come from the tree whose storage this is; the only function that is registered with it
        // was refreshed; nobody looks at it.
        unsafe { reclaimed.free(self.table.memory()) };
        same("whether reclaimed tables lie in the range", inside, true)?;
        // SAFETY: as above.
        same("tables left to reclaim", unsafe { self.table.reclaim(range) }.is_empty(), true)?;
        // What was mapped still is.
        for (iova, page) in self.model.range(range.start().get(), range.last().get()).take(1024) {
            same(&format!("entries for {iova:#x}"), self.seen(iova), Ok(Some(page)))?;
        }
        Ok(())
    }

    /// The large frame of the page of `iova`, as the machine sees it.
    fn frame(&self, iova: u64) -> Option<IovaRange> {
        let found =
            (iova <= self.last()).then(|| self.fake.walk(self.table.iota().into_bits(), iova).ok())?.flatten()?;
        let range = IovaRange::with_size(Iova::new(iova & !0xf_ffff), found.size);
        (found.size == 1 << 20).then_some(range.ok()?)
    }

    /// Keeps `change` for later.
    fn postpone(&mut self, change: Change) {
        let pending = core::mem::replace(&mut self.pending, Change::NONE);
        self.pending = pending.merge(change);
    }

    /// Where the machine's own walk leads from the page at `iova`.
    fn seen(&self, iova: u64) -> Result<Option<Page>, u16> {
        let found = self.fake.walk(self.table.iota().into_bits(), iova)?;
        Ok(found.map(|found| Page { absolute: found.absolute, read_only: found.read_only }))
    }

    /// Compares what the machine sees of every page of `range` and next to it with the model.
    fn compare(&self, range: IovaRange) -> Result<(), Difference> {
        let Some(range) = range.intersection(self.table.span()) else {
            return Ok(());
        };
        let (first, last) = ends(range);
        for iova in (first.saturating_sub(4096)..=last.saturating_add(4096).min(self.last())).step_by(4096) {
            same(&format!("entries for {iova:#x}"), self.seen(iova), Ok(self.model.get(iova)))?;
            if !self.setup.frames.contains(FrameSize::Size1M) {
                same("large frame in a table that has none", self.frame(iova), None)?;
            }
        }
        Ok(())
    }

    fn no_complaints(&self) -> Result<(), Difference> {
        same("complaints of the machine", self.fake.complaints(), Vec::new())
    }
}

/// First and last byte.
fn ends(range: IovaRange) -> (u64, u64) {
    (range.start().get(), range.last().get())
}

fn describe(error: impl core::error::Error) -> Difference {
    error.to_string()
}

fn same<T: Debug + PartialEq>(what: &str, found: T, expected: T) -> Result<(), Difference> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected:x?}, found {found:x?}"))
    }
}
