// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What threads may do to each other, in every order that the memory model allows, by `loom`.
//!
//! The code is that of the tables; the atomics are loom's, and tables have 16 entries. So a page is one of 16 below a
//! segment entry, which covers 64 KiB, and that is one of 16 below a region entry, which covers 1 MiB.

extern crate std;

use std::alloc::{alloc, dealloc, Layout};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Mutex;

use loom::sync::atomic::{fence, AtomicBool, Ordering};
use loom::sync::Arc;
use loom::thread;

use crate::format::address::{AbsoluteAddress, Iova, PAGE_SIZE};
use crate::format::frame::{FrameSizes, Protection};
use crate::format::range::IovaRange;
use crate::format::table_type::{Root, TableType, CRST_ENTRIES, PAGE_TABLE_ENTRIES};
use crate::table::atomic::AtomicU64;
use crate::table::reader::ReadSide;
use crate::table::reclaim::Reclaimed;
use crate::table::seam::{PhysToVirt, TableAllocator, TableSize};
use crate::table::translation_table::TranslationTable;

/// What a segment entry covers.
const SEGMENT: u64 = TableType::Segment.entry_mask() + 1;
/// Where pages are mapped to.
const STORAGE: u64 = 0x7000_0000;

/// Storage on the heap that knows what is out, and that nobody reaches into what was given back.
#[derive(Default)]
struct Heap {
    live: Mutex<BTreeMap<u64, TableSize>>,
}

impl Heap {
    fn live(&self) -> usize {
        self.live.lock().unwrap().len()
    }
}

/// What no entry is.
const POISON: u64 = 0xa5a5_a5a5_a5a5_a5a5;

fn layout(size: TableSize) -> Layout {
    Layout::from_size_align(size.bytes(), size.bytes()).unwrap()
}

const fn entries(size: TableSize) -> usize {
    match size {
        TableSize::Page => PAGE_TABLE_ENTRIES,
        TableSize::Crst => CRST_ENTRIES,
    }
}

const _: () = assert!(PAGE_TABLE_ENTRIES * size_of::<AtomicU64>() <= TableSize::Page.bytes());
const _: () = assert!(CRST_ENTRIES * size_of::<AtomicU64>() <= TableSize::Crst.bytes());

// SAFETY: the pointer is the one that the allocation made.
unsafe impl PhysToVirt for Heap {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        assert!(self.live.lock().unwrap().contains_key(&origin.get()), "there is no table at {origin}");
        NonNull::new(std::ptr::with_exposed_provenance_mut(origin.get() as usize)).unwrap()
    }
}

// SAFETY: the heap gives storage of that size and alignment to nobody else.
unsafe impl TableAllocator for Heap {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        // SAFETY: no table has size 0.
        let table = NonNull::new(unsafe { alloc(layout(size)) })?;
        for index in 0..entries(size) {
            // SAFETY: the storage was just allocated and has room for so many.
            unsafe { table.cast::<AtomicU64>().add(index).write(AtomicU64::new(POISON)) };
        }
        let origin = table.as_ptr().expose_provenance() as u64;
        self.live.lock().unwrap().insert(origin, size);
        Some(AbsoluteAddress::new(origin))
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        let table = self.phys_to_virt(origin);
        let slots: NonNull<AtomicU64> = table.cast();
        assert_eq!(self.live.lock().unwrap().remove(&origin.get()), Some(size));
        for index in 0..entries(size) {
            // SAFETY: the table has this many entries, and by the contract nobody uses them any more. Where that is
            // wrong, this is what loom complains of: an access that nothing orders before this one.
            unsafe { slots.add(index).as_mut() }.with_mut(|entry| *entry = POISON);
        }
        // SAFETY: the caller says that `allocate` gave the table with this size.
        unsafe { dealloc(table.as_ptr(), layout(size)) }
    }
}

type Table = TranslationTable<Arc<Heap>>;

// SAFETY: the answers are those of the heap.
unsafe impl PhysToVirt for Arc<Heap> {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        (**self).phys_to_virt(origin)
    }
}

// SAFETY: the answers are those of the heap.
unsafe impl TableAllocator for Arc<Heap> {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        (**self).allocate(size)
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        // SAFETY: the caller answers for `origin` and `size`.
        unsafe { (**self).deallocate(origin, size) }
    }
}

fn table(root: Root) -> (Arc<Heap>, Arc<Table>) {
    let heap = Arc::new(Heap::default());
    let table = TranslationTable::new(root, FrameSizes::SMALL, Arc::clone(&heap)).unwrap();
    (heap, Arc::new(table))
}

