// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A whole tree as text for people.

use core::fmt;

use crate::format::table_type::{page_index, Root, TableType};
use crate::table::translation_table::TranslationTable;
use crate::table::walk::first_run;
use crate::table::{Found, TableAllocator};

/// Prints every valid entry of every table: index, entry, and what it leads to; pages as runs.
///
/// ```text
/// region-third table at 0x24000
///   [0x002] 0x0000000000028007 segment table at 0x28000
///     [0x000] 0x000000000002c800 page table at 0x2c800
///       [0x00..=0x0f] 0x100000000..=0x10000ffff -> 0x50000 read-write
///     [0x004] 0x0000000000400400 0x100400000..=0x1004fffff -> 0x400000 read-write
/// ```
impl<M: TableAllocator> fmt::Debug for TranslationTable<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = match self.root() {
            Root::RegionThird => TableType::RegionThird,
            Root::RegionSecond => TableType::RegionSecond,
            Root::RegionFirst => TableType::RegionFirst,
        };
        write!(f, "{} at {}", name(root), self.origin())?;
        self.tree.visit(&mut |found| match found {
            Found::Table { depth, index, bits, below, origin } => {
                newline(f, depth)?;
                write!(f, "[{index:#05x}] {bits:#018x} {} at {origin}", below.map_or("page table", name))
            }
            Found::Frame { depth, index, bits, mapping } => {
                newline(f, depth)?;
                write!(f, "[{index:#05x}] {bits:#018x} {mapping}")
            }
            Found::Pages { depth, pages, segment } => {
                let mut rest = Some(segment);
                while let Some(run) = rest.and_then(|todo| first_run(pages, todo)) {
                    let (first, last) = (run.range.start(), run.range.last());
                    newline(f, depth)?;
                    write!(f, "[{:#04x}..={:#04x}] {run}", page_index(first), page_index(last))?;
                    rest = segment.split_after(last).1;
                }
                Ok(())
            }
        })
    }
}

/// Starts a line, two spaces further in a level.
fn newline(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    f.write_str("\n")?;
    (0..depth).try_for_each(|_| f.write_str("  "))
}

const fn name(table_type: TableType) -> &'static str {
    match table_type {
        TableType::Segment => "segment table",
        TableType::RegionThird => "region-third table",
        TableType::RegionSecond => "region-second table",
        TableType::RegionFirst => "region-first table",
    }
}
