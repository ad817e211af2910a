// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a refresh does on the host: no more than has to be done, in runs, in steps.

use s390_iommu::guest::{Answer, FunctionControls, Refreshed, Rules, State};
use s390_iommu::{EventCode, Fib, Iova, Status};

use crate::books::{Books, Call};
use crate::fixture::{carry_out, configuration, enabled, fib, mpcifc, rpcit, DISABLED, ENABLED};
use crate::storage::Storage;

const REGISTER: u64 = 0x8002_0000_0000_0000;
const FIRST: u64 = 0x1_0000_0000;

fn registered() -> FunctionControls {
    let mut function = enabled(configuration(Rules::HARDWARE));
    let aperture = fib(0, FIRST, 0x1_ffff_ffff, 0x2_4804);
    assert_eq!(function.modify(&mpcifc(4), &aperture).0, Answer::done(REGISTER | 4));
    function
}

/// Refreshes the first 256 pages and returns the calls.
fn calls(function: &mut FunctionControls, storage: &Storage, books: &mut Books) -> Vec<(Call, u64, u64)> {
    books.calls.clear();
    let answer = carry_out(function, &rpcit(FIRST, 0x10_0000), storage, books, u64::MAX);
    assert_eq!(answer, Answer::done(REGISTER));
    books.calls.iter().map(|(call, first, pages)| (*call, (first - FIRST) / 4096, *pages)).collect()
}

#[test]
fn the_difference_in_runs() {
    for joins in [false, true] {
        let mut storage = Storage::one_page_table();
        let (mut function, mut books) = (registered(), Books { joins, ..Books::default() });
        for page in 0..10 {
            storage.set(page, 0x50_0000 + page * 4096);
        }
        assert_eq!(calls(&mut function, &storage, &mut books), [(Call::Map, 0, 10)]);
        // The same once more is nothing.
        assert_eq!(calls(&mut function, &storage, &mut books), []);
        // One page less, one more, one elsewhere, two read only, and the rest as it was.
        storage.set(0, 0x50_0400);
        storage.set(10, 0x50_a000);
        storage.set(5, 0x77_7000);
        storage.set(2, 0x50_2200);
        storage.set(3, 0x50_3200);
        let protects: &[_] =
            if joins { &[(Call::Protect, 2, 2)] } else { &[(Call::Protect, 2, 1), (Call::Protect, 3, 1)] };
        let mut expected = vec![(Call::Unmap, 0, 1)];
        expected.extend(protects);
        expected.extend([(Call::Unmap, 5, 1), (Call::Map, 5, 1), (Call::Map, 10, 1)]);
        assert_eq!(calls(&mut function, &storage, &mut books), expected);
        assert_eq!(calls(&mut function, &storage, &mut books), []);
        assert_eq!(books.view()[&(FIRST + 0x2000)], (0x50_2000, true));
        // Everything goes with the segment.
        storage.words.insert(0x2_8000, 0x20);
        let gone = calls(&mut function, &storage, &mut books);
        assert!(gone.iter().all(|(call, ..)| *call == Call::Unmap), "{gone:?}");
        assert_eq!(gone.iter().map(|(_, _, pages)| pages).sum::<u64>(), 10);
        assert!(books.pages.is_empty());
    }
}

/// Pages in a row lead to storage that is not, and the other way round.
#[test]
fn where_runs_end() {
    let mut storage = Storage::one_page_table();
    let (mut function, mut books) = (registered(), Books::default());
    for (page, entry) in
        [(0, 0x50_0000), (1, 0x50_1000), (2, 0x50_3000), (3, 0x50_4200), (4, 0x50_5200), (6, 0x50_6200)]
    {
        storage.set(page, entry);
    }
    let expected = [(Call::Map, 0, 2), (Call::Map, 2, 1), (Call::Map, 3, 2), (Call::Map, 6, 1)];
    assert_eq!(calls(&mut function, &storage, &mut books), expected);
}