fn range(start: u64, pages: u64) -> IovaRange {
    IovaRange::with_size(Iova::new(start), pages * PAGE_SIZE).unwrap()
}

/// Maps each page to the storage at its own address and `STORAGE`.
fn map(table: &Table, start: u64, pages: u64) {
    let storage = AbsoluteAddress::new(STORAGE + start);
    table.map(range(start, pages), storage, Protection::ReadWrite).unwrap().unseen();
}

fn unmap(table: &Table, start: u64, pages: u64) -> u64 {
    let unmapped = table.unmap(range(start, pages)).unwrap();
    unmapped.change.unseen();
    unmapped.pages
}

fn reclaim(table: &Table, start: u64, bytes: u64) -> Reclaimed {
    // SAFETY: a model maps nothing in a range that it reclaims until the call returned.
    let reclaimed = unsafe { table.reclaim(range(start, bytes / PAGE_SIZE)) };
    assert!(!reclaimed.is_empty());
    reclaimed
}

fn translate(table: &Table, iova: u64) -> Option<u64> {
    // SAFETY: a model waits for whoever looks before it frees tables, or wants to be told that it did not.
    let section = unsafe { ReadSide::new() };
    table.reader(&section).translate(Iova::new(iova)).map(|found| found.absolute.get())
}

fn mapped(iova: u64) -> Option<u64> {
    Some(STORAGE + iova)
}

/// Two threads need every table on the way at the same time: one of each stays, and what both mapped is there.
#[test]
fn two_mappings_make_the_same_tables() {
    for (root, tables) in [(Root::RegionThird, 3), (Root::RegionSecond, 4)] {
        loom::model(move || {
            let (heap, table) = table(root);
            let other = Arc::clone(&table);
            let thread = thread::spawn(move || {
                map(&other, 0, 1);
                assert_eq!(translate(&other, 0), mapped(0));
            });
            map(&table, PAGE_SIZE, 1);
            assert_eq!(translate(&table, PAGE_SIZE), mapped(PAGE_SIZE));
            thread.join().unwrap();
            assert_eq!((translate(&table, 0), translate(&table, PAGE_SIZE)), (mapped(0), mapped(PAGE_SIZE)));
            assert_eq!(heap.live(), tables);
            drop(table);
            assert_eq!(heap.live(), 0);
        });
    }
}

/// The same for ranges across segments, which allocate before they store anything, and share one of their segments.
#[test]
fn two_mappings_across_segments_share_one() {
    loom::model(|| {
        let (heap, table) = table(Root::RegionThird);
        map(&table, 8 * SEGMENT, 1);
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || map(&other, SEGMENT - PAGE_SIZE, 2));
        map(&table, SEGMENT + PAGE_SIZE, 16);
        thread.join().unwrap();
        for page in [SEGMENT - PAGE_SIZE, SEGMENT, SEGMENT + PAGE_SIZE, 2 * SEGMENT] {
            assert_eq!(translate(&table, page), mapped(page));
        }
        // The root, a segment table, and page tables for the segments 0, 1, 2 and 8.
        assert_eq!(heap.live(), 6);
        drop(table);
        assert_eq!(heap.live(), 0);
    });
}

/// A page comes and another one goes in the same page table.
#[test]
fn a_mapping_beside_an_unmapping() {
    loom::model(|| {
        let (heap, table) = table(Root::RegionThird);
        map(&table, 0, 2);
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || assert_eq!(unmap(&other, 0, 2), 2));
        map(&table, 2 * PAGE_SIZE, 2);
        assert_eq!(translate(&table, 3 * PAGE_SIZE), mapped(3 * PAGE_SIZE));
        thread.join().unwrap();
        for page in 0..4 {
            let iova = page * PAGE_SIZE;
            assert_eq!(translate(&table, iova), mapped(iova).filter(|_| page >= 2));
        }
        assert_eq!(heap.live(), 3);
    });
}

/// Whoever is told of a mapping finds it, by however weak a way he is told.
#[test]
fn whoever_is_told_of_a_mapping_finds_it() {
    loom::model(|| {
        let (_, table) = table(Root::RegionThird);
        let told = Arc::new(AtomicBool::new(false));
        let (other, tell) = (Arc::clone(&table), Arc::clone(&told));
        let thread = thread::spawn(move || {
            map(&other, 0, 2);
            tell.store(true, Ordering::Relaxed);
        });
        let is_told = told.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let found = translate(&table, PAGE_SIZE);
        assert!(found == mapped(PAGE_SIZE) || (found.is_none() && !is_told), "{found:x?}");
        thread.join().unwrap();
    });
}

