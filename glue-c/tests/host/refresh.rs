// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! RPCIT: its operands, every answer, and refreshes that several functions need.

use crate::binding::*;
use crate::domain::Domain;
use crate::sample::{GIB, HARDWARE, START};
use crate::stand_in::{Event, Kind, StandIn};
use zpci_glue::function::ForeignFunction;

const HANDLE: u32 = 0x8002_0000;

fn refresh(handle: u32, start: u64, last: u64) -> i32 {
    // SAFETY: the function takes any numbers.
    unsafe { shim_refresh(handle, start, last) }
}

/// Refreshes everything in a range, changed or not.
fn refresh_all(start: u64, last: u64) -> i32 {
    // SAFETY: the function takes any numbers.
    unsafe { shim_refresh_all(HANDLE, start, last) }
}

/// Refreshes what was mapped, and of a window of 1 GiB everything if need be; the error number, or 1 if it was.
fn refresh_mapped(start: u64, last: u64) -> i32 {
    // SAFETY: the function takes any numbers.
    unsafe { shim_refresh_mapped(HANDLE, start, last, START, START + GIB - 1) }
}

fn rpcit(start: u64, length: u64) -> Event {
    Event::Rpcit { handle: HANDLE, start, length }
}

#[test]
fn operands() {
    let kernel = StandIn::new();
    assert_eq!(refresh(HANDLE, START, START + 0xfff), 0);
    assert_eq!(kernel.events(), [rpcit(0x1_0000_0000, 0x1000)]);
    // What starts at an entry that changed is walked from there.
    assert_eq!(refresh(HANDLE, 0x1_8012_3000, 0x2_ffff_ffff), 0);
    assert_eq!(kernel.events(), [rpcit(0x1_8012_3000, 0x1_7fed_d000)]);
    // What starts elsewhere ends with the area of a segment-table entry, then with that of a region-third entry.
    assert_eq!(refresh_all(0x1_8012_3000, 0x2_ffff_ffff), 0);
    assert_eq!(
        kernel.events(),
        [rpcit(0x1_8012_3000, 0xd_d000), rpcit(0x1_8020_0000, 0x7fe0_0000), rpcit(0x2_0000_0000, 0x1_0000_0000)]
    );
    // The length of everything is no operand.
    assert_eq!(refresh_all(0, u64::MAX), 0);
    assert_eq!(kernel.events(), [rpcit(0, 1 << 63), rpcit(1 << 63, 1 << 63)]);
    for (start, last) in [(START + 1, START + 0xfff), (START, START + 0x1000), (START + 0x1000, START + 0xfff)] {
        assert_eq!(refresh(HANDLE, start, last), -22, "{start:#x} {last:#x}");
        assert_eq!(refresh_all(start, last), -22, "{start:#x} {last:#x}");
    }
    assert_eq!(kernel.events(), []);
}

#[test]
fn every_answer_to_a_refresh() {
    let kernel = StandIn::new();
    for status in 0..=255 {
        for cc in 0..=3 {
            kernel.answer(Kind::Rpcit, cc, status);
            let expected = match (cc, status) {
                (0, _) => 0,
                (1, 4 | 16) => -12,
                _ => -5,
            };
            assert_eq!(refresh(HANDLE, START, START + 0xfff), expected, "condition code {cc}, status {status}");
            let events = kernel.events();
            match cc {
                2 => assert_eq!(events, [rpcit(START, 0x1000), Event::PauseRpcit(1)]),
                _ => assert_eq!(events, [rpcit(START, 0x1000)]),
            }
        }
    }
}

#[test]
fn a_condition_code_that_no_machine_has_is_an_error() {
    let kernel = StandIn::new();
    for cc in 4..=255 {
        kernel.answer(Kind::Rpcit, cc, 0);
        assert_eq!(refresh(HANDLE, START, START + 0xfff), -5);
    }
}

