// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions that come to a domain in which something is mapped already, or are registered again after a reset.

use zpci_glue::function::ForeignFunction;

use crate::domain::{pair, Domain};
use crate::function::Function;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const HANDLE: u32 = 0x8002_0000;
const REGISTER: (u32, u64, u64) = (HANDLE, 4, 0);
const DEREGISTER: (u32, u64, u64) = (HANDLE, 5, 0);
const EVERYTHING: (u32, u64, u64) = (HANDLE, START, 0x4000_0000);

/// What happened, without the blocks.
fn instructions(kernel: &StandIn) -> Vec<(u32, u64, u64)> {
    let event = |event: Event| match event {
        Event::Mpcifc { handle, control, .. } => (handle, control.into(), 0),
        Event::Rpcit { handle, start, length } => (handle, start, length),
        other => panic!("{other:?}"),
    };
    kernel.events().into_iter().map(event).collect()
}

#[test]
fn a_hypervisor_that_shadows_tables_is_refreshed_run_by_run() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    // Nothing is mapped.
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(instructions(&kernel), [REGISTER]);
    function.detach();
    assert_eq!(instructions(&kernel), [DEREGISTER]);

    // Two runs that are not a MiB apart; one a page further on than that; one at the end of the aperture.
    for offset in [0x1_0000, 0x11_0000, 0x21_1000, GIB - 0x1000] {
        assert_eq!(domain.map(START + offset, 0x5_0000, 0x1000, true), 0);
    }
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(
        instructions(&kernel),
        [
            REGISTER,
            // A piece ends with its segment, since an owner may give the table of its start back meanwhile.
            (HANDLE, 0x1_0001_0000, 0xf_0000),
            (HANDLE, 0x1_0010_0000, 0x1_1000),
            (HANDLE, 0x1_0021_1000, 0x1000),
            (HANDLE, 0x1_3fff_f000, 0x1000),
        ]
    );
}

/// More runs than one read-side section takes, unless somebody waits to disable the function.
#[test]
fn all_runs_are_shown_in_several_steps() {
    const RUNS: u64 = 2500;
    const APART: u64 = 0x2000;
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    for number in 0..RUNS {
        assert_eq!(domain.map(START + number * APART, 0x100_0000, 0x1000, true), 0);
    }
    kernel.events();
    let shown = || -> Vec<(u64, u64)> {
        let range = |event| if let Event::Rpcit { start, length, .. } = event { Some((start, length)) } else { None };
        kernel.events().into_iter().filter_map(range).collect()
    };
    // They lie close together, so that each step takes one instruction, up to its last page.
    let step = |first: u64, runs: u64| (START + first * APART, runs * APART - 0x1000);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(shown(), [step(0, 1024), step(1024, 1024), step(2048, RUNS - 2048)]);
    function.disabled();
    function.wanted(true);
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(shown(), [step(0, 1024)]);
    // Whoever waits does not disable it: then the next refresh is one of everything.
    function.wanted(false);
    domain.sync(START, START + 0xfff);
    assert_eq!(shown(), [(START, GIB)]);
}

/// An attach is in a read-side section meanwhile, so all of its runs together are waited for no longer than one.
#[test]
fn the_waits_of_all_runs_have_one_bound() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    for offset in [0, 0x40_0000, 0x80_0000] {
        assert_eq!(domain.map(START + offset, 0x100_0000, 0x1000, true), 0);
    }
    kernel.answer(Kind::Mpcifc, 0, 0);
    for busy in [2, 1, 0] {
        (0..busy).for_each(|_| kernel.answer(Kind::Rpcit, 2, 0));
        kernel.answer(Kind::Rpcit, 0, 0);
    }
    kernel.patience(Kind::PauseRpcit, u32::MAX);
    assert_eq!(function.attach(&domain), 0);
    let pause = |event| if let Event::PauseRpcit(busy) = event { Some(busy) } else { None };
    let pauses: Vec<u32> = kernel.events().into_iter().filter_map(pause).collect();
    assert_eq!(pauses, [1, 2, 3]);
}

#[test]
fn only_what_lies_in_the_aperture_counts() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(domain.map(START + GIB, 0x5_0000, 0x1000, true), 0);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(instructions(&kernel), [REGISTER]);
    function.detach();
    instructions(&kernel);
    assert_eq!(domain.map(START + GIB - 0x2000, 0x6_0000, 0x2000, true), 0);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(instructions(&kernel), [REGISTER, (HANDLE, 0x1_3fff_e000, 0x2000)]);
}

#[test]
fn without_one_nobody_is_refreshed() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(instructions(&kernel), [(0x8001_0007, 4, 0)]);
}

