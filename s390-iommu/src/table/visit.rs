// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Visiting every valid entry of a tree.

use core::fmt;

use super::seam::TableAllocator;
use super::tree::{below, PageTable, Segment, Tree};
use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::frame::FrameSize;
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::table::run;
use crate::table::walk::Mapping;

/// What a visit finds; `depth` is 1 for the entries of the root.
pub(crate) enum Found<'t> {
    /// An entry that designates a table; `below` is nothing where that is a page table.
    Table { depth: usize, index: usize, bits: u64, below: Option<TableType>, origin: AbsoluteAddress },
    /// An entry that maps a frame of 1 MiB.
    Frame { depth: usize, index: usize, bits: u64, mapping: Mapping },
    /// The page table for `segment`.
    Pages { depth: usize, pages: &'t PageTable, segment: IovaRange },
}

impl<M: TableAllocator> Tree<M> {
    /// Shows every valid entry to `visitor`, those of a table right after the entry that designates it.
    pub(crate) fn visit<V>(&self, visitor: &mut V) -> fmt::Result
    where
        V: FnMut(Found<'_>) -> fmt::Result,
    {
        self.visit_region_table(self.root(), self.kind().table_type(), Iova::new(0), 1, visitor)
    }

    fn visit_region_table<V>(
        &self,
        table: AbsoluteAddress,
        table_type: TableType,
        start: Iova,
        depth: usize,
        visitor: &mut V,
    ) -> fmt::Result
    where
        V: FnMut(Found<'_>) -> fmt::Result,
    {
        for (index, entry) in run::valid(self.region_table_at(table)) {
            let iova = entry_start(start, table_type, index);
            visitor(Found::Table {
                depth,
                index,
                bits: entry.into_bits(),
                below: Some(below(table_type)),
                origin: entry.origin(),
            })?;
            match below(table_type) {
                TableType::Segment => self.visit_segment_table(entry.origin(), iova, depth + 1, visitor)?,
                next => self.visit_region_table(entry.origin(), next, iova, depth + 1, visitor)?,
            }
        }
        Ok(())
    }

    fn visit_segment_table<V>(&self, table: AbsoluteAddress, start: Iova, depth: usize, visitor: &mut V) -> fmt::Result
    where
        V: FnMut(Found<'_>) -> fmt::Result,
    {
        for (index, entry) in run::valid(self.segment_table_at(table)) {
            let segment = TableType::Segment.entry_range(entry_start(start, TableType::Segment, index));
            let bits = entry.into_bits();
            match self.target(entry) {
                Segment::Empty => {}
                Segment::Frame(frame, protection) => visitor(Found::Frame {
                    depth,
                    index,
                    bits,
                    mapping: Mapping { range: segment, origin: frame, protection, frame: FrameSize::Size1M },
                })?,
                Segment::Pages(pages) => {
                    visitor(Found::Table { depth, index, bits, below: None, origin: entry.origin() })?;
                    visitor(Found::Pages { depth: depth + 1, pages, segment })?;
                }
            }
        }
        Ok(())
    }
}

/// The first address that entry `index` of a table covers, which starts at `start`.
fn entry_start(start: Iova, table_type: TableType, index: usize) -> Iova {
    let offset = (index as u64) << table_type.entry_span_log2();
    Iova::new(start.get().wrapping_add(offset))
}
