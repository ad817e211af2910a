// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Page tables that a mapping allocates ahead: they are in the tree in the end, or with the allocator again.

mod storage;

use s390_iommu::{AbsoluteAddress, Change, FrameSizes, Iova, IovaRange, MapError, Protection, Root, TranslationTable};
use storage::Heap;

const PAGE: u64 = 0x1000;
const MIB: u64 = 0x10_0000;
const START: u64 = 0x1_0000_0000;
const PAGE_TABLE: usize = 2 << 10;
const STORAGE: AbsoluteAddress = AbsoluteAddress::new(0x7_6543_1000);

fn range(start: u64, bytes: u64) -> IovaRange {
    IovaRange::with_size(Iova::new(start), bytes).unwrap()
}

fn map(table: &TranslationTable<&Heap>, range: IovaRange) -> Result<(), MapError> {
    table.map(range, STORAGE, Protection::ReadWrite).map(Change::unseen)
}

#[test]
fn a_refused_mapping_leaves_no_page_table() {
    let heap = Heap::default();
    let mut table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let there = range(START + 3 * MIB + 5 * PAGE, PAGE);
    map(&table, there).unwrap();
    let before = heap.bytes.get();
    // Three segments without a table come before the page that is in the way.
    let refused = MapError::AlreadyMapped { iova: there.start(), to: STORAGE };
    assert_eq!(map(&table, range(START, 4 * MIB)), Err(refused));
    assert_eq!(heap.bytes.get(), before);
    assert_eq!(table.exclusive_reader().walk(IovaRange::ALL).count(), 1);
}

#[test]
fn a_mapping_makes_the_tables_that_are_missing_and_no_more() {
    let heap = Heap::default();
    let mut table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    map(&table, range(START + 2 * MIB, PAGE)).unwrap();
    let before = heap.bytes.get();
    // From within a segment, around the page that is mapped, into another segment; the page itself stays free of it.
    map(&table, range(START + MIB - PAGE, MIB + PAGE)).unwrap();
    map(&table, range(START + 2 * MIB + PAGE, MIB)).unwrap();
    assert_eq!(heap.bytes.get(), before + 3 * PAGE_TABLE);
    let mapped: Vec<IovaRange> = table.exclusive_reader().walk(IovaRange::ALL).map(|mapping| mapping.range).collect();
    let expected =
        [range(START + MIB - PAGE, MIB + PAGE), range(START + 2 * MIB, PAGE), range(START + 2 * MIB + PAGE, MIB)];
    assert_eq!(mapped, expected);
    drop(table);
    assert_eq!(heap.bytes.get(), 0);
}
