// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! MPCIFC: its operands byte for byte, and every answer.

use zpci_glue::function::ForeignFunction;

use crate::binding::shim_translate;
use crate::domain::{pair, Domain};
use crate::function::Function;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

pub(crate) const REGISTER: u8 = 4;
pub(crate) const DEREGISTER: u8 = 5;

/// A function information block: PBA at 16, PAL at 24, IOTA at 32, GD at 76, all else zero.
fn fib(first: u64, last: u64, iota: u64, gisa: u32) -> Vec<u8> {
    let mut fib = vec![0; 80];
    fib[16..24].copy_from_slice(&first.to_be_bytes());
    fib[24..32].copy_from_slice(&last.to_be_bytes());
    fib[32..40].copy_from_slice(&iota.to_be_bytes());
    fib[76..80].copy_from_slice(&gisa.to_be_bytes());
    fib
}

/// The operations of MPCIFC that were issued; nothing else may have happened but pauses.
pub(crate) fn operations(kernel: &StandIn) -> Vec<u8> {
    let operation = |event: Event| match event {
        Event::Mpcifc { control, .. } => Some(control),
        Event::PauseMpcifc(_) => None,
        other => panic!("{other:?}"),
    };
    kernel.events().into_iter().filter_map(operation).collect()
}

#[test]
fn the_operand_of_a_registration() {
    let kernel = StandIn::new();
    let whole = ForeignFunction { start_dma: 0, end_dma: u64::MAX, ..HARDWARE };
    let from_zero = ForeignFunction { start_dma: 0, end_dma: 0xffff_fffe, ..QEMU };
    for (from, aperture_bytes, designation_type, first, last) in [
        (QEMU, GIB, 1, START, 0x1_3fff_ffff),
        (QEMU, u64::MAX, 1, START, 0x3ff_ffff_ffff),
        (HARDWARE, 1 << 43, 2, START, 0x800_ffff_ffff),
        (HARDWARE, u64::MAX, 3, START, 0x01ff_ffff_ffff_ffff),
        // A whole page that the window has and the aperture does not ask for in full.
        (QEMU, GIB + 0xfff, 1, START, 0x1_3fff_ffff),
        // The window ends within a page.
        (from_zero, u64::MAX, 1, 0, 0xffff_efff),
        // The last page of 2^64 is nobody's.
        (whole, u64::MAX, 3, 0, 0xffff_ffff_ffff_efff),
        (ForeignFunction { start_dma: START, ..whole }, u64::MAX, 3, START, 0xffff_ffff_ffff_efff),
        (whole, u64::MAX - 0xfff, 3, 0, 0xffff_ffff_ffff_efff),
    ] {
        let (function, domain) = pair(&kernel, &from, aperture_bytes, false);
        assert_eq!(function.attach(&domain), 0);
        let fib = fib(first, last, domain.iota(designation_type), 0);
        assert_eq!(kernel.events(), [Event::Mpcifc { handle: from.handle, control: REGISTER, fib }]);
        function.detach();
        let fib = vec![0; 80];
        assert_eq!(kernel.events(), [Event::Mpcifc { handle: from.handle, control: DEREGISTER, fib }]);
    }
}

#[test]
fn the_guests_interruption_state_goes_with_every_operand() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &ForeignFunction { gisa: 0x1234_5600, ..QEMU }, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    function.detach();
    let handle = 0x8002_0000;
    assert_eq!(
        kernel.events(),
        [
            Event::Mpcifc { handle, control: REGISTER, fib: fib(START, 0x1_3fff_ffff, domain.iota(1), 0x1234_5600) },
            Event::Mpcifc { handle, control: DEREGISTER, fib: fib(0, 0, 0, 0x1234_5600) },
        ]
    );
}

