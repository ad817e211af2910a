// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The kinds of translation tables and how an I/O virtual address is split among them.

use core::fmt;

use crate::format::address::{Iova, PAGE_SIZE_LOG2};
use crate::format::range::IovaRange;

/// A table whose 2048 entries lead further down; the values are those of the TT field of a region entry.
///
/// Linux: `arch/s390/include/asm/pci_dma.h`; QEMU: `hw/s390x/s390-pci-inst.c`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(u8)]
pub enum TableType {
    /// Segment table: each entry covers 1 MiB.
    Segment = 0,
    /// Region-third table: each entry covers 2 GiB.
    RegionThird = 1,
    /// Region-second table: each entry covers 4 TiB.
    RegionSecond = 2,
    /// Region-first table: each entry covers 8 PiB.
    RegionFirst = 3,
}

/// Number of entries of a region or segment table.
pub const CRST_ENTRIES: usize = 1 << CRST_INDEX_BITS;
const CRST_INDEX_BITS: u32 = if MODELLED { 4 } else { 11 };

/// Number of entries of a page table.
pub const PAGE_TABLE_ENTRIES: usize = 1 << PAGE_INDEX_BITS;
const PAGE_INDEX_BITS: u32 = if MODELLED { 4 } else { 8 };

/// Whether accesses are modelled, for which tables of the real sizes have too many entries.
const MODELLED: bool = cfg!(all(loom, test));

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Segment => "segment table",
            Self::RegionThird => "region-third table",
            Self::RegionSecond => "region-second table",
            Self::RegionFirst => "region-first table",
        })
    }
}

impl TableType {
    /// log2 of the number of bytes that one entry covers.
    pub const fn entry_span_log2(self) -> u32 {
        PAGE_SIZE_LOG2 + PAGE_INDEX_BITS + CRST_INDEX_BITS * self as u32
    }

    /// The number of bytes that one entry covers, less one: the mask of an address within it.
    pub const fn entry_mask(self) -> u64 {
        (1 << self.entry_span_log2()) - 1
    }

    /// The last byte that the entry for `iova` covers.
    pub const fn entry_last(self, iova: Iova) -> Iova {
        Iova::new(iova.get() | self.entry_mask())
    }

    /// All that the entry for `iova` covers.
    pub const fn entry_range(self, iova: Iova) -> IovaRange {
        IovaRange::around(iova, self.entry_mask())
    }

    /// Index of the entry for `iova`, below [`CRST_ENTRIES`].
    pub const fn index(self, iova: Iova) -> usize {
        (iova.get() >> self.entry_span_log2()) as usize & (CRST_ENTRIES - 1)
    }
}

/// Index of the entry for `iova` in a page table, below [`PAGE_TABLE_ENTRIES`].
pub const fn page_index(iova: Iova) -> usize {
    (iova.get() >> PAGE_SIZE_LOG2) as usize & (PAGE_TABLE_ENTRIES - 1)
}

#[cfg(not(all(loom, test)))]
const _: () = {
    assert!(TableType::Segment.entry_mask() == 0xf_ffff);
    assert!(TableType::RegionThird.entry_mask() == 0x7fff_ffff);
    assert!(TableType::RegionSecond.entry_mask() == 0x3ff_ffff_ffff);
    assert!(TableType::RegionFirst.entry_mask() == 0x1f_ffff_ffff_ffff);
};

/// The table that a tree starts with; the values are those of the designation type (DT) in the IOTA.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(u8)]
pub enum Root {
    /// Region-third table: three levels, 2^42 bytes.
    RegionThird = 1,
    /// Region-second table: four levels, 2^53 bytes.
    RegionSecond = 2,
    /// Region-first table: five levels, 2^64 bytes.
    RegionFirst = 3,
}

impl Root {
    /// Every root, the shallowest first.
    pub const ALL: [Self; 3] = [Self::RegionThird, Self::RegionSecond, Self::RegionFirst];

    /// The kind of table at the root.
    pub const fn table_type(self) -> TableType {
        match self {
            Self::RegionThird => TableType::RegionThird,
            Self::RegionSecond => TableType::RegionSecond,
            Self::RegionFirst => TableType::RegionFirst,
        }
    }

    /// The designation type, as the IOTA and the group's list of supported types number it.
    pub const fn designation_type(self) -> u8 {
        self as u8
    }

    /// The last I/O virtual address that a tree with this root can translate.
    pub const fn last(self) -> Iova {
        Iova::new(match self {
            Self::RegionThird => TableType::RegionSecond.entry_mask(),
            Self::RegionSecond => TableType::RegionFirst.entry_mask(),
            Self::RegionFirst => u64::MAX,
        })
    }
}

#[cfg(not(all(loom, test)))]
const _: () = {
    assert!(Root::RegionThird.last().get() == (1 << 42) - 1);
    assert!(Root::RegionSecond.last().get() == (1 << 53) - 1);
    assert!(Root::RegionFirst.last().get() == u64::MAX);
};