/// Translates what is being reclaimed, then tells what was found.
fn read_beside_reclaim(wait: bool) {
    let (heap, table) = table(Root::RegionThird);
    map(&table, 0, 1);
    map(&table, SEGMENT, 1);
    assert_eq!(unmap(&table, 0, 1), 1);
    let other = Arc::clone(&table);
    let reader = thread::spawn(move || {
        assert_eq!(translate(&other, 0), None);
        assert_eq!(translate(&other, SEGMENT), mapped(SEGMENT));
    });
    let reclaimed = reclaim(&table, 0, SEGMENT);
    let mut reader = Some(reader);
    if wait {
        reader.take().unwrap().join().unwrap();
    }
    // SAFETY: there is no function. If it was waited for, what was running has ended; if not, loom must say so.
    unsafe { reclaimed.free(table.memory()) };
    if let Some(reader) = reader {
        reader.join().unwrap();
    }
    assert_eq!(heap.live(), 3);
}

/// A reader that may still be in a table which is taken out; it has ended when the table is given back.
#[test]
fn a_reader_beside_reclaim() {
    loom::model(|| read_beside_reclaim(true));
}

/// Without waiting for the reader the table is pulled from under it, and this model notices.
#[test]
fn a_table_given_back_too_early_is_noticed() {
    assert!(std::panic::catch_unwind(|| loom::model(|| read_beside_reclaim(false))).is_err());
}

/// A neighbour maps, with or without a table of its own, while the tables beside it are taken out.
#[test]
fn a_mapping_beside_reclaim() {
    for neighbours in [0, 1] {
        loom::model(move || {
            let (heap, table) = table(Root::RegionThird);
            map(&table, 0, 1);
            map(&table, 2 * SEGMENT, neighbours.max(1));
            if neighbours == 0 {
                unmap(&table, 2 * SEGMENT, 1);
                let emptied = reclaim(&table, 2 * SEGMENT, SEGMENT);
                // SAFETY: there is no function, and nothing is running.
                unsafe { emptied.free(table.memory()) };
            }
            let other = Arc::clone(&table);
            let neighbour = thread::spawn(move || {
                map(&other, 2 * SEGMENT + PAGE_SIZE, 1);
                assert_eq!(translate(&other, 2 * SEGMENT + PAGE_SIZE), mapped(2 * SEGMENT + PAGE_SIZE));
            });
            assert_eq!(unmap(&table, 0, 2), 1);
            let reclaimed = reclaim(&table, 0, 2 * SEGMENT);
            // What was taken out is the owner's own again at once.
            map(&table, PAGE_SIZE, 1);
            neighbour.join().unwrap();
            // SAFETY: there is no function, and what was running has ended.
            unsafe { reclaimed.free(table.memory()) };
            assert_eq!(translate(&table, 0), None);
            assert_eq!(translate(&table, PAGE_SIZE), mapped(PAGE_SIZE));
            assert_eq!(translate(&table, 2 * SEGMENT + PAGE_SIZE), mapped(2 * SEGMENT + PAGE_SIZE));
            assert_eq!(heap.live(), 4);
            drop(table);
            assert_eq!(heap.live(), 0);
        });
    }
}

/// A function is put on the list of its table, and then looks; somebody maps, and then looks at the list. At least one
/// of the two sees the other, by the barrier between the two steps of each (`attach.rs`).
fn join_beside_map(barrier: bool) {
    let (_, table) = table(Root::RegionThird);
    // The tables are there: what follows is two stores and two loads.
    map(&table, PAGE_SIZE, 1);
    let listed = Arc::new(AtomicBool::new(false));
    let (other, list) = (Arc::clone(&table), Arc::clone(&listed));
    let joining = thread::spawn(move || {
        list.store(true, Ordering::Relaxed);
        if barrier {
            crate::table::fence_tables();
        }
        translate(&other, 0).is_some()
    });
    map(&table, 0, 1);
    if barrier {
        crate::table::fence_tables();
    }
    let seen_on_list = listed.load(Ordering::Relaxed);
    let seen_in_table = joining.join().unwrap();
    assert!(seen_on_list || seen_in_table, "the refresh of the mapping is lost");
}

#[test]
fn a_function_that_joins_beside_a_mapping() {
    loom::model(|| join_beside_map(true));
}

/// Without the barriers each may miss the other, and this model notices.
#[test]
fn a_refresh_lost_without_barriers_is_noticed() {
    assert!(std::panic::catch_unwind(|| loom::model(|| join_beside_map(false))).is_err());
}
