// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A whole tree as text for people.

use core::fmt;

use crate::format::address::Iova;
use crate::format::frame::FrameSize;
use crate::format::range::IovaRange;
use crate::format::table_type::{page_index, TableType, CRST_ENTRIES};
use crate::table::cell::{Segment, SegmentCell};
use crate::table::reader::Reader;
use crate::table::run;
use crate::table::seam::TableAllocator;
use crate::table::sweep::{RegionStep, SegmentStep, Sweep};
use crate::table::tree::{PageTable, Tree};
use crate::table::walk::{first_run, Mapping};

/// Prints every valid entry of every table: index, entry, and what it leads to; pages as runs.
///
/// ```text
/// region-third table at 0x24000
///   [0x002] 0x0000000000028007 segment table at 0x28000
///     [0x000] 0x000000000002c800 page table at 0x2c800
///       [0x00..=0x0f] 0x100000000..=0x10000ffff -> 0x50000 read-write
///     [0x004] 0x0000000000400400 0x100400000..=0x1004fffff -> 0x400000 read-write
/// ```
impl<M: TableAllocator> fmt::Debug for Reader<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table();
        write!(f, "{} at {}", table.root().table_type(), table.origin())?;
        table.tree().sweep(table.span(), &mut Dump { f })
    }
}

/// Writes while it sweeps.
struct Dump<'f, 'w> {
    f: &'f mut fmt::Formatter<'w>,
}

impl<'t, M: TableAllocator> Sweep<'t, M> for Dump<'_, '_> {
    type Stop = fmt::Error;

    fn enter(&mut self, _: &'t Tree<M>, step: &RegionStep<'t>) -> fmt::Result {
        self.line(step.depth)?;
        let (index, bits) = (step.index, step.entry.into_bits());
        write!(self.f, "[{index:#05x}] {bits:#018x} {} at {}", step.below, step.entry.origin())
    }

    fn segments(&mut self, tree: &'t Tree<M>, step: &SegmentStep<'t>) -> fmt::Result {
        for (index, entry) in run::valid_between(step.table, 0, CRST_ENTRIES - 1) {
            let Some(slot) = step.table.get(index) else { continue };
            let span = TableType::Segment.entry_range(segment_start(step.part, index));
            let bits = entry.into_bits();
            match SegmentCell::new(tree, slot).get() {
                Segment::Empty => {}
                Segment::Frame(origin, protection) => {
                    let mapping = Mapping { range: span, origin, protection, frame: FrameSize::Size1M };
                    self.line(step.depth)?;
                    write!(self.f, "[{index:#05x}] {bits:#018x} {mapping}")?;
                }
                Segment::Pages(pages) => {
                    self.line(step.depth)?;
                    write!(self.f, "[{index:#05x}] {bits:#018x} page table at {}", entry.origin())?;
                    self.pages(step.depth.wrapping_add(1), pages, span)?;
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, _: &'t Tree<M>, _: &RegionStep<'t>) -> fmt::Result {
        Ok(())
    }
}

impl Dump<'_, '_> {
    /// Starts a line, two spaces further in for each level.
    fn line(&mut self, depth: usize) -> fmt::Result {
        self.f.write_str("\n")?;
        (0..depth).try_for_each(|_| self.f.write_str("  "))
    }

    /// Writes the runs of a page table, which covers `span`.
    fn pages(&mut self, depth: usize, pages: &PageTable, span: IovaRange) -> fmt::Result {
        let mut rest = Some(span);
        while let Some(run) = rest.and_then(|todo| first_run(pages, todo)) {
            let (first, last) = (run.range.start(), run.range.last());
            self.line(depth)?;
            write!(self.f, "[{:#04x}..={:#04x}] {run}", page_index(first), page_index(last))?;
            rest = span.split_after(last).1;
        }
        Ok(())
    }
}

/// The first address of segment `index` of the table that covers `part`.
fn segment_start(part: IovaRange, index: usize) -> Iova {
    let start = part.start().get() & !TableType::RegionThird.entry_mask();
    Iova::new(start.wrapping_add((index as u64) << TableType::Segment.entry_span_log2()))
}