#[test]
fn ism_takes_one_page_more() {
    let kernel = StandIn::new();
    for (end_dma, aperture_bytes, last) in [
        (0x01ff_ffff_ffff_ffff, GIB, 0x1_4000_0fff),
        (0x1_0000_ffff, GIB, 0x1_0001_0fff),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let ism = ForeignFunction { function_type: 5, end_dma, ..HARDWARE };
        let (function, domain) = pair(&kernel, &ism, aperture_bytes, false);
        assert_eq!(function.attach(&domain), 0);
        let designation_type = if aperture_bytes == GIB { 1 } else { 3 };
        let fib = fib(START, last, domain.iota(designation_type), 0);
        assert_eq!(kernel.events(), [Event::Mpcifc { handle: ism.handle, control: REGISTER, fib }]);
        // It is refreshed for what it has, without that page.
        domain.sync(last & !0xfff, last);
        assert_eq!(kernel.events(), []);
        function.detach();
        let zero = vec![0; 80];
        assert_eq!(kernel.events(), [Event::Mpcifc { handle: ism.handle, control: DEREGISTER, fib: zero }]);
    }
}

#[test]
fn every_answer_to_a_registration() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    for status in 0..=255 {
        for cc in 0..=3 {
            kernel.answer(Kind::Mpcifc, cc, status);
            let (rc, expected) = match (cc, status) {
                // Recovery registers it again, and what is gone is torn down by the event that reports it.
                (0, _) | (1, 40) | (3, _) => (0, &[REGISTER][..]),
                // Somebody registered it before.
                (1, 24) => (0, &[REGISTER, DEREGISTER, REGISTER][..]),
                _ => (-5, &[REGISTER][..]),
            };
            assert_eq!(function.attach(&domain), rc, "condition code {cc}, status {status}");
            assert_eq!(operations(&kernel), expected, "condition code {cc}, status {status}");
            assert_eq!(function.is_blocked(), rc != 0);
            // What the machine did not take is not refreshed.
            domain.sync(START, START + 0xfff);
            let registered = matches!((cc, status), (0, _) | (1, 24));
            assert_eq!(kernel.events().len(), usize::from(registered));
            function.detach();
            assert_eq!(operations(&kernel), if rc == 0 { &[DEREGISTER][..] } else { &[] });
        }
    }
}

#[test]
fn every_answer_to_the_end_of_a_registration() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    for status in 0..=255 {
        for cc in 0..=3 {
            assert_eq!(function.attach(&domain), 0);
            operations(&kernel);
            kernel.answer(Kind::Mpcifc, cc, status);
            function.detach();
            assert_eq!(operations(&kernel), [DEREGISTER]);
            assert!(function.is_blocked());
            let ended = matches!((cc, status), (0, _) | (1, 24) | (3, _));
            domain.sync(START, START + 0xfff);
            assert_eq!(kernel.events().len(), usize::from(!ended), "condition code {cc}, status {status}");
            if !ended {
                // It has to end first, unless that comes with the end of the recovery.
                let recovered = (cc, status) == (1, 40);
                kernel.answer(Kind::Mpcifc, cc, status);
                let rc = if recovered { 0 } else { -16 };
                assert_eq!(function.attach(&domain), rc, "condition code {cc}, status {status}");
                assert_eq!(function.is_blocked(), !recovered);
                assert_eq!(operations(&kernel), [DEREGISTER]);
                if recovered {
                    function.detach();
                    assert_eq!(operations(&kernel), [DEREGISTER]);
                }
            }
            assert_eq!(function.attach(&domain), 0);
            let ended = ended || (cc, status) == (1, 40);
            assert_eq!(operations(&kernel), if ended { &[REGISTER][..] } else { &[DEREGISTER, REGISTER] });
            function.detach();
            operations(&kernel);
        }
    }
}

#[test]
fn a_condition_code_that_no_machine_has_is_an_error() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    for cc in 4..=255 {
        kernel.answer(Kind::Mpcifc, cc, 40);
        assert_eq!(function.attach(&domain), -5, "condition code {cc}");
        assert!(function.is_blocked());
        assert_eq!(operations(&kernel), [REGISTER]);

        assert_eq!(function.attach(&domain), 0);
        operations(&kernel);
        kernel.answer(Kind::Mpcifc, cc, 24);
        function.detach();
        kernel.answer(Kind::Mpcifc, cc, 24);
        assert_eq!(function.attach(&domain), -16, "condition code {cc}");
        function.disabled();
        operations(&kernel);
    }
}

