// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! From an error back to DMA, the way Linux goes without a reset: loads and stores (operation 9), then DMA (operation 7).
//! It neither registers anew nor refreshes.

use clp::{ConditionCode, FunctionType};
use s390_iommu::guest::{
    Answer, Configuration, Effect, End, FunctionControls, Mappings, Pending, Refreshed, Rules, State,
};
use s390_iommu::{EventCode, Fib, Iova, IovaRange, Limits, Status};

use crate::books::Books;
use crate::fixture::{carry_out, configuration, enabled, fib, mpcifc, rpcit, DISABLED, ENABLED};
use crate::storage::Storage;

const BOTH: [Rules; 2] = [Rules::HARDWARE, Rules::QEMU];
const REGISTER: u64 = 0x8002_0000_0000_0000;
const FIRST: u64 = 0x1_0000_0000;
const LAST: u64 = 0x1_ffff_ffff;
const BUDGETS: [u64; 3] = [1, 7, u64::MAX];

/// A function of which pages 0 to 7 are mapped.
fn at_work(rules: Rules) -> (FunctionControls, Storage, Books) {
    let (mut function, mut storage, mut books) =
        (enabled(configuration(rules)), Storage::one_page_table(), Books::default());
    assert_eq!(function.modify(&mpcifc(4), &fib(0, FIRST, LAST, 0x2_4804)).0, Answer::done(REGISTER | 4));
    (0..8).for_each(|page| storage.set(page, 0x50_0000 + page * 4096));
    let answer = carry_out(&mut function, &rpcit(FIRST, 0x1_0000), &storage, &mut books, u64::MAX);
    assert_eq!((answer, books.pages.len()), (Answer::done(REGISTER), 8));
    (function, storage, books)
}

fn reset(function: &mut FunctionControls, control: u16) -> Effect {
    let (answer, effect) = function.modify(&mpcifc(control), &Fib::ZERO);
    assert_eq!(answer, Answer::done(REGISTER | u64::from(control)));
    effect
}

fn finish(
    function: &mut FunctionControls,
    pending: Pending,
    storage: &Storage,
    books: &mut Books,
    budget: u64,
) -> Answer {
    let mut progress = Refreshed::More(pending);
    for _ in 0..1_000_000 {
        match progress {
            Refreshed::Done(answer) => return answer,
            Refreshed::More(pending) => progress = function.proceed(pending, storage, books, budget),
        }
    }
    panic!("no end");
}

#[test]
fn without_a_registration_and_without_a_refresh() {
    for (rules, budget) in BOTH.into_iter().flat_map(|rules| BUDGETS.map(|budget| (rules, budget))) {
        let (mut function, mut storage, mut books) = at_work(rules);
        let _ = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
        books.unmap(IovaRange::ALL);
        assert_eq!(function.refresh_all(), None);

        // What changes meanwhile the host is not told.
        storage.set(1, 0x400);
        storage.set(9, 0x66_6000);
        let refused = carry_out(&mut function, &rpcit(FIRST, 0x1_0000), &storage, &mut books, budget);
        assert_eq!((refused, books.pages.len()), (Answer::status(REGISTER, Status::RECOVERY), 0));

        let is_qemu = rules == Rules::QEMU;
        assert_eq!(reset(&mut function, 9), if is_qemu { Effect::Reset } else { Effect::Unblocked });
        if !is_qemu {
            // No DMA, so that nothing is mapped either.
            assert_eq!((function.state(), function.refresh_all()), (State::Blocked, None));
            let reads = storage.reads.get();
            let answer = carry_out(&mut function, &rpcit(FIRST, 0x1_0000), &storage, &mut books, budget);
            assert_eq!((answer, books.pages.len()), (Answer::done(REGISTER), 0));
            assert_eq!(storage.reads.get(), reads);
        }
        assert_eq!(reset(&mut function, 7), Effect::Reset);

        let counted = function.refreshes();
        let pending = function.refresh_all().unwrap();
        // The guest's own waits.
        assert_eq!(
            function.refresh(&rpcit(FIRST, 0x1000)),
            Refreshed::Done(Answer::condition(REGISTER, ConditionCode::Two))
        );
        assert_eq!(finish(&mut function, pending, &storage, &mut books, budget), Answer::done(REGISTER));
        // The guest did not ask for it.
        assert_eq!(function.refreshes(), counted);
        let pages: Vec<_> = books.pages.iter().map(|(iova, page)| ((iova - FIRST) / 4096, page.0)).collect();
        let expected =
            [0, 2, 3, 4, 5, 6, 7].map(|page| (page, 0x50_0000 + page * 4096)).into_iter().chain([(9, 0x66_6000)]);
        assert!(pages.into_iter().eq(expected));
        assert_eq!((function.state(), function.check_access(Iova::new(FIRST))), (State::Enabled, Ok(())));
        let answer = carry_out(&mut function, &rpcit(FIRST, 0x1_0000), &storage, &mut books, budget);
        assert_eq!(answer, Answer::done(REGISTER));
    }
}

