// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! MPCIFC that the VMM cannot carry out.

use clp::ConditionCode;
use s390_iommu::guest::{Answer, Effect, FunctionControls, Mpcifc, Refreshed, Rules, State, Stpcifc};
use s390_iommu::{EventCode, Fib, InterruptParameters, Iova, Status};

use crate::books::Books;
use crate::fixture::{configuration, enabled, fib, mpcifc, rpcit, DISABLED, ENABLED};
use crate::storage::Storage;

const BOTH: [Rules; 2] = [Rules::HARDWARE, Rules::QEMU];
const REGISTER: u64 = 0x8002_0000_0000_0000;
const FIRST: u64 = 0x1_0000_0000;

/// What operation `control` is given; two of each.
fn operand(control: u16, second: bool) -> Fib {
    let last = if second { 0x1_ffff_ffff } else { 0x1_0fff_ffff };
    let interrupts = InterruptParameters {
        word: (if second { 0x3004_0085 } else { 0x2003_0000 }).into(),
        vector: 0x1_e000.into(),
        summary: 0x1_e040.into(),
        ..Fib::ZERO.interrupts
    };
    let measurement_block = (if second { 0x1_2340_u64 } else { 0x1_2300 }).into();
    match control {
        4 | 6 => fib(0, FIRST, last, 0x2_4804),
        2 => Fib { interrupts, ..Fib::ZERO },
        10 => Fib { measurement_block, ..Fib::ZERO },
        _ => Fib::ZERO,
    }
}

/// All that the function shows.
fn shown(function: &FunctionControls) -> impl PartialEq + std::fmt::Debug {
    let (_, fib) = function.store(&Stpcifc::decode(REGISTER, 0).unwrap());
    let registered = (function.registration(), function.interrupts(), function.measurement());
    (fib, function.state(), registered, function.refreshes())
}

/// Each operation in each place where it is done: taken back it was not, and it can be done again.
#[test]
fn as_it_was() {
    let counted = |function: &mut FunctionControls| {
        let Refreshed::Done(_) = function.refresh(&rpcit(FIRST, 0)) else { panic!() };
    };
    let places: [(&[u16], u16, bool); 10] = [
        (&[], 4, true),
        (&[4], 5, true),
        (&[4], 6, true),
        (&[], 2, true),
        (&[2], 3, true),
        (&[4, 10], 10, true),
        (&[4, 10], 10, false),
        (&[], 10, true),
        (&[7], 9, true),
        (&[7, 9], 7, true),
    ];
    for rules in BOTH {
        for (before, control, second) in places {
            let mut function = enabled(configuration(rules));
            for control in before {
                if *control == 7 {
                    let _ = function.fail(EventCode::ACCESS_PROTECTION, Iova::new(0));
                    continue;
                }
                assert_eq!(function.modify(&mpcifc(*control), &operand(*control, false)).0.register & 0xff00_0000, 0);
            }
            if before.contains(&10) {
                counted(&mut function);
                assert_eq!(function.refreshes(), 1);
            }
            let was = shown(&function);
            // An unused status field is nothing to the answer.
            let request = Mpcifc::decode(REGISTER | 0x5500_0000 | u64::from(control), 0).unwrap();
            let operand = match (control, second) {
                (10, false) => Fib::ZERO,
                _ => operand(control, true),
            };
            let (answer, effect) = function.modify(&request, &operand);
            assert_eq!(answer, Answer::done(request.register), "{before:?} {control}");
            assert_ne!(effect, Effect::None);
            assert_ne!(shown(&function), was, "{before:?} {control}");
            let refused = function.take_back(answer, Status::NO_RESOURCE);
            assert_eq!(refused, Answer::status(REGISTER | u64::from(control), Status::NO_RESOURCE));
            assert_eq!(shown(&function), was, "{before:?} {control}");
            assert_eq!(function.modify(&request, &operand), (answer, effect));
        }
    }
}

