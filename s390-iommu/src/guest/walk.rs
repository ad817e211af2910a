// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A walk over the guest's tables.

use core::fmt;

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::entry::{PageEntry, RegionEntry, SegmentEntry};
use crate::format::event_code::EventCode;
use crate::format::frame::Protection;
use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, Root, TableType};
use crate::guest::mappings::Run;
use crate::guest::memory::GuestMemory;
use crate::guest::rules::Rules;

/// The translation table of a guest, read through its storage.
///
/// Nothing in it is trusted, and all of it may change between two reads: an entry is read once and its value decides. A
/// look reads five entries at most. Tables below the root are remembered from one look to the next, so that entries in a
/// row cost a read each; make a new walk for each instruction.
#[doc(alias = "s390_guest_io_table_walk")]
#[derive(Clone, Debug)]
pub struct GuestTable<'m, M: ?Sized> {
    memory: &'m M,
    rules: Rules,
    root: Root,
    top: Table,
    /// The tables that the last look came through, page table first.
    path: [Option<Table>; 4],
    reads: u64,
}

/// A table that a walk came to.
#[derive(Clone, Copy, Debug)]
struct Table {
    /// First address that leads through it.
    first: u64,
    origin: AbsoluteAddress,
    /// What the entries above leave of the protection of what is below.
    protection: Protection,
}

/// What the entry for an address says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Look {
    /// It maps the pages of the run: from that of the address asked for to the last that the entry maps.
    Mapped(Run),
    /// It is invalid, for the pages from that of the address asked for to the last that it covers.
    Hole(IovaRange),
}

impl Look {
    /// The pages that it is about.
    pub const fn range(&self) -> IovaRange {
        match self {
            Self::Mapped(run) => run.range,
            Self::Hole(range) => *range,
        }
    }
}

/// What is wrong with a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WalkError {
    /// The error event that the function reports.
    pub code: EventCode,
    /// Where the entry is that is wrong.
    pub entry: AbsoluteAddress,
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table entry at {}: event {}", self.entry, self.code)
    }
}

impl core::error::Error for WalkError {}

/// What an entry of a region or segment table leads to.
enum Next {
    Hole,
    Table(Table),
    Frame(AbsoluteAddress, Protection),
}

impl<'m, M: GuestMemory + ?Sized> GuestTable<'m, M> {
    /// The table that `iota` designates; `None` if translation is off or the designation type is that of no root.
    pub fn new(memory: &'m M, iota: Iota, rules: Rules) -> Option<Self> {
        let designates = |root: &Root| root.designation_type() == iota.designation_type();
        let root = Root::ALL.into_iter().find(designates).filter(|_| iota.translation())?;
        let protection = Protection::from_protected(rules.is_protected(iota));
        let top = Table { first: 0, origin: rules.origin(iota), protection };
        Some(Self { memory, rules, root, top, path: [None; 4], reads: 0 })
    }

    /// Number of entries read so far.
    pub const fn reads(&self) -> u64 {
        self.reads
    }

    /// Looks where the page of `iova` leads.
    ///
    /// Whether the address is in the aperture is not looked at.
    ///
    /// # Errors
    ///
    /// [`WalkError`]: the code of the error event that a refresh of this page reports.
    pub fn look(&mut self, iova: Iova) -> Result<Look, WalkError> {
        if !self.rules.wraps && iova > self.root.last() {
            return Ok(Look::Hole(IovaRange::page(iova).hull(IovaRange::page(Iova::new(u64::MAX)))));
        }
        let (mut table, mut table_type) = self.nearest(iova);
        while let Some(crst) = table_type {
            let at = self.entry_address(table.origin, crst.index(iova));
            let next = match crst {
                TableType::Segment => self.segment(table, at)?,
                _ => self.region(table, crst, at)?,
            };
            match next {
                Next::Hole => return Ok(Look::Hole(self.covered(iova, crst.entry_mask()))),
                Next::Frame(frame, protection) => {
                    let absolute = AbsoluteAddress::new(frame.get() | page_of(iova) & crst.entry_mask());
                    let range = self.covered(iova, crst.entry_mask());
                    return Ok(Look::Mapped(Run { range, absolute, protection }));
                }
                Next::Table(next) => {
                    table = Table { first: iova.get() & !crst.entry_mask(), ..next };
                    table_type = below(crst);
                    if let Some(place) = self.path.get_mut(depth(table_type)) {
                        *place = Some(table);
                    }
                }
            }
        }
        let at = self.entry_address(table.origin, page_index(iova));
        let entry = PageEntry::from_bits(self.read(at)?);
        let range = IovaRange::page(iova);
        if entry.invalid() {
            return Ok(Look::Hole(range));
        }
        self.check_address(entry.frame(), at)?;
        let protection = table.protection.and(entry.protection());
        Ok(Look::Mapped(Run { range, absolute: entry.frame(), protection }))
    }

