// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The way of one address through the tables.

use std::cell::RefCell;

use s390_iommu::guest::{GuestMemory, GuestTable, Look, Rules, WalkError};
use s390_iommu::{
    page_index, AbsoluteAddress, Iota, Iova, PageEntry, Protection, RegionEntry, Root, SegmentEntry, TableType,
};

use super::{below, short_name};

/// One entry on the way.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The kind of the table; `None` is a page table.
    pub(crate) table_type: Option<TableType>,
    /// Where the table is.
    pub(crate) origin: u64,
    /// Which entry.
    pub(crate) index: usize,
    /// The entry; `None` if the dump has no storage there.
    pub(crate) entry: Option<u64>,
}

/// The way of an address, and where it ends.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) iova: Iova,
    pub(crate) steps: Vec<Step>,
    /// Absolute address and protection; `None` if nothing is mapped.
    pub(crate) end: Result<Option<(AbsoluteAddress, Protection)>, WalkError>,
}

/// Storage that remembers what was read from it.
struct Recorder<'m, M: ?Sized> {
    memory: &'m M,
    read: RefCell<Vec<(AbsoluteAddress, Option<u64>)>>,
}

impl<M: GuestMemory + ?Sized> GuestMemory for Recorder<'_, M> {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let entry = self.memory.read_entry(address);
        self.read.borrow_mut().push((address, entry));
        entry
    }
}

/// Follows `iova` from the root that `iota` designates; `None` if that designates none.
pub(crate) fn path<M: GuestMemory + ?Sized>(memory: &M, iota: Iota, rules: Rules, iova: Iova) -> Option<Path> {
    let recorder = Recorder { memory, read: RefCell::default() };
    let mut table = GuestTable::new(&recorder, iota, rules)?;
    let end = table.look(iova).map(|look| match look {
        Look::Hole(_) => None,
        Look::Mapped(run) => {
            let offset = iova.get() & 0xfff;
            Some((AbsoluteAddress::new(run.absolute.get().wrapping_add(offset)), run.protection))
        }
    });
    let root = Root::ALL.into_iter().find(|root| root.designation_type() == iota.designation_type())?;
    let mut table_type = Some(root.table_type());
    let steps = recorder.read.take().into_iter().map(|(address, entry)| {
        let this = table_type;
        let index = this.map_or_else(|| page_index(iova), |crst| crst.index(iova));
        table_type = this.and_then(below);
        Step { table_type: this, origin: address.get().wrapping_sub(8 * index as u64), index, entry }
    });
    let steps = steps.collect();
    Some(Path { iova, steps, end })
}

impl Step {
    /// What the entry says.
    pub(crate) fn text(&self) -> String {
        let Some(entry) = self.entry else {
            return "the dump has no storage there".to_owned();
        };
        match self.table_type {
            None => {
                let page = PageEntry::from_bits(entry);
                match page.invalid() {
                    true => "invalid".to_owned(),
                    false => format!("frame {}, {}", page.frame(), page.protection()),
                }
            }
            Some(TableType::Segment) => {
                let segment = SegmentEntry::from_bits(entry);
                match (segment.invalid(), segment.frame_mapped()) {
                    (true, _) => "invalid".to_owned(),
                    (false, true) => format!("frame of 1 MiB {}, {}", segment.frame(), segment.protection()),
                    (false, false) => format!("page table {}{}", segment.origin(), protected(segment.protected())),
                }
            }
            Some(region) => {
                let entry = RegionEntry::from_bits(entry);
                match entry.invalid() {
                    true => "invalid".to_owned(),
                    false => format!(
                        "{} table {}{}",
                        short_name(below(region)),
                        entry.origin(),
                        protected(entry.protected())
                    ),
                }
            }
        }
    }
}

fn protected(is_protected: bool) -> &'static str {
    if is_protected {
        ", read-only below"
    } else {
        ""
    }
}
