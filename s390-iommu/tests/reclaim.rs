// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Tables that an unmap emptied are given back, and no others.

mod storage;

use std::ptr::NonNull;
use std::rc::Rc;

use s390_iommu::{
    AbsoluteAddress, FrameSizes, Iova, IovaRange, PhysToVirt, Protection, Reclaimed, Root, TableAllocator, TableSize,
    TranslationTable,
};
use storage::Heap;

const PAGE_TABLE: usize = 2 << 10;
const CRST: usize = 16 << 10;

fn range(start: u64, bytes: u64) -> IovaRange {
    IovaRange::with_size(Iova::new(start), bytes).unwrap()
}

fn map(table: &TranslationTable<&Heap>, range: IovaRange) {
    let storage = AbsoluteAddress::new(0x1_0000_0000);
    table.map(range, storage, Protection::ReadWrite).unwrap().unseen();
}

fn unmap(table: &TranslationTable<&Heap>, range: IovaRange) {
    table.unmap(range).unwrap().change.unseen();
}

/// Reclaims in `range` and gives back; what was to be refreshed, and how many bytes it says it took.
fn reclaim(table: &TranslationTable<&Heap>, range: IovaRange) -> Option<(IovaRange, usize)> {
    // SAFETY: nobody else uses the table.
    let reclaimed = unsafe { table.reclaim(range) };
    let change = reclaimed.change();
    let result = change.range().map(|span| (span, reclaimed.bytes()));
    change.unseen();
    // SAFETY: the storage is that of the table, no function is registered with it, and nobody looks at it.
    unsafe { reclaimed.free(table.memory()) };
    result
}

#[test]
fn what_was_mapped_and_unmapped_leaves_nothing_behind() {
    for root in Root::ALL {
        let heap = Heap::default();
        let table = TranslationTable::new(root, FrameSizes::SMALL, &heap).unwrap();
        assert_eq!(heap.bytes.get(), CRST);
        let all = range(0x1_0000_0000, 4 << 30);
        map(&table, all);
        let levels_below_root = root.designation_type() as usize - 1;
        assert_eq!(heap.bytes.get(), CRST + levels_below_root * CRST + 2 * CRST + 4096 * PAGE_TABLE);
        unmap(&table, all);
        assert_eq!(reclaim(&table, all), Some((all, 2 * CRST + 4096 * PAGE_TABLE)));
        // Region tables between the root and these stay, since the range does not span them.
        assert_eq!(heap.bytes.get(), CRST + levels_below_root * CRST);
        let span = range(0, if root == Root::RegionFirst { 1 << 53 } else { 1 << 42 });
        let taken = levels_below_root * CRST;
        assert_eq!(reclaim(&table, span), (taken > 0).then_some((span, taken)), "{root:?}");
        assert_eq!(heap.bytes.get(), CRST);
        map(&table, all);
        drop(table);
        assert_eq!(heap.bytes.get(), 0);
    }
}

#[test]
fn a_table_that_the_range_only_cuts_stays() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let mapped = range(0x1_0000_0000, 2 << 20);
    map(&table, mapped);
    unmap(&table, mapped);
    let before = heap.bytes.get();
    assert_eq!(reclaim(&table, range(0x1_0000_1000, (2 << 20) - 0x2000)), None);
    assert_eq!(heap.bytes.get(), before);
    // The first page table lies in the range, the second does not; the segment table does not either.
    let first = range(0x1_0000_0000, 1 << 20);
    assert_eq!(reclaim(&table, range(0x1_0000_0000, (2 << 20) - 0x1000)), Some((first, PAGE_TABLE)));
    assert_eq!(heap.bytes.get(), before - PAGE_TABLE);
}

