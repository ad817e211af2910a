// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Lists of tables that are in no tree, kept in the tables themselves.

use crate::format::address::AbsoluteAddress;
use crate::format::entry::{Entry, PageEntry, RegionEntry, SegmentEntry};
use crate::table::seam::TableSize;

/// One table of a list: its origin and size, as an entry that is invalid in every kind of table.
///
/// The first word of a table holds the link to the one put on the list before it, so that a list needs no storage, and
/// a machine that still looks at the table finds nothing valid there.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Link(u64);

impl Link {
    const INVALID: u64 = 0x420;
    const CRST: u64 = 1;
    /// The end of a list; no table is at absolute address 0.
    pub(super) const END: Self = Self(Self::INVALID);

    pub(super) fn to(origin: AbsoluteAddress, size: TableSize) -> Self {
        let kind = match size {
            TableSize::Page => 0,
            TableSize::Crst => Self::CRST,
        };
        Self(origin.get() | Self::INVALID | kind)
    }

    pub(super) fn table(self) -> Option<(AbsoluteAddress, TableSize)> {
        let origin = self.0 & !(TableSize::Page.bytes() as u64 - 1);
        let size = if self.0 & Self::CRST == 0 { TableSize::Page } else { TableSize::Crst };
        (origin != 0).then(|| (AbsoluteAddress::new(origin), size))
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// The caller, in this module, sees to it that `bits` are those of a link.
    pub(super) const fn of_bits(bits: u64) -> Self {
        Self(bits)
    }
}

const _: () = {
    assert!(Link::INVALID & RegionEntry::EMPTY.into_bits() != 0);
    assert!(Link::INVALID & SegmentEntry::EMPTY.into_bits() != 0);
    assert!(Link::INVALID & PageEntry::EMPTY.into_bits() != 0);
};
