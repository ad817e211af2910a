// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Enabling and disabling, with mapped I/O or without, and where an address says write-back.

use crate::binding::*;
use crate::stand_in::{Event, Kind, StandIn};

/// What a place has where nothing was stored.
const UNTOUCHED: u32 = 0xa5a5_a5a5;

/// The error number, and the handle that the function has afterwards.
fn enable(handle: u32, mio: bool) -> (i32, u32) {
    let mut now = UNTOUCHED;
    // SAFETY: `now` is valid.
    let rc = unsafe { shim_enable(handle, 1, 0x1234_5600, mio, &mut now) };
    (rc, now)
}

fn disable(handle: u32) -> (i32, u32) {
    let mut disabled = UNTOUCHED;
    // SAFETY: `disabled` is valid.
    let rc = unsafe { shim_disable(handle, &mut disabled) };
    (rc, disabled)
}

fn write_back() -> i32 {
    // SAFETY: the function takes nothing.
    unsafe { shim_write_back() }
}

/// A response of 160 bytes: code and new handle.
pub(crate) fn response(code: u16, handle: u32) -> Vec<u8> {
    let mut response = vec![0; 160];
    response[0..2].copy_from_slice(&[0x00, 0xa0]);
    response[2..4].copy_from_slice(&code.to_be_bytes());
    response[16..20].copy_from_slice(&handle.to_be_bytes());
    response
}

/// The request: handle, operation, DMA address spaces, GISA; room for 160 bytes.
pub(crate) fn request(handle: u32, operation: u8, spaces: u8, gisa: u32) -> Event {
    let mut block = vec![0; 48];
    block[0..4].copy_from_slice(&[0x00, 0x20, 0x00, 0x05]);
    block[16..20].copy_from_slice(&handle.to_be_bytes());
    block[22..24].copy_from_slice(&[operation, spaces]);
    block[28..32].copy_from_slice(&gisa.to_be_bytes());
    block[32..34].copy_from_slice(&[0x00, 0xa0]);
    Event::Call { processor: 2, block }
}

fn recorded(code: u16, condition: u8) -> Event {
    Event::Response { command: 5, code, condition }
}

#[test]
fn each_command_carries_the_handle_that_the_one_before_returned() {
    let kernel = StandIn::new();
    kernel.respond(0, &response(0x0010, 0x8002_0000));
    assert_eq!(enable(0x0002_0000, false), (0, 0x8002_0000));
    assert_eq!(kernel.events(), [request(0x0002_0000, 0, 1, 0x1234_5600)]);

    kernel.respond(0, &response(0x0010, 0x8002_0000));
    kernel.respond(0, &response(0x0010, 0x8102_0000));
    assert_eq!(enable(0x0002_0000, true), (0, 0x8102_0000));
    assert_eq!(kernel.events(), [request(0x0002_0000, 0, 1, 0x1234_5600), request(0x8002_0000, 2, 1, 0x1234_5600)]);

    kernel.respond(0, &response(0x0010, 0x0002_0000));
    assert_eq!(disable(0x8102_0000), (0, 0x0002_0000));
    assert_eq!(kernel.events(), [request(0x8102_0000, 1, 0, 0)]);
}

#[test]
fn mapped_io_or_nothing() {
    let kernel = StandIn::new();
    for (cc, code, rc) in [(0, 0x0102, 0x0102), (0, 0x0104, 0x0104), (0, 0, -5), (3, 0, 3)] {
        // Whatever becomes of the rollback, it is the first failure that counts.
        for (rollback, now) in [(0x0010, 0x0102_0000), (0x0105, 0x8002_0000), (0x0106, 0x8002_0000)] {
            kernel.respond(0, &response(0x0010, 0x8002_0000));
            kernel.respond(cc, &response(code, 0));
            kernel.respond(0, &response(rollback, 0x0102_0000));
            assert_eq!(enable(0x0002_0000, true), (rc, now));
            let mut expected = vec![
                request(0x0002_0000, 0, 1, 0x1234_5600),
                request(0x8002_0000, 2, 1, 0x1234_5600),
                request(0x8002_0000, 1, 0, 0),
                recorded(code, cc),
            ];
            if rollback == 0x0106 {
                expected.push(recorded(rollback, 0));
            }
            assert_eq!(kernel.events(), expected);
        }
    }
}

#[test]
fn every_response_code_reaches_the_caller() {
    let kernel = StandIn::new();
    for code in (0x0020..=0x0080).step_by(0x10).chain(0x0100..=0x010b).chain([0x0001, 0x7fff, 0x8000, 0xffff]) {
        kernel.respond(0, &response(code, 0x8002_0000));
        assert_eq!(enable(0x0002_0000, true), (code.into(), 0x0002_0000));
        let busy = code == 0x0108;
        assert_eq!(kernel.events().contains(&Event::PauseSet(1)), busy);
        kernel.respond(0, &response(code, 0x0002_0000));
        assert_eq!(disable(0x8002_0000), (code.into(), UNTOUCHED));
        assert_eq!(kernel.events().last(), Some(&recorded(code, 0)));
    }
    for cc in 1..=3 {
        kernel.respond(cc, &[]);
        assert_eq!(enable(0x0002_0000, false), (cc.into(), 0x0002_0000));
        kernel.respond(cc, &[]);
        assert_eq!(disable(0x8002_0000), (cc.into(), UNTOUCHED));
        assert_eq!(kernel.events().last(), Some(&recorded(0, cc)));
    }
}