/// Nothing out of the aperture, and nothing out of the pages of the range, is mapped, unmapped or looked at.
#[test]
fn not_beside_the_range() {
    let mut storage = Storage::one_page_table();
    for page in 0..256 {
        storage.set(page, 0x50_0000 + page * 4096);
    }
    let mut function = enabled(configuration(Rules::QEMU));
    let aperture = fib(0, FIRST + 0x4000, FIRST + 0x7fff, 0x2_4804);
    assert_eq!(function.modify(&mpcifc(4), &aperture).0, Answer::done(REGISTER | 4));
    for (start, length, expected) in [
        (FIRST, 0x10_0000, 4..8),
        (FIRST + 0x4fff, 1, 4..5),
        (FIRST + 0x4fff, 2, 4..6),
        (FIRST + 0x7000, u64::MAX - FIRST - 0x7000, 7..8),
        (FIRST, 0x4001, 4..5),
        (FIRST, 0x4000, 0..0),
        (FIRST + 0x7fff, 1, 7..8),
        (FIRST + 0x7fff, 0x1000, 7..8),
        (FIRST + 0x5000, 0, 0..0),
    ] {
        let mut books = Books::default();
        assert_eq!(carry_out(&mut function, &rpcit(start, length), &storage, &mut books, 2), Answer::done(REGISTER));
        let pages: Vec<u64> = books.pages.keys().map(|iova| (iova - FIRST) / 4096).collect();
        assert_eq!(pages, expected.collect::<Vec<_>>(), "{start:#x} {length:#x}");
    }
    // A range that passes 2^64 ends there, or wraps to below the aperture.
    for (rules, event) in [(Rules::HARDWARE, None), (Rules::QEMU, Some(EventCode::OUTSIDE_APERTURE))] {
        let mut function = enabled(configuration(rules));
        assert_eq!(function.modify(&mpcifc(4), &aperture).0, Answer::done(REGISTER | 4));
        let mut books = Books::default();
        let answer = carry_out(&mut function, &rpcit(FIRST + 0x4000, u64::MAX), &storage, &mut books, 9);
        assert_eq!(answer.event.map(|event| event.code()), event);
        assert_eq!(books.pages.len(), if event.is_none() { 4 } else { 0 });
    }
}

/// What lies before a wrong entry is mapped; the event says where it is.
#[test]
fn up_to_a_wrong_entry() {
    for budget in [1, 2, 3, 1000] {
        let mut storage = Storage::one_page_table();
        let (mut function, mut books) = (registered(), Books::default());
        storage.set(0, 0x50_0000);
        storage.set(1, 0x50_1000);
        storage.set(3, 0x50_3000);
        // The second segment entry is wrong.
        storage.words.insert(0x2_8008, 0x2_c804);
        let answer = carry_out(&mut function, &rpcit(FIRST, 0x20_0000), &storage, &mut books, budget);
        let event = answer.event.unwrap();
        assert_eq!((event.code(), event.iova().get()), (EventCode::TABLE_TYPE, FIRST + 0x10_0000));
        assert_eq!((event.handle(), event.id().0), (ENABLED, 1));
        assert_eq!(answer.register, REGISTER | 0x0800_0000);
        assert_eq!(books.pages.len(), 3);
        assert_eq!((function.state(), function.refreshes()), (State::Error, 0));
        let again = function.refresh(&rpcit(FIRST, 0x1000));
        assert_eq!(again, Refreshed::Done(Answer::status(REGISTER, Status(40))));
    }
}

/// While a refresh is carried out, what would pull its table away is busy, and nothing else is.
#[test]
fn meanwhile() {
    let mut storage = Storage::one_page_table();
    for page in 0..8 {
        storage.set(page, 0x50_0000 + page * 8192);
    }
    let (mut function, mut books) = (registered(), Books::default());
    let request = rpcit(FIRST, 0x8000);
    let Refreshed::More(pending) = function.refresh(&request) else { panic!() };
    assert_eq!(function.proceed(pending, &storage, &mut books, 5), Refreshed::More(pending));
    let busy = Answer::condition(REGISTER, clp::ConditionCode::Two);
    assert_eq!(function.refresh(&request), Refreshed::Done(busy));
    for control in [5, 6] {
        let (answer, _) = function.modify(&mpcifc(control), &fib(0, FIRST, 0x1_ffff_ffff, 0x2_4804));
        assert_eq!(answer, Answer::condition(REGISTER | u64::from(control), clp::ConditionCode::Two));
    }
    assert_eq!(function.modify(&mpcifc(2), &Fib::ZERO).0, Answer::done(REGISTER | 2));
    assert_eq!(function.proceed(pending, &storage, &mut books, 0), Refreshed::More(pending));
    assert_eq!(function.proceed(pending, &storage, &mut books, u64::MAX), Refreshed::Done(Answer::done(REGISTER)));
    assert_eq!(books.pages.len(), 8);
    assert_eq!(function.refreshes(), 1);
    // It is done once.
    let not_there = Refreshed::Done(Answer::not_there(REGISTER));
    assert_eq!(function.proceed(pending, &storage, &mut books, 1), Refreshed::Done(busy));

    // In error: it ends, and has mapped no more.
    let Refreshed::More(pending) = function.refresh(&request) else { panic!() };
    books.pages.clear();
    let event = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
    assert_eq!(event.handle(), ENABLED);
    let ended = Refreshed::Done(Answer::status(REGISTER, Status(40)));
    assert_eq!(function.proceed(pending, &storage, &mut books, u64::MAX), ended);
    assert!(books.pages.is_empty());
    assert_eq!(function.modify(&mpcifc(7), &Fib::ZERO).0, Answer::done(REGISTER | 7));

    // Disabled: the same, and the handle is dead. Enabled again, another refresh is another one's.
    let Refreshed::More(pending) = function.refresh(&request) else { panic!() };
    let _ = function.disable(DISABLED);
    assert_eq!(function.proceed(pending, &storage, &mut books, u64::MAX), not_there);
    let Refreshed::Done(_) = function.refresh(&request) else { panic!() };
    function.enable(ENABLED);
    assert_eq!(function.modify(&mpcifc(4), &fib(0, FIRST, 0x1_ffff_ffff, 0x2_4804)).0, Answer::done(REGISTER | 4));
    let Refreshed::More(next) = function.refresh(&request) else { panic!() };
    assert_eq!(function.proceed(pending, &storage, &mut books, u64::MAX), not_there);
    assert!(books.pages.is_empty());
    assert_eq!(function.proceed(next, &storage, &mut books, u64::MAX), Refreshed::Done(Answer::done(REGISTER)));
    // The same without a call between: the refresh ended with the disable.
    let Refreshed::More(_) = function.refresh(&request) else { panic!() };
    let _ = function.disable(DISABLED);
    function.enable(ENABLED);
    assert_eq!(function.modify(&mpcifc(4), &fib(0, FIRST, 0x1_ffff_ffff, 0x2_4804)).0, Answer::done(REGISTER | 4));
    assert!(matches!(function.refresh(&request), Refreshed::More(_)));
}

