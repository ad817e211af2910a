// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A host that can map no more: all of a refresh or nothing, in whatever order its pages come.

use s390_iommu::guest::{Answer, FunctionControls, Rules};
use s390_iommu::Status;

use crate::books::Books;
use crate::fixture::{carry_out, configuration, enabled, fib, mpcifc, rpcit};
use crate::storage::Storage;

const REGISTER: u64 = 0x8002_0000_0000_0000;
const FIRST: u64 = 0x1_0000_0000;

fn registered() -> FunctionControls {
    let mut function = enabled(configuration(Rules::QEMU));
    assert_eq!(function.modify(&mpcifc(4), &fib(0, FIRST, 0x1_ffff_ffff, 0x2_4804)).0, Answer::done(REGISTER | 4));
    function
}

fn pages(books: &Books) -> Vec<(u64, u64)> {
    books.pages.iter().map(|(iova, page)| ((iova - FIRST) / 4096, page.0)).collect()
}

/// Pages 0, 1, 8, 9 are mapped; then 1 goes, 4 to 7 come, 8 leads elsewhere.
fn changed() -> (FunctionControls, Storage, Books) {
    let (mut function, mut storage, mut books) = (registered(), Storage::one_page_table(), Books::default());
    for page in [0, 1, 8, 9] {
        storage.set(page, 0x50_0000 + page * 4096);
    }
    assert_eq!(
        carry_out(&mut function, &rpcit(FIRST, 0x1_0000), &storage, &mut books, u64::MAX),
        Answer::done(REGISTER)
    );
    storage.set(1, 0x400);
    for page in 4..8 {
        storage.set(page, 0x60_0000 + page * 8192);
    }
    storage.set(8, 0x77_7000);
    (function, storage, books)
}

#[test]
fn all_or_nothing() {
    for limit in 0..10 {
        for budget in [1, 2, 3, 5, u64::MAX] {
            let (mut function, storage, mut books) = changed();
            books.limit = Some(limit);
            let answer = carry_out(&mut function, &rpcit(FIRST, 0x1_0000), &storage, &mut books, budget);
            let kept = [(0, 0x50_0000), (9, 0x50_9000)];
            if limit >= 7 {
                assert_eq!(answer, Answer::done(REGISTER), "{limit} {budget}");
                assert_eq!(books.pages.len(), 7);
            } else {
                assert_eq!(answer, Answer::status(REGISTER, Status(16)), "{limit} {budget}");
                assert_eq!(pages(&books), kept, "{limit} {budget}");
                // The guest refreshes everything and tries again, and now there is room.
                books.limit = None;
                let answer = carry_out(&mut function, &rpcit(FIRST, 0x1_0000_0000), &storage, &mut books, budget);
                assert_eq!((answer, books.pages.len()), (Answer::done(REGISTER), 7));
            }
            // Both count as refreshes, as QEMU has it.
            assert_eq!(function.refreshes(), if limit >= 7 { 2 } else { 3 });
        }
    }
}

/// What is freed behind what is new makes room for it.
#[test]
fn freed_behind() {
    let (mut function, mut storage, mut books) = (registered(), Storage::one_page_table(), Books::default());
    for page in 10..14 {
        storage.set(page, 0x50_0000 + page * 4096);
    }
    let whole = rpcit(FIRST, 0x1_0000);
    assert_eq!(carry_out(&mut function, &whole, &storage, &mut books, 7), Answer::done(REGISTER));
    for page in 0..4 {
        storage.set(page, 0x60_0000 + page * 8192);
        storage.set(page + 10, 0x400);
    }
    books.limit = Some(4);
    assert_eq!(carry_out(&mut function, &whole, &storage, &mut books, 7), Answer::done(REGISTER));
    assert_eq!(pages(&books).iter().map(|page| page.0).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

/// What another refresh mapped is not taken back, whatever range it has in common.
#[test]
fn the_work_of_others() {
    let (mut function, mut storage, mut books) = (registered(), Storage::one_page_table(), Books::default());
    for page in 0..4 {
        storage.set(page, 0x50_0000 + page * 4096);
        assert_eq!(
            carry_out(&mut function, &rpcit(FIRST + page * 4096, 0x1000), &storage, &mut books, 9),
            Answer::done(REGISTER)
        );
    }
    storage.set(4, 0x50_4000);
    storage.set(5, 0x66_6000);
    books.limit = Some(5);
    let answer = carry_out(&mut function, &rpcit(FIRST, 0x6000), &storage, &mut books, 9);
    assert_eq!(answer, Answer::status(REGISTER, Status(16)));
    assert_eq!(books.pages.len(), 4);
}

/// What the device may no longer write is protected, even behind a page that cannot be mapped.
#[test]
fn protection_behind() {
    let (mut function, mut storage, mut books) = (registered(), Storage::one_page_table(), Books::default());
    storage.set(4, 0x50_4000);
    storage.set(5, 0x50_5200);
    let whole = rpcit(FIRST, 0x1_0000);
    assert_eq!(carry_out(&mut function, &whole, &storage, &mut books, 9), Answer::done(REGISTER));
    storage.set(0, 0x66_6000);
    storage.set(4, 0x50_4200);
    storage.set(5, 0x50_5000);
    books.limit = Some(2);
    assert_eq!(carry_out(&mut function, &whole, &storage, &mut books, 9), Answer::status(REGISTER, Status(16)));
    // What it may write now can wait.
    let expected = [(FIRST + 0x4000, (0x50_4000, true)), (FIRST + 0x5000, (0x50_5000, true))];
    assert_eq!(books.view().into_iter().collect::<Vec<_>>(), expected);
}
