// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The shortest ways, of one page: they do what the long ones do, or nothing at all.

mod storage;

use s390_iommu::{AbsoluteAddress, FrameSizes, Iova, IovaRange, Protection, Root, TranslationTable};
use storage::Heap;

const BASE: u64 = 0x1_0000_0000;
const ORIGIN: AbsoluteAddress = AbsoluteAddress::new(0x7654_3000);

/// Whether it was mapped.
fn map(table: &TranslationTable<&Heap>, iova: u64, origin: AbsoluteAddress) -> bool {
    match table.map_page_at_once(Iova::new(iova), origin, Protection::ReadOnly) {
        Some(change) => {
            assert_eq!(change.defer(), Some(IovaRange::page(Iova::new(iova))));
            true
        }
        None => false,
    }
}

/// Whether it was unmapped.
fn unmap(table: &TranslationTable<&Heap>, iova: u64) -> bool {
    match table.unmap_page_at_once(Iova::new(iova)) {
        Some(change) => {
            assert_eq!(change.defer(), Some(IovaRange::page(Iova::new(iova))));
            true
        }
        None => false,
    }
}

/// Where `iova` leads: `None` if there is no page table for it.
fn translate(table: &mut TranslationTable<&Heap>, iova: u64) -> Option<Option<(u64, Protection)>> {
    let found = table.exclusive_reader().translate_page(Iova::new(iova))?;
    assert_eq!(found, table.exclusive_reader().translate(Iova::new(iova)));
    Some(found.map(|found| (found.absolute.get(), found.protection)))
}

#[test]
fn a_page_in_a_table_that_is_there() {
    for root in Root::ALL {
        let heap = Heap::default();
        let mut table = TranslationTable::new(root, FrameSizes::SMALL, &heap).unwrap();
        assert!(!map(&table, BASE, ORIGIN) && !unmap(&table, BASE), "no table is made");
        assert_eq!(translate(&mut table, BASE), None);
        let first = IovaRange::page(Iova::new(BASE));
        table.map(first, ORIGIN, Protection::ReadWrite).unwrap().unseen();
        let bytes = heap.bytes.get();

        let next = BASE + 0x1000;
        assert_eq!(translate(&mut table, next + 0x123), Some(None));
        assert!(map(&table, next, ORIGIN));
        assert_eq!(translate(&mut table, next + 0x123), Some(Some((0x7654_3123, Protection::ReadOnly))));
        assert!(!map(&table, next, ORIGIN), "it is mapped");
        assert!(unmap(&table, next) && !unmap(&table, next));
        assert_eq!(translate(&mut table, next), Some(None));
        assert_eq!(translate(&mut table, BASE), Some(Some((ORIGIN.get(), Protection::ReadWrite))));
        assert_eq!(heap.bytes.get(), bytes);
    }
}

#[test]
fn what_is_no_page_is_left_to_the_long_way() {
    let heap = Heap::default();
    let mut table = TranslationTable::new(Root::RegionThird, FrameSizes::WITH_LARGE, &heap).unwrap();
    table.map(IovaRange::page(Iova::new(BASE)), ORIGIN, Protection::ReadWrite).unwrap().unseen();
    let next = BASE + 0x1000;
    for (iova, origin) in [
        (next + 1, ORIGIN.get()),
        (next + 0x800, ORIGIN.get()),
        (next, ORIGIN.get() + 0x800),
        (next, 0),
        // The same index in every table, beyond what the root spans.
        (next | 1 << 42, ORIGIN.get()),
    ] {
        assert!(!map(&table, iova, AbsoluteAddress::new(origin)), "{iova:#x} {origin:#x}");
        assert_eq!(translate(&mut table, next), Some(None));
    }
    assert!(!unmap(&table, BASE + 1) && !unmap(&table, BASE | 1 << 42));
    assert_eq!(translate(&mut table, BASE | 1 << 42), None);
    assert_eq!(translate(&mut table, BASE), Some(Some((ORIGIN.get(), Protection::ReadWrite))));

    let frame = IovaRange::with_size(Iova::new(BASE + (1 << 20)), 1 << 20).unwrap();
    table.map(frame, AbsoluteAddress::new(0x4_0000_0000), Protection::ReadWrite).unwrap().unseen();
    let inside = frame.start().get() + 0x5000;
    assert!(!map(&table, inside, ORIGIN) && !unmap(&table, inside));
    assert_eq!(translate(&mut table, inside), None);
    let found = table.exclusive_reader().translate(Iova::new(inside));
    assert_eq!(found.map(|found| found.absolute.get()), Some(0x4_0000_5000));
}