    /// The lowest table on the remembered path that `iova` leads through, and its type; `None` is a page table.
    fn nearest(&self, iova: Iova) -> (Table, Option<TableType>) {
        const TYPES: [(Option<TableType>, TableType); 4] = [
            (None, TableType::Segment),
            (Some(TableType::Segment), TableType::RegionThird),
            (Some(TableType::RegionThird), TableType::RegionSecond),
            (Some(TableType::RegionSecond), TableType::RegionFirst),
        ];
        let known = self.path.iter().zip(TYPES).find_map(|(table, (table_type, above))| {
            let table = (*table)?;
            (iova.get() & !above.entry_mask() == table.first).then_some((table, table_type))
        });
        known.unwrap_or((self.top, Some(self.root.table_type())))
    }

    /// What the entry at `at` of a region table of type `table_type` leads to.
    fn region(&mut self, table: Table, table_type: TableType, at: AbsoluteAddress) -> Result<Next, WalkError> {
        let entry = RegionEntry::from_bits(self.read(at)?);
        if entry.invalid() {
            return Ok(Next::Hole);
        }
        if entry.table_length() != 3 || entry.table_offset() != 0 {
            return Err(WalkError { code: EventCode::INVALID_TABLE_LENGTH, entry: at });
        }
        if entry.table_type() != table_type as u8 {
            return Err(WalkError { code: EventCode::TABLE_TYPE, entry: at });
        }
        self.check_address(entry.origin(), at)?;
        let protection = table.protection.and(Protection::from_protected(entry.protected()));
        Ok(Next::Table(Table { first: 0, origin: entry.origin(), protection }))
    }

    /// What the entry at `at` of a segment table leads to.
    fn segment(&mut self, table: Table, at: AbsoluteAddress) -> Result<Next, WalkError> {
        let entry = SegmentEntry::from_bits(self.read(at)?);
        if entry.invalid() {
            return Ok(Next::Hole);
        }
        if entry.table_type() != TableType::Segment as u8 {
            return Err(WalkError { code: EventCode::TABLE_TYPE, entry: at });
        }
        // Of a frame too it is the bits of an origin that must not be 0 (QEMU).
        self.check_address(entry.origin(), at)?;
        let protection = table.protection.and(entry.protection());
        if entry.frame_mapped() {
            return Ok(Next::Frame(entry.frame(), protection));
        }
        Ok(Next::Table(Table { first: 0, origin: entry.origin(), protection }))
    }

    fn check_address(&self, address: AbsoluteAddress, at: AbsoluteAddress) -> Result<(), WalkError> {
        if self.rules.refuses_zero && address.get() == 0 {
            return Err(WalkError { code: EventCode::TABLE_TYPE, entry: at });
        }
        Ok(())
    }

    /// Where entry `index` is; an origin so high that the address wraps is one where no storage is.
    fn entry_address(&self, origin: AbsoluteAddress, index: usize) -> AbsoluteAddress {
        AbsoluteAddress::new(origin.get().wrapping_add(index as u64 * size_of::<u64>() as u64))
    }

    fn read(&mut self, at: AbsoluteAddress) -> Result<u64, WalkError> {
        self.reads = self.reads.saturating_add(1);
        match self.memory.read_entry(at) {
            Some(0) if self.rules.refuses_zero => Err(WalkError { code: EventCode::INVALID_TABLE_ENTRY, entry: at }),
            Some(entry) => Ok(entry),
            None => Err(WalkError { code: self.rules.no_storage, entry: at }),
        }
    }

    /// What an entry is taken for that covers `mask` + 1 bytes.
    fn covered(&self, iova: Iova, mask: u64) -> IovaRange {
        let page = IovaRange::page(iova);
        let last = match page.start().checked_add(mask) {
            Some(last) if self.rules.steps_from_cursor => last,
            _ => Iova::new(iova.get() | mask),
        };
        page.hull(IovaRange::page(last))
    }
}

const fn page_of(iova: Iova) -> u64 {
    IovaRange::page(iova).start().get()
}

/// The type of the tables that the entries of a table lead to; `None` is a page table.
const fn below(table_type: TableType) -> Option<TableType> {
    match table_type {
        TableType::RegionFirst => Some(TableType::RegionSecond),
        TableType::RegionSecond => Some(TableType::RegionThird),
        TableType::RegionThird => Some(TableType::Segment),
        TableType::Segment => None,
    }
}

/// Place of a table in the path.
const fn depth(table_type: Option<TableType>) -> usize {
    match table_type {
        None => 0,
        Some(table_type) => table_type as usize + 1,
    }
}