#[test]
fn a_foreign_registration_that_does_not_end() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    // The end of it is refused; the end of it is accepted, and changes nothing.
    for answers in [&[(1, 24), (1, 28)][..], &[(1, 24), (0, 0), (1, 24)]] {
        for &(cc, status) in answers {
            kernel.answer(Kind::Mpcifc, cc, status);
        }
        assert_eq!(function.attach(&domain), -5);
        assert!(function.is_blocked());
        assert_eq!(operations(&kernel), [REGISTER, DEREGISTER, REGISTER][..answers.len()]);
        // Nobody knows what it reaches, so the function is refreshed and the next attach ends it first.
        domain.sync(START, START + 0xfff);
        assert!(matches!(kernel.events()[..], [Event::Rpcit { .. }]));
        kernel.answer(Kind::Mpcifc, 1, 28);
        assert_eq!(function.attach(&domain), -16);
        assert_eq!(operations(&kernel), [DEREGISTER]);
        assert_eq!(function.attach(&domain), 0);
        assert_eq!(operations(&kernel), [DEREGISTER, REGISTER]);
        function.detach();
        operations(&kernel);
    }
}

#[test]
fn what_was_not_ended_keeps_its_tables_until_it_is() {
    let kernel = StandIn::new();
    let handle = 0x8001_0007;
    for ends_by_itself in [false, true] {
        let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
        assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
        assert_eq!(function.attach(&domain), 0);
        kernel.answer(Kind::Mpcifc, 1, 28);
        function.detach();
        assert!(kernel.log().contains("FID 00000001: the machine did not end the translation"), "{}", kernel.log());
        kernel.events();
        // It is refreshed as before.
        assert_eq!(domain.unmap_and_sync(START, 0x1000), 0x1000);
        assert_eq!(kernel.events(), [Event::Rpcit { handle, start: START, length: 0x1000 }]);
        // What is left in it is unmapped, since nobody else does.
        let (low, high) = (START + 0x1000, 1 << 41);
        assert_eq!((domain.map(low, 0x6_0000, 0x1000, true), domain.map(high, 0x7_0000, 0x1000, true)), (0, 0));
        let kept = domain.pointer();
        drop(domain);
        assert_eq!(kernel.events(), [Event::Rpcit { handle, start: START, length: GIB }]);
        // SAFETY: the function keeps the domain.
        assert_eq!(unsafe { (shim_translate(kept, low), shim_translate(kept, high)) }, (0, 0));
        kernel.grace_period();
        assert_eq!(kernel.tables(), (3, 2));
        if ends_by_itself {
            function.disabled();
            assert_eq!(kernel.events(), []);
        } else {
            let other = Domain::new(&kernel, &function).unwrap();
            kernel.answer(Kind::Mpcifc, 2, 0);
            assert_eq!(function.attach(&other), -16);
            kernel.grace_period();
            assert_eq!(kernel.tables(), (4, 2));
            assert_eq!(function.attach(&other), 0);
            assert_eq!(operations(&kernel), [DEREGISTER, DEREGISTER, REGISTER]);
            kernel.grace_period();
            assert_eq!(kernel.tables(), (1, 0));
            function.detach();
            operations(&kernel);
        }
        kernel.grace_period();
        assert_eq!(kernel.tables(), (0, 0));
        // Nothing is left to end.
        let another = Domain::new(&kernel, &function).unwrap();
        assert_eq!(function.attach(&another), 0);
        assert_eq!(operations(&kernel), [REGISTER]);
        function.detach();
        operations(&kernel);
    }
}