/// The same where nothing was unmapped: what the guest unmapped meanwhile goes, and nothing else changes.
#[test]
fn with_mappings_that_stayed() {
    for rules in BOTH {
        let (mut function, mut storage, mut books) = at_work(rules);
        let _ = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
        storage.set(1, 0x400);
        assert_eq!(reset(&mut function, 7), Effect::Reset);
        books.calls.clear();
        let pending = function.refresh_all().unwrap();
        assert_eq!(finish(&mut function, pending, &storage, &mut books, 9), Answer::done(REGISTER));
        assert_eq!(books.calls.iter().map(|call| (call.1, call.2)).collect::<Vec<_>>(), [(FIRST + 0x1000, 1)]);
    }
}

/// An RPCIT that was on its way when the error happened does not go on where it was: what lies before is gone.
#[test]
fn in_the_middle_of_a_refresh() {
    for rules in BOTH {
        for is_done_first in [false, true] {
            let (mut function, storage, mut books) = at_work(rules);
            books.unmap(IovaRange::ALL);
            let Refreshed::More(old) = function.refresh(&rpcit(FIRST, 0x1_0000)) else { panic!() };
            assert_eq!(function.proceed(old, &storage, &mut books, 5), Refreshed::More(old));
            let _ = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
            books.pages.clear();
            assert_eq!(reset(&mut function, 7), Effect::Reset);
            let pending = function.refresh_all().unwrap();
            let busy = Refreshed::Done(Answer::condition(REGISTER, ConditionCode::Two));
            if !is_done_first {
                assert_eq!(function.proceed(old, &storage, &mut books, 5), busy);
            }
            assert_eq!(finish(&mut function, pending, &storage, &mut books, 5), Answer::done(REGISTER));
            if is_done_first {
                assert_eq!(function.proceed(old, &storage, &mut books, 5), busy);
            }
            assert_eq!(books.pages.len(), 8);
            // After a disable its handle is of the past, even if it has the same one again.
            let Refreshed::More(old) = function.refresh(&rpcit(FIRST, 0x1_0000)) else { panic!() };
            let _ = function.disable(DISABLED);
            function.enable(ENABLED);
            assert_eq!(function.proceed(old, &storage, &mut books, 5), Refreshed::Done(Answer::not_there(REGISTER)));
        }
    }
}

/// An RPCIT that goes on while the function is blocked maps nothing where a blocked function does no DMA.
#[test]
fn in_the_middle_of_a_refresh_while_blocked() {
    let (mut function, storage, mut books) = at_work(Rules::HARDWARE);
    books.unmap(IovaRange::ALL);
    let Refreshed::More(old) = function.refresh(&rpcit(FIRST, 0x1_0000)) else { panic!() };
    let _ = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
    assert_eq!(reset(&mut function, 9), Effect::Unblocked);
    assert_eq!(function.proceed(old, &storage, &mut books, 100), Refreshed::Done(Answer::done(REGISTER)));
    assert_eq!(books.pages.len(), 0);
}

