// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! An error state that is to be cleared without a reset.

use crate::domain::pair;
use crate::sample::{GIB, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const REFUSED: (u8, u8) = (1, 0);

/// MPCIFC that clears the error state.
fn cleared() -> Event {
    Event::Mpcifc { handle: QEMU.handle, control: 7, fib: vec![0; 80] }
}

#[test]
fn it_is_cleared_where_nothing_was_missed() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    // Blocked, then attached.
    assert_eq!((function.clear_error(), kernel.events()), ((0, 0), vec![cleared()]));
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    assert_eq!((function.clear_error(), kernel.events()), ((0, 0), vec![cleared()]));
    // What the machine answers is handed on.
    kernel.answer(Kind::Mpcifc, 1, 12);
    assert_eq!((function.clear_error(), kernel.events()), ((1, 12), vec![cleared()]));
}

#[test]
fn a_function_that_refused_a_refresh_is_reset() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    for is_unmap in [false, true] {
        kernel.answer(Kind::Rpcit, 1, 40);
        kernel.answer(Kind::Rpcit, 1, 40);
        match is_unmap {
            true => domain.sync(START, START + 0xfff),
            false => assert_eq!(domain.sync_map(START, 0x1000), (0, 0)),
        }
        kernel.events();
        assert_eq!((function.clear_error(), kernel.events()), (REFUSED, vec![]));
        function.disabled();
        assert_eq!((function.clear_error(), kernel.events()), (REFUSED, vec![]), "it is not registered");
        assert_eq!(function.reset().0, 0);
        kernel.events();
        assert_eq!((function.clear_error(), kernel.events()), ((0, 0), vec![cleared()]));
    }
}

#[test]
fn a_function_with_the_registration_of_another_kernel_is_reset() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    kernel.answer(Kind::Mpcifc, 1, 24);
    kernel.answer(Kind::Mpcifc, 1, 40);
    assert_eq!(function.attach(&domain), 0);
    // A refresh of everything is one by tables that are not ours.
    domain.flush_all();
    kernel.events();
    assert_eq!((function.clear_error(), kernel.events()), (REFUSED, vec![]));
    function.disabled();
    assert_eq!(function.reset().0, 0);
    kernel.events();
    assert_eq!((function.clear_error(), kernel.events()), ((0, 0), vec![cleared()]));
}

#[test]
fn a_busy_function_is_waited_for_within_a_bound() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    kernel.patience(Kind::PauseMpcifc, 2);
    for _ in 0..5 {
        kernel.answer(Kind::Mpcifc, 2, 0);
    }
    let pauses = |count| (1..).map(Event::PauseMpcifc).take(count).flat_map(|pause| [cleared(), pause]);
    assert_eq!((function.clear_error(), kernel.events()), ((2, 0), pauses(3).collect()));
    kernel.patience(Kind::PauseMpcifc, 9);
    let done = pauses(2).chain([cleared()]).collect();
    assert_eq!((function.clear_error(), kernel.events()), ((0, 0), done));
}

#[test]
fn a_function_that_refused_its_registration_or_the_end_of_it_is_reset() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    kernel.answer(Kind::Mpcifc, 1, 40);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    assert_eq!((function.clear_error(), kernel.events()), (REFUSED, vec![]));
    function.disabled();
    assert_eq!(function.reset().0, 0);
    kernel.answer(Kind::Mpcifc, 1, 40);
    function.detach();
    kernel.events();
    assert_eq!((function.clear_error(), kernel.events()), (REFUSED, vec![]));
    function.disabled();
    assert_eq!((function.clear_error(), kernel.events()), ((0, 0), vec![cleared()]));
}