/// It is told of what its former neighbours map, since it may look there; but what comes of that is not theirs.
#[test]
fn a_function_that_left_fails_no_map_of_its_neighbours() {
    let kernel = StandIn::new();
    let from = ForeignFunction { flags: ForeignFunction::REFRESH, ..HARDWARE };
    let (function, domain) = pair(&kernel, &from, GIB, false);
    let neighbour = Function::new(&kernel, &ForeignFunction { id: 2, handle: 0x8002_0007, ..from });
    assert_eq!((function.attach(&domain), neighbour.attach(&domain)), (0, 0));
    kernel.answer(Kind::Mpcifc, 1, 28);
    function.detach();
    kernel.events();
    // The last to come is asked first.
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    kernel.answer(Kind::Rpcit, 0, 0);
    kernel.answer(Kind::Rpcit, 1, 28);
    assert_eq!(domain.sync_map(START, 0x1000).0, 0);
    let told = |handle| Event::Rpcit { handle, start: START, length: 0x1000 };
    assert_eq!(kernel.events(), [told(0x8002_0007), told(0x8001_0007)]);
    // One that is here does.
    kernel.answer(Kind::Rpcit, 1, 28);
    assert_eq!(domain.sync_map(START, 0x1000).0, -5);
    kernel.events();
    function.disabled();
    neighbour.detach();
    operations(&kernel);
}

/// An event that comes late brings a handle from before a reset. The answer that it stands for no function says nothing of
/// the translation that there is.
#[test]
fn a_handle_that_comes_late_ends_nothing() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(domain.map(START, 0x5_0000, 0x10_0000, true), 0);
    assert_eq!(function.attach(&domain), 0);
    function.disabled();
    function.set_handle(0x8001_0008);
    assert_eq!(function.reset(), (0, 0));
    kernel.events();
    function.set_handle(HARDWARE.handle);
    assert_eq!(domain.unmap_and_sync(START, 0x10_0000), 0x10_0000);
    domain.flush_all();
    function.detach();
    let named = |event: Event| match event {
        Event::Rpcit { handle, start, length } => (handle, start, length),
        Event::Mpcifc { handle, control, .. } => (handle, control.into(), 0),
        other => panic!("{other:?}"),
    };
    let events: Vec<_> = kernel.events().into_iter().map(named).collect();
    let handle = 0x8001_0008;
    // The unmap, the table that it emptied, the flush, the end.
    let (part, all) = ((handle, START, 0x10_0000), (handle, START, GIB));
    assert_eq!(events, [part, part, all, (handle, DEREGISTER.into(), 0)]);
}

/// An error state is better for it than what belongs to others by now.
#[test]
fn ism_too_is_told_when_its_domain_goes() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &ForeignFunction { function_type: 5, ..HARDWARE }, GIB, false);
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    assert_eq!(function.attach(&domain), 0);
    kernel.answer(Kind::Mpcifc, 1, 28);
    function.detach();
    kernel.events();
    drop(domain);
    assert_eq!(kernel.events(), [Event::Rpcit { handle: 0x8001_0007, start: START, length: GIB }]);
    function.disabled();
    kernel.grace_period();
    assert_eq!(kernel.tables(), (0, 0));
}

#[test]
fn what_was_never_registered_is_not_kept_for_an_end_that_is_refused() {
    let kernel = StandIn::new();
    // An attach while the function is being recovered, and a reset that the machine did not take.
    for reset in [false, true] {
        let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
        if reset {
            assert_eq!(function.attach(&domain), 0);
            function.disabled();
            kernel.answer(Kind::Mpcifc, 1, 28);
            assert_eq!(function.reset(), (-5, 28));
        } else {
            kernel.answer(Kind::Mpcifc, 1, 40);
            assert_eq!(function.attach(&domain), 0);
        }
        kernel.events();
        kernel.answer(Kind::Mpcifc, 1, 28);
        function.detach();
        assert_eq!(operations(&kernel), [DEREGISTER]);
        assert_eq!(kernel.log(), format!("unreg ioat fid:{:x}, cc:1, status:28\n", HARDWARE.id));
        drop(domain);
        assert_eq!(kernel.tables(), (0, 0));
        let other = Domain::new(&kernel, &function).unwrap();
        assert_eq!(function.attach(&other), 0);
        assert_eq!(operations(&kernel), [REGISTER]);
    }
}