/// A machine that stores nothing, and says that it executed the command.
#[test]
fn response_code_0_is_no_success() {
    let kernel = StandIn::new();
    kernel.respond(0, &[]);
    kernel.respond(0, &response(0x0010, 0x0102_0000));
    assert_eq!(enable(0x0002_0000, false), (-5, 0x0102_0000));
    let expected = [request(0x0002_0000, 0, 1, 0x1234_5600), request(0x8002_0000, 1, 0, 0), recorded(0, 0)];
    assert_eq!(kernel.events(), expected);
    kernel.respond(0, &[]);
    assert_eq!(disable(0x8002_0000), (-5, UNTOUCHED));
    assert_eq!(kernel.events(), [request(0x8002_0000, 1, 0, 0), recorded(0, 0)]);
    // Nothing is known of the function: it counts as enabled.
    kernel.respond(0, &[]);
    kernel.respond(0, &[]);
    assert_eq!(enable(0x0002_0000, false), (-5, 0x8002_0000));
}

#[test]
fn handles_that_contradict_the_answer() {
    let kernel = StandIn::new();
    for (returned, tried) in [(0x0002_0000, 0x0002_0000), (0, 0x8002_0000)] {
        kernel.respond(0, &response(0x0010, returned));
        kernel.respond(0, &response(0x0010, 0x0102_0000));
        assert_eq!(enable(0x0002_0000, false), (-5, 0x0102_0000));
        assert_eq!(kernel.events()[1..], [request(tried, 1, 0, 0), recorded(0, 0)]);
    }
    // A response that is too short to hold a handle.
    for length in [[0x00, 0x00], [0x00, 0x10], [0x00, 0x13]] {
        let mut bad = response(0x0010, 0x8002_0000);
        bad[0..2].copy_from_slice(&length);
        kernel.respond(0, &bad);
        kernel.respond(0, &response(0x0010, 0x0102_0000));
        assert_eq!(enable(0x0002_0000, false), (-5, 0x0102_0000));
        assert_eq!(kernel.events()[1..], [request(0x8002_0000, 1, 0, 0), recorded(0, 0)]);
        kernel.respond(0, &bad);
        assert_eq!(disable(0x8002_0000), (-5, UNTOUCHED));
        assert_eq!(kernel.events(), [request(0x8002_0000, 1, 0, 0), recorded(0, 0)]);
    }
    // One that says that it is longer than its capacity holds it.
    for length in [[0x00, 0x14], [0x00, 0xa1], [0xff, 0xff]] {
        let mut odd = response(0x0010, 0x8002_0000);
        odd[0..2].copy_from_slice(&length);
        kernel.respond(0, &odd);
        assert_eq!(enable(0x0002_0000, false), (0, 0x8002_0000));
    }
    // z/VM is known to leave the bit in the handle of a disabled function; 0 is no handle.
    kernel.respond(0, &response(0x0010, 0x8002_0000));
    assert_eq!(disable(0x8002_0000), (0, 0x8002_0000));
    kernel.respond(0, &response(0x0010, 0));
    assert_eq!(disable(0x8002_0000), (-5, UNTOUCHED));
}

#[test]
fn a_busy_function_is_asked_until_the_kernel_gives_up() {
    let kernel = StandIn::new();
    let asked = || request(0x0002_0000, 0, 1, 0x1234_5600);
    for patience in [0, 3, 100] {
        kernel.patience(Kind::PauseSet, patience);
        for _ in 0..=patience {
            kernel.respond(0, &response(0x0108, 0));
        }
        assert_eq!(enable(0x0002_0000, false), (0x0108, 0x0002_0000));
        let mut expected: Vec<Event> = (1..=patience + 1).flat_map(|busy| [asked(), Event::PauseSet(busy)]).collect();
        expected.push(recorded(0x0108, 0));
        assert_eq!(kernel.events(), expected);
    }
    kernel.patience(Kind::PauseSet, 3);
    kernel.respond(0, &response(0x0108, 0));
    kernel.respond(0, &response(0x0108, 0));
    kernel.respond(0, &response(0x0010, 0x8002_0000));
    assert_eq!(enable(0x0002_0000, false), (0, 0x8002_0000));
}

#[test]
fn the_write_back_bit() {
    let kernel = StandIn::new();
    let mut response = vec![0; 128];
    response[0..4].copy_from_slice(&[0x00, 0x80, 0x00, 0x10]);
    for (byte, position) in [(0x80, 0), (0x87, 7), (0xbf, 63), (0xc7, 7), (0x3f, 64), (0, 64)] {
        response[80] = byte;
        kernel.respond(0, &response);
        assert_eq!(write_back(), position, "{byte:#x}");
        let mut block = vec![0; 32];
        block[0..4].copy_from_slice(&[0x00, 0x10, 0x00, 0x01]);
        block[16..18].copy_from_slice(&[0x00, 0x80]);
        assert_eq!(kernel.events(), [Event::Call { processor: 2, block }]);
    }
    // As QEMU answers.
    kernel.respond(0, &[0x00, 0x80, 0x00, 0x50]);
    assert_eq!(write_back(), -5);
    assert_eq!(kernel.events()[1..], [Event::Response { command: 1, code: 0x0050, condition: 0 }]);
}