#[test]
fn a_table_with_a_mapping_stays() {
    let heap = Heap::default();
    let mut table = TranslationTable::new(Root::RegionThird, FrameSizes::WITH_LARGE, &heap).unwrap();
    let page = range(0x1_0010_5000, 0x1000);
    let frame = range(0x1_8000_0000, 1 << 20);
    map(&table, page);
    map(&table, frame);
    let before = heap.bytes.get();
    assert_eq!(reclaim(&table, IovaRange::ALL), None);
    assert_eq!(heap.bytes.get(), before);
    let found = table.exclusive_reader().translate(page.start());
    assert_eq!(found.map(|found| found.absolute.get()), Some(0x1_0000_0000));
    unmap(&table, frame);
    // Only the segment table that held the frame is empty.
    assert_eq!(reclaim(&table, IovaRange::ALL), Some((range(0x1_8000_0000, 2 << 30), CRST)));
    unmap(&table, page);
    assert_eq!(reclaim(&table, IovaRange::ALL), Some((range(0x1_0000_0000, 2 << 30), CRST + PAGE_TABLE)));
    assert_eq!(heap.bytes.get(), CRST);
}

#[test]
fn a_reclaimed_range_can_be_mapped_again() {
    let heap = Heap::default();
    let mut table = TranslationTable::new(Root::RegionSecond, FrameSizes::WITH_LARGE, &heap).unwrap();
    let all = range(0x1_0000_0000, 2 << 30);
    for _ in 0..3 {
        map(&table, all);
        unmap(&table, all);
        assert_eq!(reclaim(&table, all), Some((all, CRST)));
        assert_eq!(table.exclusive_reader().walk(IovaRange::ALL).count(), 0);
    }
}

#[test]
fn tables_are_given_back_some_at_a_time() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let all = range(0x1_0000_0000, 2 << 30);
    map(&table, all);
    unmap(&table, all);
    assert_eq!(heap.bytes.get(), 2 * CRST + 2048 * PAGE_TABLE);
    // SAFETY: nobody else uses the table.
    let mut reclaimed = unsafe { table.reclaim(all) };
    reclaimed.change().unseen();
    // The segment table was taken out last, and is the first of the list.
    for (most, left) in [(0, CRST + 2048 * PAGE_TABLE), (1, 2048 * PAGE_TABLE), (2000, 48 * PAGE_TABLE)] {
        // SAFETY: the storage is that of the table, no function is registered with it, and nobody looks at it.
        unsafe { reclaimed.free_some(table.memory(), most) };
        assert_eq!((reclaimed.bytes(), reclaimed.is_empty()), (left, false));
        assert_eq!(heap.bytes.get(), CRST + left);
    }
    // What is left can be put together with more, go through a number, and be freed.
    map(&table, range(0x1_0000_0000, 1 << 20));
    unmap(&table, range(0x1_0000_0000, 1 << 20));
    // SAFETY: as above, and what `into_raw` gave is taken once.
    unsafe {
        let more = table.reclaim(all);
        more.change().unseen();
        reclaimed.join(more, table.memory());
        assert_eq!(reclaimed.bytes(), CRST + 49 * PAGE_TABLE);
        let (list, span) = reclaimed.into_raw();
        assert_eq!(span, Some(all));
        let mut rest = Reclaimed::from_raw(list, span);
        rest.free_some(table.memory(), 49);
        assert!(!rest.is_empty());
        rest.free_some(table.memory(), 2);
        assert!(rest.is_empty());
        assert_eq!(rest, Reclaimed::NONE);
    }
    assert_eq!(heap.bytes.get(), CRST);
}

#[test]
fn a_table_is_freed_some_at_a_time() {
    for root in Root::ALL {
        let heap = Heap::default();
        let table = TranslationTable::new(root, FrameSizes::WITH_LARGE, &heap).unwrap();
        // Three segment tables, with a page table for each MiB, for one MiB, and for none.
        for mib in 0..2048_u64 {
            map(&table, range(0x1_0000_0000 + (mib << 20), 0x1000));
        }
        map(&table, range(0x1_8010_0000, 0x1000));
        map(&table, range(0x2_0000_0000, 1 << 20));
        let upper = (root.designation_type() as usize) * CRST;
        let full = upper + 3 * CRST + 2049 * PAGE_TABLE;
        assert_eq!(heap.bytes.get(), full);
        let table = table.free_some(0).unwrap();
        assert_eq!(heap.bytes.get(), full);
        // One table is enough, and the segment table goes with all below it.
        let mut table = table.free_some(1).unwrap();
        assert_eq!(heap.bytes.get(), upper + 2 * CRST + PAGE_TABLE);
        let mapped: Vec<u64> =
            table.exclusive_reader().walk(IovaRange::ALL).map(|mapping| mapping.range.start().get()).collect();
        assert_eq!(mapped, [0x1_8010_0000, 0x2_0000_0000], "what is left can be walked");
        // A page table and a segment table.
        let table = table.free_some(2).unwrap();
        assert_eq!(heap.bytes.get(), upper + CRST);
        // What is left is dropped as any other, or freed to its end.
        map(&table, range(0x1_0000_0000, 2 << 20));
        if root == Root::RegionSecond {
            drop(table);
        } else {
            let rest = table.free_some(1).unwrap();
            assert!(rest.free_some(usize::MAX).is_none());
        }
        assert_eq!(heap.bytes.get(), 0);
    }
}