#[test]
fn a_busy_machine_is_asked_until_the_kernel_gives_up() {
    let kernel = StandIn::new();
    kernel.always(Kind::Rpcit, 2, 0);
    kernel.patience(Kind::PauseRpcit, 2);
    assert_eq!(refresh(HANDLE, START, START + 0xfff), -5);
    let instruction = || rpcit(START, 0x1000);
    assert_eq!(
        kernel.events(),
        [instruction(), Event::PauseRpcit(1), instruction(), Event::PauseRpcit(2), instruction(), Event::PauseRpcit(3)]
    );
    // The second part of a refresh that failed is not issued.
    assert_eq!(refresh(HANDLE, 0, u64::MAX), -5);
    assert_eq!(kernel.events(), [rpcit(0, 1 << 63), Event::PauseRpcit(1)]);

    kernel.patience(Kind::PauseRpcit, u32::MAX);
    kernel.answer(Kind::Rpcit, 2, 0);
    kernel.answer(Kind::Rpcit, 2, 0);
    kernel.answer(Kind::Rpcit, 0, 0);
    assert_eq!(refresh(HANDLE, START, START + 0xfff), 0);
}

#[test]
fn a_machine_without_resources_is_shown_everything() {
    let kernel = StandIn::new();
    let mapped = [rpcit(START + 0x4000, 0x1000)];
    let both = [rpcit(START + 0x4000, 0x1000), rpcit(START, 0x4000_0000)];
    for status in 0..=255 {
        kernel.answer(Kind::Rpcit, 1, status);
        let refreshed = refresh_mapped(START + 0x4000, START + 0x4fff);
        match status {
            4 | 16 => {
                assert_eq!(refreshed, 1, "status {status}");
                assert_eq!(kernel.events(), both);
            }
            _ => {
                assert_eq!(refreshed, -5, "status {status}");
                assert_eq!(kernel.events(), mapped);
            }
        }
    }
    for (cc, status, rc) in [(1, 4, -12), (1, 16, -12), (1, 8, -5), (3, 0, -5)] {
        kernel.answer(Kind::Rpcit, 1, 16);
        kernel.answer(Kind::Rpcit, cc, status);
        assert_eq!(refresh_mapped(START + 0x4000, START + 0x4fff), rc);
        assert_eq!(kernel.events(), both);
    }
    assert_eq!(refresh_mapped(START + 0x4000, START + 0x4fff), 0);
    assert_eq!(kernel.events(), mapped);
    assert_eq!(refresh_mapped(START + 0x4001, START + 0x4fff), -22);
    assert_eq!(kernel.events(), []);
}

#[test]
fn an_error_of_one_function_is_not_lost_behind_the_success_of_the_next() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &HARDWARE, GIB, false).unwrap();
    let shadowed = |handle| ForeignFunction { handle, flags: ForeignFunction::REFRESH, ..HARDWARE };
    for function in [shadowed(0x8001_0001), HARDWARE, shadowed(0x8001_0002), shadowed(0x8001_0003)] {
        assert_eq!(domain.attach(&function, GIB), (0, [0, 0]));
    }
    kernel.events();
    kernel.answer(Kind::Rpcit, 0, 0);
    kernel.answer(Kind::Rpcit, 1, 8);
    kernel.answer(Kind::Rpcit, 1, 16);
    assert_eq!(domain.sync_map(START, 0x2000), (-5, 1));
    // The one whose machine does not shadow tables is not told of what was mapped.
    let instruction = |handle, length| Event::Rpcit { handle, start: START, length };
    assert_eq!(
        kernel.events(),
        [
            instruction(0x8001_0001, 0x2000),
            instruction(0x8001_0002, 0x2000),
            instruction(0x8001_0003, 0x2000),
            instruction(0x8001_0003, 0x4000_0000),
        ]
    );
    // But of what was unmapped everybody is.
    assert!(!domain.sync(START, START + 0x1fff));
    let handles: Vec<u32> = kernel
        .events()
        .iter()
        .map(|event| match event {
            Event::Rpcit { handle, start: START, length: 0x2000 } => *handle,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(handles, [0x8001_0001, 0x8001_0007, 0x8001_0002, 0x8001_0003]);
}