#[test]
fn a_function_that_is_disabled_while_it_is_attached_is_registered_by_its_reset_alone() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    function.disabled();
    assert_eq!(operations(&kernel), [REGISTER]);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(operations(&kernel), []);
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
}

#[test]
fn the_tables_of_a_function_that_was_lost_while_registered_stay_for_good() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(domain.map(START, 0x100_0000, 0x10_0000, true), 0);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    kernel.always(Kind::Mpcifc, 1, 28);
    drop(function);
    // Once to block it, and once more before it is given up.
    assert_eq!(operations(&kernel), [DEREGISTER, DEREGISTER]);
    assert!(kernel.log().contains("FID 00000001: gone while its translation was registered"), "{}", kernel.log());
    // Not even those are given back that become empty.
    assert_eq!(domain.unmap_and_sync(START, 0x10_0000), 0x10_0000);
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 1));
    drop(domain);
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 1));
    kernel.forget();
}

#[test]
fn a_busy_machine_is_asked_until_the_kernel_gives_up() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    kernel.always(Kind::Mpcifc, 2, 0);
    kernel.patience(Kind::PauseMpcifc, 3);
    assert_eq!(function.attach(&domain), -5);
    let pauses = |events: Vec<Event>| -> Vec<Event> {
        let (instructions, pauses): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| matches!(event, Event::Mpcifc { .. }));
        assert_eq!(instructions.len(), pauses.len());
        pauses
    };
    assert_eq!(pauses(kernel.events()), [1, 2, 3, 4].map(Event::PauseMpcifc));

    kernel.patience(Kind::PauseMpcifc, u32::MAX);
    for _ in 0..5 {
        kernel.answer(Kind::Mpcifc, 2, 0);
    }
    kernel.always(Kind::Mpcifc, 0, 0);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(kernel.events().len(), 11);

    kernel.always(Kind::Mpcifc, 2, 0);
    kernel.patience(Kind::PauseMpcifc, 2);
    function.detach();
    assert_eq!(pauses(kernel.events()), [1, 2, 3].map(Event::PauseMpcifc));
    kernel.patience(Kind::PauseMpcifc, 1);
    assert_eq!(function.attach(&domain), -16);
    assert_eq!(pauses(kernel.events()), [1, 2].map(Event::PauseMpcifc));
    kernel.always(Kind::Mpcifc, 0, 0);
}

/// Nobody waits twice for one that is busy: not who moves it, nor who removes it.
#[test]
fn a_machine_that_was_busy_all_the_time_is_not_asked_once_more() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    let other = Domain::new(&kernel, &function).expect("a domain");
    let ends = |events: Vec<Event>| events.iter().filter(|event| matches!(event, Event::Mpcifc { .. })).count();
    kernel.events();
    kernel.always(Kind::Mpcifc, 2, 0);
    kernel.patience(Kind::PauseMpcifc, 3);
    assert_eq!(function.attach(&other), -16);
    assert_eq!(ends(kernel.events()), 4);
    // It has the domain again, but for what waits for an end, which is what is asked for.
    kernel.patience(Kind::PauseMpcifc, 3);
    assert_eq!(function.attach(&other), -16);
    assert_eq!(ends(kernel.events()), 4);
    // What is no want of time is tried again.
    kernel.always(Kind::Mpcifc, 1, 28);
    assert_eq!(function.attach(&other), -16);
    assert_eq!(ends(kernel.events()), 2);
    kernel.always(Kind::Mpcifc, 0, 0);
    assert_eq!(function.attach(&other), 0);
    kernel.events();
    kernel.always(Kind::Mpcifc, 2, 0);
    kernel.patience(Kind::PauseMpcifc, 3);
    drop(function);
    assert_eq!(ends(kernel.events()), 4);
    other.free();
    domain.free();
    kernel.grace_period();
    // What the machine may go on to use is never freed.
    kernel.forget();
}