/// What happened meanwhile is not undone.
#[test]
fn what_happened_meanwhile() {
    let mut function = enabled(configuration(Rules::HARDWARE));
    let (answer, _) = function.modify(&mpcifc(4), &operand(4, true));
    let _ = function.fail(EventCode::ACCESS_PROTECTION, Iova::new(0));
    let _ = function.take_back(answer, Status::NO_RESOURCE);
    assert_eq!((function.state(), function.registration()), (State::Error, None));
    // An error after an error was reset.
    let _ = function.modify(&mpcifc(9), &Fib::ZERO);
    let (answer, _) = function.modify(&mpcifc(7), &Fib::ZERO);
    let _ = function.fail(EventCode::PERMANENT_ERROR, Iova::new(0));
    let _ = function.take_back(answer, Status::NO_RESOURCE);
    assert_eq!(function.state(), State::PermanentError);
    // A disable.
    let mut function = enabled(configuration(Rules::HARDWARE));
    let _ = function.modify(&mpcifc(4), &operand(4, true));
    let (answer, _) = function.modify(&mpcifc(5), &Fib::ZERO);
    let _ = function.disable(DISABLED);
    let _ = function.take_back(answer, Status::NO_RESOURCE);
    assert_eq!((function.state(), function.registration()), (State::Disabled, None));
    function.enable(ENABLED);
    let _ = function.take_back(answer, Status::NO_RESOURCE);
    assert_eq!((function.state(), function.registration()), (State::Enabled, None));
}

/// Taken back twice it is taken back once.
#[test]
fn twice() {
    let mut function = enabled(configuration(Rules::HARDWARE));
    let _ = function.modify(&mpcifc(4), &operand(4, true));
    let (answer, _) = function.modify(&mpcifc(2), &operand(2, true));
    let refused = function.take_back(answer, Status::NO_RESOURCE);
    let was = shown(&function);
    assert_eq!(function.take_back(refused, Status::NO_RESOURCE), refused);
    assert_eq!(shown(&function), was);
}

/// A refresh by what is taken back ends; the guest tries again.
#[test]
fn a_refresh_meanwhile() {
    let (storage, mut books) = (Storage::one_page_table(), Books::default());
    let mut function = enabled(configuration(Rules::HARDWARE));
    let (answer, _) = function.modify(&mpcifc(4), &operand(4, true));
    let Refreshed::More(pending) = function.refresh(&rpcit(FIRST, 0x1000)) else { panic!() };
    let _ = function.take_back(answer, Status::INSUFFICIENT_RESOURCE);
    let busy = Answer::condition(REGISTER, ConditionCode::Two);
    assert_eq!(function.proceed(pending, &storage, &mut books, 9), Refreshed::Done(busy));
}

/// An MPCIFC of another processor is not undone in the place of the one that fails.
#[test]
fn another_one_meanwhile() {
    let mut function = enabled(configuration(Rules::HARDWARE));
    let (answer, _) = function.modify(&mpcifc(4), &operand(4, true));
    let (_, effect) = function.modify(&mpcifc(2), &operand(2, true));
    assert!(matches!(effect, Effect::InterruptsRegistered(_)));
    let was = shown(&function);
    assert_eq!(function.take_back(answer, Status::NO_RESOURCE), Answer::status(REGISTER | 4, Status::NO_RESOURCE));
    assert_eq!(shown(&function), was);
}

/// What has nothing to do with tables ends no refresh of them.
#[test]
fn a_refresh_beside_something_else() {
    let (storage, mut books) = (Storage::one_page_table(), Books::default());
    let mut function = enabled(configuration(Rules::HARDWARE));
    let _ = function.modify(&mpcifc(4), &operand(4, true));
    let pending = function.refresh_all().unwrap();
    let (answer, _) = function.modify(&mpcifc(2), &operand(2, true));
    let _ = function.take_back(answer, Status::NO_RESOURCE);
    assert_eq!(function.interrupts(), None);
    let done = Answer::done(REGISTER);
    assert_eq!(function.proceed(pending, &storage, &mut books, u64::MAX), Refreshed::Done(done));
}