#[test]
fn what_the_host_or_the_tables_refuse() {
    for rules in BOTH {
        let (mut function, mut storage, mut books) = at_work(rules);
        books.unmap(IovaRange::ALL);
        books.limit = Some(3);
        let pending = function.refresh_all().unwrap();
        let answer = finish(&mut function, pending, &storage, &mut books, 9);
        assert_eq!((answer, books.pages.len()), (Answer::status(REGISTER, Status::INSUFFICIENT_RESOURCE), 0));
        storage.words.insert(0x2_8000, 0x2_c804);
        let pending = function.refresh_all().unwrap();
        let answer = finish(&mut function, pending, &storage, &mut books, 9);
        let event = answer.event.unwrap();
        assert_eq!((event.code(), event.iova().get()), (EventCode::TABLE_TYPE, FIRST));
        assert_eq!((answer.end, function.state()), (End::Condition(ConditionCode::One), State::Error));
    }
}

#[test]
fn nothing_to_look_at() {
    for rules in BOTH {
        assert_eq!(FunctionControls::new(DISABLED, configuration(rules)).refresh_all(), None);
        assert_eq!(enabled(configuration(rules)).refresh_all(), None);
        let limits = Limits { relaxed_translation: true, ..configuration(rules).limits };
        let mut function = enabled(Configuration { limits, ..configuration(rules) });
        assert_eq!(function.modify(&mpcifc(4), &fib(0, FIRST, LAST, 0)).0, Answer::done(REGISTER | 4));
        assert_eq!(function.refresh_all(), None);
    }
    // The last page of an ISM function is one too high.
    let limits = Limits { function_type: FunctionType::ISM, ..configuration(Rules::HARDWARE).limits };
    let mut function = enabled(Configuration { limits, ..configuration(Rules::HARDWARE) });
    assert_eq!(function.modify(&mpcifc(4), &fib(0, FIRST, FIRST + 0x1fff, 0x2_4804)).0, Answer::done(REGISTER | 4));
    let (mut storage, mut books) = (Storage::one_page_table(), Books::default());
    (0..8).for_each(|page| storage.set(page, 0x50_0000 + page * 4096));
    let pending = function.refresh_all().unwrap();
    assert_eq!(finish(&mut function, pending, &storage, &mut books, 9), Answer::done(REGISTER));
    assert_eq!(books.pages.len(), 1);
}

/// An error comes while everything is refreshed after the one before, and is half over: nobody is told that it is done.
#[test]
fn an_error_during_the_refresh_after_another_one() {
    let (mut function, storage, mut books) = at_work(Rules::HARDWARE);
    let _ = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
    books.unmap(IovaRange::ALL);
    reset(&mut function, 9);
    reset(&mut function, 7);
    let pending = function.refresh_all().unwrap();
    let Refreshed::More(pending) = function.proceed(pending, &storage, &mut books, 3) else { panic!() };
    let _ = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
    reset(&mut function, 9);
    let refused = Refreshed::Done(Answer::status(REGISTER, Status::RECOVERY));
    assert_eq!(function.proceed(pending, &storage, &mut books, u64::MAX), refused);
}

/// Whoever held it has dropped it, or goes on with it after the error: neither keeps others from the function, and what was
/// unmapped because of the error is not taken for refreshed.
#[test]
fn an_error_ends_a_refresh() {
    for rules in BOTH {
        let (mut function, storage, mut books) = at_work(rules);
        let Refreshed::More(pending) = function.refresh(&rpcit(FIRST, 0x1_0000)) else { panic!() };
        let Refreshed::More(pending) = function.proceed(pending, &storage, &mut books, 3) else { panic!() };
        let _ = function.fail(EventCode::TRANSLATION_PROTECTION, Iova::new(FIRST));
        books.unmap(IovaRange::ALL);
        reset(&mut function, 9);
        reset(&mut function, 7);
        let busy = Answer::condition(REGISTER, ConditionCode::Two);
        assert_eq!(function.proceed(pending, &storage, &mut books, u64::MAX), Refreshed::Done(busy));
        let answer = carry_out(&mut function, &rpcit(FIRST, 0x1_0000), &storage, &mut books, u64::MAX);
        assert_eq!((answer, books.pages.len()), (Answer::done(REGISTER), 8), "{rules:?}");
        assert!(matches!(function.modify(&mpcifc(5), &Fib::ZERO).1, Effect::Deregistered));
    }
}
