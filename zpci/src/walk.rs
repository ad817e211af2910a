// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! DMA tables in a dump.

mod map;
mod memory;
mod path;
mod picture;
mod tree;

pub(crate) use map::{map, Entry as MapEntry};
pub(crate) use memory::{Dump, Memory};
pub(crate) use path::{path, Path};
pub(crate) use picture::{counts, picture};
pub(crate) use tree::{tree, Node};

use s390_iommu::TableType;

/// Name of a kind of table without the word "table"; `None` is a page table.
pub(crate) fn short_name(table_type: Option<TableType>) -> &'static str {
    match table_type {
        None => "page",
        Some(TableType::Segment) => "segment",
        Some(TableType::RegionThird) => "region-third",
        Some(TableType::RegionSecond) => "region-second",
        Some(TableType::RegionFirst) => "region-first",
    }
}

/// The kind of the tables that the entries of a table lead to; `None` is a page table.
pub(crate) fn below(table_type: TableType) -> Option<TableType> {
    match table_type {
        TableType::RegionFirst => Some(TableType::RegionSecond),
        TableType::RegionSecond => Some(TableType::RegionThird),
        TableType::RegionThird => Some(TableType::Segment),
        TableType::Segment => None,
    }
}