#[test]
fn a_hypervisor_that_cannot_follow_is_refreshed_all_over_later() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    assert_eq!(domain.map(START + 0x200_0000, 0x5_0000, 0x1000, true), 0);
    let first = (HANDLE, START, 0x1000);
    for (cc, status) in [(1, 16), (1, 4), (1, 8), (1, 40), (1, 28)] {
        kernel.answer(Kind::Mpcifc, 0, 0);
        kernel.answer(Kind::Rpcit, cc, status);
        let mut issued = vec![REGISTER, first];
        if matches!(status, 8 | 40) {
            // Asked twice, since the error state may have ended.
            kernel.answer(Kind::Rpcit, cc, status);
            issued.push(EVERYTHING);
        }
        assert_eq!(function.attach(&domain), 0);
        assert!(!function.is_blocked());
        assert_eq!(instructions(&kernel), issued);
        assert!(
            kernel.log().contains("FID 00000001: the machine does not know all that is mapped"),
            "{}",
            kernel.log()
        );
        // The next refresh is one of the whole aperture, and the one behind it is not.
        assert_eq!(domain.sync_map(START + 0x5000, 0x1000), (0, 0));
        assert_eq!(domain.sync_map(START + 0x5000, 0x1000), (0, 0));
        assert_eq!(instructions(&kernel), [EVERYTHING, (HANDLE, 0x1_0000_5000, 0x1000)]);
        function.detach();
        instructions(&kernel);
    }
    // A function that is gone by then has nothing to make up for.
    kernel.answer(Kind::Mpcifc, 0, 0);
    kernel.answer(Kind::Rpcit, 3, 0);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(instructions(&kernel), [REGISTER, first, (HANDLE, 0x1_0200_0000, 0x1000)]);
    // One that was gone before is attached, and not refreshed.
    function.detach();
    instructions(&kernel);
    kernel.answer(Kind::Mpcifc, 3, 0);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(instructions(&kernel), [REGISTER]);
}

#[test]
fn a_registration_makes_up_for_every_refresh_before_it() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    kernel.answer(Kind::Rpcit, 1, 8);
    domain.sync(START, START + 0xfff);
    function.disabled();
    assert_eq!(function.reset().0, 0);
    instructions(&kernel);
    domain.sync(START, START + 0xfff);
    assert_eq!(instructions(&kernel), [(0x8001_0007, START, 0x1000)]);
}

#[test]
fn after_a_reset_the_function_is_refreshed_again() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    // Without a translation there is nothing to register.
    assert_eq!(function.reset(), (0, 0xa5));
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(domain.map(START, 0x5_0000, 0x3000, true), 0);
    instructions(&kernel);

    // While it is disabled it needs no refresh.
    function.disabled();
    assert_eq!(domain.sync_map(START, 0x3000), (0, 0));
    domain.sync(START + 0x1000, START + 0x1fff);
    domain.flush_all();
    assert_eq!(instructions(&kernel), []);
    // The handle that CLP gives it is used from then on.
    let handle = 0x8003_0000;
    function.set_handle(handle);
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(instructions(&kernel), [(handle, 4, 0), (handle, START, 0x3000)]);
    domain.sync(START, START + 0xfff);
    assert_eq!(instructions(&kernel), [(handle, START, 0x1000)]);
}

#[test]
fn every_answer_to_a_registration_after_a_reset() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    let refreshed = (HANDLE, START, 0x1000);
    for status in 0..=255 {
        for cc in [0, 1, 3] {
            function.disabled();
            instructions(&kernel);
            kernel.answer(Kind::Mpcifc, cc, status);
            let (answer, expected) = match (cc, status) {
                (0, _) => ((0, 0), vec![REGISTER, refreshed]),
                // It was not disabled after all.
                (1, 24) => ((0, 0), vec![REGISTER, DEREGISTER, REGISTER, refreshed]),
                _ => ((-5, status), vec![REGISTER]),
            };
            assert_eq!(function.reset(), answer, "condition code {cc}, status {status}");
            assert_eq!(instructions(&kernel), expected, "condition code {cc}, status {status}");
            // Whatever was answered, the function stays with its domain; what is not registered is not refreshed.
            assert!(!function.is_blocked());
            domain.sync(START, START + 0xfff);
            assert_eq!(instructions(&kernel).len(), usize::from(answer.0 == 0));
        }
    }
    // A handle that is not enabled is not tried.
    function.set_handle(0x0002_0000);
    function.disabled();
    assert_eq!(function.reset(), (-5, 0));
    assert_eq!(instructions(&kernel), []);
}

#[test]
fn the_aperture_is_what_function_and_table_have_in_common() {
    let kernel = StandIn::new();
    let (_first, domain) = pair(&kernel, &HARDWARE, GIB, false);
    // The table spans 4 TiB; the other one is to use 8 from 4 GiB on.
    kernel.settings(1 << 43, false);
    let wide = Function::new(&kernel, &ForeignFunction { flags: ForeignFunction::REFRESH, ..HARDWARE });
    assert_eq!(wide.attach(&domain), 0);
    let [Event::Mpcifc { fib, .. }] = &kernel.events()[..] else { panic!("no registration") };
    assert_eq!(fib[16..24], 0x0000_0001_0000_0000_u64.to_be_bytes());
    assert_eq!(fib[24..32], 0x0000_03ff_ffff_ffff_u64.to_be_bytes());
    domain.flush_all();
    // From 4 GiB to 4 TiB: one instruction, as it starts with a region-third entry.
    assert_eq!(instructions(&kernel), [(0x8001_0007, START, 0x3ff_0000_0000)]);
}