/// Entries in a row are read once each, and the tables above them once a step.
#[test]
fn reads() {
    let mut storage = Storage::one_page_table();
    for page in 0..256 {
        storage.set(page, 0x50_0000 + page * 4096);
    }
    let (mut function, mut books) = (registered(), Books::default());
    let answer = carry_out(&mut function, &rpcit(FIRST, 0x10_0000), &storage, &mut books, u64::MAX);
    assert_eq!(answer, Answer::done(REGISTER));
    assert_eq!(books.calls, [(Call::Map, FIRST, 256)]);
    assert_eq!(storage.reads.get(), 2 + 256);
    // A step does no more than it may: a look that is under way, and one call.
    for budget in 1..40 {
        let mut progress = function.refresh(&rpcit(FIRST, 0x10_0000));
        while let Refreshed::More(pending) = progress {
            let before = storage.reads.get();
            progress = function.proceed(pending, &storage, &mut books, budget);
            assert!(storage.reads.get() - before <= budget + 4, "{budget}");
        }
    }
}

/// A frame of 1 MiB is 256 pages to a host that maps page by page, and a step has no more of them than it may.
#[test]
fn frames_in_steps() {
    let mut storage = Storage::one_page_table();
    for segment in 0..16 {
        storage.words.insert(0x2_8000 + segment * 8, (0x100_0000 + (segment << 20)) | 0x400);
    }
    for (budget, joins) in [(1, false), (16, false), (16, true), (300, false), (300, true), (u64::MAX, true)] {
        let (mut function, mut books) = (registered(), Books { joins, ..Books::default() });
        for maps in [true, false] {
            if !maps {
                storage.table(0x2_8000, 16, 0x20);
            }
            let mut progress = function.refresh(&rpcit(FIRST, 0x100_0000));
            while let Refreshed::More(pending) = progress {
                books.calls.clear();
                progress = function.proceed(pending, &storage, &mut books, budget);
                let pages = books.calls.iter().map(|(_, _, pages)| pages).sum::<u64>();
                assert!(pages <= budget, "{pages} pages with a budget of {budget}");
            }
            assert_eq!(progress, Refreshed::Done(Answer::done(REGISTER)));
            assert_eq!(books.pages.len(), if maps { 16 * 256 } else { 0 });
        }
        for segment in 0..16 {
            storage.words.insert(0x2_8000 + segment * 8, (0x100_0000 + (segment << 20)) | 0x400);
        }
    }
}

/// What is mapped page by page is unmapped in rows, as far as a step may go.
#[test]
fn pages_in_a_row_go_by_one_call() {
    for (budget, joins, expected) in [(u64::MAX, false, 1), (u64::MAX, true, 1), (100, false, 6), (100, true, 6)] {
        let mut storage = Storage::one_page_table();
        let (mut function, mut books) = (registered(), Books { joins, ..Books::default() });
        for page in 0..256 {
            storage.set(page, 0x50_0000 + page * 4096);
        }
        assert_eq!(calls(&mut function, &storage, &mut books), [(Call::Map, 0, 256)]);
        storage.words.insert(0x2_8000, 0x20);
        books.calls.clear();
        let answer = carry_out(&mut function, &rpcit(FIRST, 0x10_0000), &storage, &mut books, budget);
        assert_eq!(answer, Answer::done(REGISTER));
        assert!(books.pages.is_empty());
        assert!(books.calls.len() <= expected, "{:?}", books.calls);
    }
}
