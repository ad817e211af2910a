// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables themselves.

use s390_iommu::guest::GuestMemory;
use s390_iommu::{AbsoluteAddress, PageEntry, RegionEntry, SegmentEntry, TableType, CRST_ENTRIES, PAGE_TABLE_ENTRIES};

use super::below;

/// A table, and what its entries lead to.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The kind of the table; `None` is a page table.
    pub(crate) table_type: Option<TableType>,
    pub(crate) origin: u64,
    /// The entry of the table above that leads here.
    pub(crate) index: usize,
    /// The first I/O virtual address that leads through it.
    pub(crate) first: u64,
    /// Entries that are valid.
    pub(crate) valid: usize,
    /// Entries that are valid and wrong: of another kind, of a part of a table, or 0.
    pub(crate) wrong: usize,
    /// Entries that the dump has no storage for.
    pub(crate) missing: usize,
    /// Frames that its entries map.
    pub(crate) frames: usize,
    /// Tables that its entries lead to.
    pub(crate) children: Vec<Node>,
}

/// How many tables were looked at, and how many may be.
struct Budget {
    left: usize,
}

/// The tables from the one at `origin` on, at most `most`; `None` if there are more.
pub(crate) fn tree<M: GuestMemory + ?Sized>(
    memory: &M,
    root: TableType,
    origin: AbsoluteAddress,
    most: usize,
) -> Option<Node> {
    let mut budget = Budget { left: most };
    node(memory, Some(root), origin.get(), 0, 0, &mut budget)
}

fn node<M: GuestMemory + ?Sized>(
    memory: &M,
    table_type: Option<TableType>,
    origin: u64,
    index: usize,
    first: u64,
    budget: &mut Budget,
) -> Option<Node> {
    budget.left = budget.left.checked_sub(1)?;
    let mut node =
        Node { table_type, origin, index, first, valid: 0, wrong: 0, missing: 0, frames: 0, children: Vec::new() };
    let entries = if table_type.is_some() { CRST_ENTRIES } else { PAGE_TABLE_ENTRIES };
    let span = table_type.map_or(4096, |table_type| table_type.entry_mask().wrapping_add(1));
    for index in 0..entries {
        let at = AbsoluteAddress::new(origin.wrapping_add(8 * index as u64));
        let Some(entry) = memory.read_entry(at) else {
            node.missing += 1;
            continue;
        };
        let next = match table_type {
            None => {
                let page = PageEntry::from_bits(entry);
                node.count(!page.invalid(), entry != 0);
                node.frames += usize::from(!page.invalid() && entry != 0);
                continue;
            }
            Some(TableType::Segment) => {
                let segment = SegmentEntry::from_bits(entry);
                node.count(!segment.invalid(), entry != 0 && segment.table_type() == 0);
                match (segment.invalid() || entry == 0 || segment.table_type() != 0, segment.frame_mapped()) {
                    (true, _) => continue,
                    (false, true) => {
                        node.frames += 1;
                        continue;
                    }
                    (false, false) => segment.origin(),
                }
            }
            Some(region) => {
                let entry = RegionEntry::from_bits(entry);
                let is_right =
                    entry.table_type() == region as u8 && entry.table_length() == 3 && entry.table_offset() == 0;
                node.count(!entry.invalid(), is_right);
                if entry.invalid() || !is_right {
                    continue;
                }
                entry.origin()
            }
        };
        let child = first.wrapping_add(span.wrapping_mul(index as u64));
        node.children.push(self::node(memory, table_type.and_then(below), next.get(), index, child, budget)?);
    }
    Some(node)
}

impl Node {
    fn count(&mut self, is_valid: bool, is_right: bool) {
        self.valid += usize::from(is_valid && is_right);
        self.wrong += usize::from(is_valid && !is_right);
    }

    /// This table and all below it, the upper ones first, with how deep each is.
    pub(crate) fn each<'n>(&'n self, depth: usize, visit: &mut impl FnMut(usize, &'n Self)) {
        visit(depth, self);
        self.children.iter().for_each(|child| child.each(depth + 1, visit));
    }
}