/// Nobody gets a higher root that the driver in C would not use, unless somebody asks for it; and nobody gets one that the
/// mask does not have.
#[test]
fn roots_by_both_readings_of_the_mask() {
    const THIRD: Option<u8> = Some(1);
    const SECOND: Option<u8> = Some(2);
    const FIRST: Option<u8> = Some(3);
    // The mask; the root for 2^43 and for 2^54 bytes by default, and the same if the mask is trusted. The driver in C
    // takes 0x08 for a region-second table, if that is enough, and then 0x0c for a region-first table: of 0x58 it would use
    // a region-second table that the mask does not have, and of 0x68 a region-first one for more than 2^53 bytes.
    let rows = [
        (0x40, [THIRD, THIRD], [THIRD, THIRD]),
        (0x60, [THIRD, THIRD], [SECOND, SECOND]),
        (0x70, [THIRD, THIRD], [SECOND, FIRST]),
        (0x4c, [THIRD, THIRD], [THIRD, THIRD]),
        (0x50, [THIRD, THIRD], [FIRST, FIRST]),
        (0x54, [FIRST, FIRST], [FIRST, FIRST]),
        (0x58, [THIRD, THIRD], [FIRST, FIRST]),
        (0x5c, [THIRD, THIRD], [FIRST, FIRST]),
        (0x68, [THIRD, THIRD], [SECOND, SECOND]),
        (0x6c, [THIRD, THIRD], [SECOND, SECOND]),
        (0x74, [FIRST, FIRST], [SECOND, FIRST]),
        (0x78, [SECOND, FIRST], [SECOND, FIRST]),
        (0x7c, [SECOND, FIRST], [SECOND, FIRST]),
        (0xff, [SECOND, FIRST], [SECOND, FIRST]),
        (0xd7, [FIRST, FIRST], [FIRST, FIRST]),
        (0x38, [THIRD, THIRD], [SECOND, FIRST]),
        (0x20, [THIRD, THIRD], [SECOND, SECOND]),
        (0x28, [THIRD, THIRD], [SECOND, SECOND]),
        (0x00, [THIRD, THIRD], [THIRD, THIRD]),
    ];
    let kernel = StandIn::new();
    for (designation_types, default, trusted) in rows {
        for (trust, expected) in [(false, default), (true, trusted)] {
            kernel.trust_dtsm(trust);
            for (bytes, expected) in [1 << 43, 1 << 54].into_iter().zip(expected) {
                kernel.settings(bytes, false);
                let from = ForeignFunction { end_dma: u64::MAX, designation_types, ..HARDWARE };
                let function = Function::new(&kernel, &from);
                let root = Domain::new(&kernel, &function).ok().map(|domain| domain.designation_type());
                assert_eq!(root, expected, "{designation_types:#x} {trust} {bytes:#x}");
            }
        }
    }
}

#[test]
fn what_a_function_cannot_use_is_refused_and_leaves_it_where_it_is() {
    let kernel = StandIn::new();
    let (_third_only, third) = pair(&kernel, &HARDWARE, GIB, false);
    let (_second_only, second) = pair(&kernel, &HARDWARE, 1 << 43, false);
    kernel.settings(GIB, false);
    // No such root: the machine would not answer but trap.
    let function = Function::new(&kernel, &QEMU);
    let own = Domain::new(&kernel, &function).unwrap();
    assert_eq!(function.attach(&own), 0);
    kernel.events();
    assert_eq!(function.attach(&second), -22);
    assert!(!function.is_blocked());
    own.flush_all();
    assert_eq!(instructions(&kernel), [EVERYTHING]);

    let only_first = ForeignFunction { designation_types: 0x10, ..HARDWARE };
    let no_page = ForeignFunction { start_dma: 1, end_dma: 0xfff, ..HARDWARE };
    let beyond = ForeignFunction { start_dma: 1 << 42, ..HARDWARE };
    for (from, aperture_bytes) in [(only_first, GIB), (no_page, GIB), (beyond, GIB), (HARDWARE, 0), (HARDWARE, 0xfff)] {
        kernel.settings(aperture_bytes, false);
        let function = Function::new(&kernel, &from);
        assert_eq!(function.attach(&third), -22);
        assert!(function.is_blocked());
        assert_eq!(kernel.events(), []);
    }
    // As if the machine had been asked, which would not know the handle.
    kernel.settings(GIB, false);
    let disabled = Function::new(&kernel, &ForeignFunction { handle: 0x0001_0007, ..HARDWARE });
    assert_eq!(disabled.attach(&third), 0);
    assert_eq!(kernel.events(), []);
}

#[test]
fn where_it_is_already_there_is_nothing_to_do() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    assert_eq!(kernel.without_memory(|| function.attach(&domain)), 0);
    assert_eq!(kernel.events(), []);
}