#[test]
fn what_gives_storage_goes_with_the_last_of_it() {
    struct Counted<'h>(&'h Heap, #[expect(dead_code, reason = "counts by being there")] Rc<()>);
    // SAFETY: the heap does it.
    unsafe impl TableAllocator for Counted<'_> {
        fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
            self.0.allocate(size)
        }

        unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
            // SAFETY: by the contract, which is the same.
            unsafe { self.0.deallocate(origin, size) }
        }
    }
    // SAFETY: the heap does it.
    unsafe impl PhysToVirt for Counted<'_> {
        fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
            self.0.phys_to_virt(origin)
        }
    }
    let (heap, count) = (Heap::default(), Rc::new(()));
    for enough in [0, usize::MAX] {
        let memory = Counted(&heap, count.clone());
        let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, memory).unwrap();
        table.map(range(0, 0x1000), AbsoluteAddress::new(0x1000), Protection::ReadWrite).unwrap().unseen();
        let rest = table.free_some(enough);
        assert_eq!((rest.is_some(), Rc::strong_count(&count)), (enough == 0, 1 + usize::from(enough == 0)));
        drop(rest);
        assert_eq!((Rc::strong_count(&count), heap.bytes.get()), (1, 0));
    }
}

#[test]
fn a_list_survives_the_way_through_a_number() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let all = range(0x1_0000_0000, 2 << 20);
    map(&table, all);
    assert_eq!(heap.bytes.get(), CRST + CRST + 2 * PAGE_TABLE);
    unmap(&table, all);
    // SAFETY: nobody else uses the table.
    let (list, span) = unsafe { table.reclaim(all) }.into_raw();
    assert_eq!(span, Some(all));
    // SAFETY: the list was given away just before and is taken once; no function is registered with the table, and
    // nobody looks at it.
    unsafe { Reclaimed::from_raw(list, span).free(table.memory()) };
    assert_eq!(heap.bytes.get(), CRST + CRST);
}

#[test]
fn lists_are_joined_in_any_order() {
    use s390_iommu::Reclaimed;
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let heap = Heap::default();
        let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
        // Two tables, none, and three with the segment table above one of them.
        let ranges = [range(0x1_0000_0000, 2 << 20), range(0x1_0080_0000, 1 << 20), range(0x2_0000_0000, 2 << 30)];
        map(&table, ranges[0]);
        map(&table, range(0x2_0000_0000, 2 << 20));
        unmap(&table, ranges[0]);
        unmap(&table, ranges[2]);
        let mut all = Reclaimed::NONE;
        let mut bytes = 0;
        for index in order {
            // SAFETY: nobody else uses the table.
            let some = unsafe { table.reclaim(ranges[index]) };
            assert_eq!(some.is_empty(), index == 1);
            bytes += some.bytes();
            // SAFETY: the storage is that of the table.
            unsafe { all.join(some, table.memory()) };
        }
        assert_eq!((all.bytes(), bytes), (4 * PAGE_TABLE + CRST, 4 * PAGE_TABLE + CRST));
        let change = all.change();
        assert_eq!(change.defer(), Some(range(0x1_0000_0000, 0x1_8000_0000)));
        assert_eq!(heap.bytes.get(), 3 * CRST + 4 * PAGE_TABLE);
        // SAFETY: no function is registered with the table, and nobody looks at it.
        unsafe { all.free(table.memory()) };
        assert_eq!(heap.bytes.get(), 2 * CRST);
    }
}
