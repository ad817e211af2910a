// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Threads that work in the same tables at the same time.

use std::thread;

use s390_iommu::{AbsoluteAddress, FrameSizes, Iova, IovaRange, Protection, Root, TranslationTable};
use zpci_tests::fake::{Configuration, Fake};

const THREADS: u64 = 4;

/// Each thread has every fourth page, so all of them meet in every page table and race to make it.
#[test]
fn interleaved_pages() {
    let fake = Fake::new(Configuration::hardware(false));
    for round in 0..8 {
        let table = TranslationTable::new(Root::RegionFirst, FrameSizes::WITH_LARGE, fake.clone()).unwrap();
        let base = 0x1_8000_0000 - 0x20_0000;
        let page = |number: u64| IovaRange::page(Iova::new(base + number * 0x1000));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let table = &table;
                scope.spawn(move || {
                    for number in (thread..1024).step_by(THREADS as usize) {
                        let storage = AbsoluteAddress::new((number + 1) << 20 | thread << 12);
                        table.map(page(number), storage, Protection::ReadWrite).unwrap().unseen();
                    }
                    // Odd threads take every page away again.
                    for number in (thread..1024).step_by(THREADS as usize).filter(|_| thread % 2 == 1) {
                        let unmapped = table.unmap(page(number)).unwrap();
                        assert_eq!(unmapped.pages, 1);
                        unmapped.change.unseen();
                    }
                });
            }
        });
        let mapped = fake.mapped(table.iota().into_bits()).unwrap();
        assert_eq!(mapped.len(), 512, "round {round}");
        for (entry, number) in mapped.iter().zip((0..1024).filter(|number| (number % THREADS).is_multiple_of(2))) {
            assert_eq!(entry.iova, base + number * 0x1000);
            assert_eq!(entry.absolute, (number + 1) << 20 | (number % THREADS) << 12);
        }
        // The root, two segment tables, four page tables, and those between: whoever lost a race gave its table back.
        assert_eq!(fake.live_tables(), 1 + 2 + 2 + 4);
        drop(table);
        assert_eq!((fake.live_tables(), fake.complaints()), (0, Vec::new()));
    }
}
