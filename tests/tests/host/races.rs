// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Lost races, each of them on purpose: while one operation waits for storage, another one gets there first.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::rc::Rc;

use s390_iommu::{
    AbsoluteAddress, Change, FrameSizes, Iova, IovaRange, PhysToVirt, Protection, Root, TableAllocator, TableSize,
    TranslationTable,
};
use zpci_tests::fake::{Configuration, Fake};

/// What somebody else does.
type Rival = Box<dyn FnOnce()>;

/// Storage that lets a rival run before it gives out a certain table.
#[derive(Clone)]
struct Racing {
    fake: Fake,
    /// Tables to give out before.
    before: Rc<Cell<usize>>,
    rival: Rc<RefCell<Option<Rival>>>,
}

impl Racing {
    fn new() -> Self {
        let fake = Fake::new(Configuration::hardware(false));
        Self { fake, before: Rc::default(), rival: Rc::default() }
    }

    /// Lets `rival` run when one more than `before` tables are asked for.
    fn arm(&self, before: usize, rival: impl FnOnce() + 'static) {
        self.before.set(before);
        *self.rival.borrow_mut() = Some(Box::new(rival));
    }

    fn is_armed(&self) -> bool {
        self.rival.borrow().is_some()
    }
}

// SAFETY: every answer is that of the fake machine.
unsafe impl PhysToVirt for Racing {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        self.fake.phys_to_virt(origin)
    }
}

// SAFETY: every table comes from the fake machine.
unsafe impl TableAllocator for Racing {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        match self.before.get().checked_sub(1) {
            Some(before) => self.before.set(before),
            None => {
                let rival = self.rival.borrow_mut().take();
                if let Some(rival) = rival {
                    rival();
                }
            }
        }
        self.fake.allocate(size)
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        // SAFETY: the caller answers for `origin` and `size`, which came from the fake machine.
        unsafe { self.fake.deallocate(origin, size) };
    }
}

fn table(root: Root, racing: &Racing) -> Rc<TranslationTable<Racing>> {
    Rc::new(TranslationTable::new(root, FrameSizes::WITH_LARGE, racing.clone()).unwrap())
}

fn map(table: &TranslationTable<Racing>, iova: u64, bytes: u64, storage: u64) {
    let range = IovaRange::with_size(Iova::new(iova), bytes).unwrap();
    table.map(range, AbsoluteAddress::new(storage), Protection::ReadWrite).unwrap().unseen();
}

/// What the machine sees at `iova`.
fn seen(racing: &Racing, table: &TranslationTable<Racing>, iova: u64) -> Option<u64> {
    racing.fake.walk(table.iota().into_bits(), iova).unwrap().map(|mapped| mapped.absolute)
}

/// At every level two mappings need the same table; both use that of the winner, and the loser's goes back.
#[test]
fn tables() {
    for (root, levels) in [(Root::RegionThird, 2), (Root::RegionSecond, 3), (Root::RegionFirst, 4)] {
        for before in 0..levels {
            let racing = Racing::new();
            let table = table(root, &racing);
            let rival = Rc::clone(&table);
            racing.arm(before, move || map(&rival, 0x1_4000_1000, 0x1000, 0x7000));
            map(&table, 0x1_4000_0000, 0x1000, 0x6000);
            assert!(!racing.is_armed());
            assert_eq!(seen(&racing, &table, 0x1_4000_0000), Some(0x6000), "{root:?} {before}");
            assert_eq!(seen(&racing, &table, 0x1_4000_1000), Some(0x7000), "{root:?} {before}");
            assert_eq!(racing.fake.live_tables(), 1 + levels, "{root:?} {before}");
            drop(table);
            assert_eq!((racing.fake.live_tables(), racing.fake.complaints()), (0, Vec::new()));
        }
    }
}

/// A rival makes the whole MiB one frame while a page table for its neighbour is on the way.
#[test]
fn frame_beside_page_table() {
    let racing = Racing::new();
    let table = table(Root::RegionThird, &racing);
    let rival = Rc::clone(&table);
    racing.arm(1, move || map(&rival, 0x1_4010_0000, 0x10_0000, 0x30_0000));
    map(&table, 0x1_400f_f000, 0x1000, 0x6000);
    assert_eq!(seen(&racing, &table, 0x1_400f_f000), Some(0x6000));
    assert_eq!(seen(&racing, &table, 0x1_4010_5000), Some(0x30_5000));
    assert_eq!(racing.fake.live_tables(), 3);
}

/// The frame goes while the page table that is to replace it is on the way: there is nothing left to split.
#[test]
fn split_of_a_frame_that_goes() {
    let racing = Racing::new();
    let table = table(Root::RegionThird, &racing);
    map(&table, 0x1_4000_0000, 0x10_0000, 0x30_0000);
    let rival = Rc::clone(&table);
    racing.arm(0, move || {
        let range = IovaRange::with_size(Iova::new(0x1_4000_0000), 0x10_0000).unwrap();
        let unmapped = rival.unmap(range).unwrap();
        assert_eq!(unmapped.pages, 256);
        unmapped.change.unseen();
    });
    assert_eq!(table.split(Iova::new(0x1_4000_5000)).unwrap(), Change::NONE);
    assert_eq!(seen(&racing, &table, 0x1_4000_5000), None);
    assert_eq!(racing.fake.live_tables(), 2);
    drop(table);
    assert_eq!((racing.fake.live_tables(), racing.fake.complaints()), (0, Vec::new()));
}

/// Two splits of the same frame: one of them does it.
#[test]
fn split_twice() {
    let racing = Racing::new();
    let table = table(Root::RegionThird, &racing);
    map(&table, 0x1_4000_0000, 0x10_0000, 0x30_0000);
    let rival = Rc::clone(&table);
    racing.arm(0, move || rival.split(Iova::new(0x1_4000_0000)).unwrap().unseen());
    assert_eq!(table.split(Iova::new(0x1_4000_0000)).unwrap(), Change::NONE);
    for page in (0..0x10_0000).step_by(0x1000) {
        assert_eq!(seen(&racing, &table, 0x1_4000_0000 + page), Some(0x30_0000 + page));
    }
    assert_eq!(racing.fake.live_tables(), 3);
}
