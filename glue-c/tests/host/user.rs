// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Commands of user space.

use crate::binding::*;
use crate::stand_in::{Event, StandIn};

fn call(processor: u8, page: &mut [u8; 4096]) -> i32 {
    // SAFETY: the page has 4096 bytes.
    unsafe { shim_user_call(processor, page.as_mut_ptr()) }
}

/// A page that asks for `command`, offers `room` bytes, and is 0xa5 elsewhere.
fn page(command: u8, room: u16) -> [u8; 4096] {
    let mut page = [0xa5; 4096];
    page[..32].fill(0);
    page[..4].copy_from_slice(&[0x00, 0x20, 0x00, command]);
    page[32..34].copy_from_slice(&room.to_be_bytes());
    page
}

#[test]
fn a_query_goes_to_the_machine_and_its_answer_back() {
    let kernel = StandIn::new();
    let mut asked = page(3, 64);
    let before = asked;
    // The response code is the user's business.
    for code in [0x10, 0x01] {
        kernel.respond(0, &[0x00, 0x40, 0x01, code, 0xee, 0xee]);
        assert_eq!(call(2, &mut asked), 0);
        assert_eq!(asked[32..39], [0x00, 0x40, 0x01, code, 0xee, 0xee, 0xa5]);
        assert_eq!(asked[..32], before[..32]);
        assert_eq!(asked[39..], before[39..]);
    }
    // What the machine is shown is what the user wrote.
    assert!(matches!(&kernel.events()[0], Event::Call { processor: 2, block } if block[..48] == before[..48]));
}

#[test]
fn a_command_that_was_not_executed() {
    let kernel = StandIn::new();
    for cc in 1..=3 {
        let mut asked = page(2, 64);
        let before = asked;
        kernel.respond(cc, &[0xee; 32]);
        assert_eq!(call(2, &mut asked), -95);
        assert_eq!(asked, before);
        assert!(matches!(kernel.events()[..], [Event::Call { .. }]));
    }
}

#[test]
fn nothing_that_changes_a_function_reaches_the_machine() {
    let kernel = StandIn::new();
    for (processor, command, room) in [(2, 5, 64), (2, 6, 64), (0, 2, 64), (1, 2, 64), (255, 3, 64), (2, 3, 4065)] {
        let mut asked = page(command, room);
        let before = asked;
        assert_eq!(call(processor, &mut asked), -22, "processor {processor}, command {command}");
        assert_eq!(asked, before);
    }
    assert_eq!(kernel.events(), []);
}

#[test]
fn installed_processors() {
    let kernel = StandIn::new();
    for (cc, rc, stored) in [(0, 0, 0xa000_0000_0000_0000), (1, -22, 0x55), (3, -22, 0x55)] {
        let mut installed = 0x55;
        kernel.result(cc, 0xa000_0000_0000_0000);
        // SAFETY: the number is valid.
        assert_eq!(unsafe { shim_user_installed(&mut installed) }, rc);
        assert_eq!(installed, stored);
        assert_eq!(kernel.events(), [Event::Immediate { command: 1 }]);
    }
}