/// That ends what the function is busy with; when it is enabled again it has what it was given meanwhile.
#[test]
fn who_waits_to_disable_a_busy_function_does_not_wait_for_long() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let other = Domain::new(&kernel, &function).expect("a domain");
    let busy = |answer| {
        kernel.events();
        kernel.always(Kind::Mpcifc, answer, 0);
        kernel.patience(Kind::PauseMpcifc, 100);
    };
    // Who waited disables the function, and enables it again; by then the machine is not busy any more.
    let disable_and_enable = |expected: &[u8]| {
        function.wanted(false);
        busy(0);
        function.disabled();
        assert_eq!(function.reset().0, 0);
        assert_eq!(operations(&kernel), expected);
    };

    busy(2);
    function.wanted(true);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(operations(&kernel), [REGISTER]);
    disable_and_enable(&[REGISTER]);

    // One that has a translation moves: what it had ends when it is disabled.
    busy(2);
    function.wanted(true);
    assert_eq!(function.attach(&other), 0);
    assert_eq!(operations(&kernel), [DEREGISTER, DEREGISTER]);
    disable_and_enable(&[REGISTER]);
    assert_eq!(other.map(START, 0x100_0000, 0x1000, false), 0);

    // A reset does not wait for another one, and is no failure.
    busy(2);
    function.wanted(true);
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
    disable_and_enable(&[REGISTER]);

    // It goes, and who waited has nothing to register.
    busy(2);
    function.wanted(true);
    function.detach();
    assert_eq!(operations(&kernel), [DEREGISTER]);
    assert!(kernel.log().contains("the machine did not end the translation"), "{}", kernel.log());
    disable_and_enable(&[]);

    // Nobody waits: the machine is asked for as long as it may take.
    busy(2);
    assert_eq!(function.attach(&domain), -5);
    assert_eq!(operations(&kernel).len(), 101);
    busy(0);
}

#[test]
fn without_translation() {
    let kernel = StandIn::new();
    kernel.settings(GIB, false);
    let translated = Function::new(&kernel, &HARDWARE);
    assert_eq!(translated.attach_identity(), -22);
    assert_eq!(kernel.events(), []);

    let relaxed = ForeignFunction { flags: ForeignFunction::RELAXED_TRANSLATION, ..HARDWARE };
    let handle = 0x8001_0007;
    // All of the window, whatever is wanted of it for tables and whether a root reaches it.
    for (start_dma, end_dma, last) in [
        (START, 0x01ff_ffff_ffff_ffff, 0x01ff_ffff_ffff_ffff),
        (1 << 42, (1 << 43) + 0x1234, (1 << 43) + 0xfff),
        // But for the last page of 2^64, since the kernel counts from its end on.
        (0, u64::MAX, 0xffff_ffff_ffff_efff),
    ] {
        let function = Function::new(&kernel, &ForeignFunction { start_dma, end_dma, ..relaxed });
        assert_eq!(function.attach_identity(), 0);
        assert!(!function.is_blocked());
        assert_eq!(kernel.events(), [Event::Mpcifc { handle, control: REGISTER, fib: fib(start_dma, last, 0, 0) }]);
        // Nothing is mapped, so nothing is refreshed after a reset.
        function.disabled();
        assert_eq!(function.reset(), (0, 0));
        assert_eq!(operations(&kernel), [REGISTER]);
        function.detach();
        assert_eq!(operations(&kernel), [DEREGISTER]);
    }
    let function = Function::new(&kernel, &relaxed);
    kernel.answer(Kind::Mpcifc, 1, 28);
    // The core takes that for one that cannot fail: a reset registers it.
    assert_eq!(function.attach_identity(), 0);
    assert_eq!(operations(&kernel), [REGISTER]);
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
}

/// As the driver in C, whatever comes of it.
#[test]
fn what_the_machine_answers_to_an_end_is_told() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    for (cc, status) in [(3, 0), (1, 24)] {
        assert_eq!(function.attach(&domain), 0);
        kernel.answer(Kind::Mpcifc, cc, status);
        function.detach();
        let fid = HARDWARE.id;
        assert_eq!(kernel.log(), format!("unreg ioat fid:{fid:x}, cc:{cc}, status:{status}\n"));
        kernel.events();
    }
}
