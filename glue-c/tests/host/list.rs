// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Listing and finding functions, also of machines that mean harm.

use crate::binding::*;
use crate::stand_in::{Event, StandIn};

/// The error number, and the functions that are new to the kernel: identifier, handle, whether configured.
pub(crate) fn list_new() -> (i32, Vec<(u32, u32, bool)>) {
    let (mut found, mut count) = ([[0; 3]; 128], 0);
    // SAFETY: there is room for as many, and the number is valid.
    let rc = unsafe { shim_list(found.as_mut_ptr().cast(), found.len() as u32, &mut count) };
    let found = found[..count as usize].iter().map(|&[id, handle, state]| (id, handle, state == 1));
    (rc, found.collect())
}

fn list() -> i32 {
    list_new().0
}

/// The error number, the handle and the state; the latter are 0xa5a5_a5a5 and true before.
fn find(id: u32) -> (i32, u32, bool) {
    let (mut handle, mut configured) = (0xa5a5_a5a5, true);
    // SAFETY: both are valid.
    let rc = unsafe { shim_find(id, &mut handle, &mut configured) };
    (rc, handle, configured)
}

/// An entry: device, vendor, whether configured, identifier, handle.
pub(crate) fn entry(vendor: u16, configured: bool, id: u32, handle: u32) -> [u8; 16] {
    let mut entry = [0; 16];
    entry[0..2].copy_from_slice(&[0x10, 0x03]);
    entry[2..4].copy_from_slice(&vendor.to_be_bytes());
    entry[4] = if configured { 0x80 } else { 0 };
    entry[8..12].copy_from_slice(&id.to_be_bytes());
    entry[12..16].copy_from_slice(&handle.to_be_bytes());
    entry
}

/// A response: header, token, most functions 16, no UID checking, entries of 16 bytes.
pub(crate) fn response(token: u64, entries: &[[u8; 16]]) -> Vec<u8> {
    let mut response = vec![0; 32];
    response[0..2].copy_from_slice(&(32 + 16 * entries.len() as u16).to_be_bytes());
    response[2..4].copy_from_slice(&[0x00, 0x10]);
    response[16..24].copy_from_slice(&token.to_be_bytes());
    response[28..30].copy_from_slice(&[0, 16]);
    response[31] = 16;
    response.extend(entries.concat());
    response
}

/// The request for the part of the list that starts at `token`, with room for 4064 bytes.
pub(crate) fn request(token: u64) -> Event {
    let mut block = vec![0; 48];
    block[0..4].copy_from_slice(&[0x00, 0x20, 0x00, 0x02]);
    block[16..24].copy_from_slice(&token.to_be_bytes());
    block[32..34].copy_from_slice(&[0x0f, 0xe0]);
    Event::Call { processor: 2, block }
}

pub(crate) fn listed(id: u32, handle: u32, configured: bool) -> Event {
    Event::Listed { id, handle, configured }
}

#[test]
fn functions_are_handed_out_in_order() {
    let kernel = StandIn::new();
    let mut first = response(0x77, &[entry(0x1af4, true, 1, 0x2_0000), entry(0, true, 9, 0x2_0009)]);
    // UIDs are unique.
    first[30] = 0x01;
    kernel.respond(0, &first);
    kernel.respond(0, &response(0x78, &[entry(0x1b36, false, 2, 0x2_0001), entry(0x1b36, true, 3, 0x2_0002)]));
    kernel.respond(0, &response(0, &[entry(0x1b36, true, 4, 0x2_0003)]));
    assert_eq!(list(), 0);
    // What was told last holds; it is told before the first function that comes with it, and not twice.
    let expected = [
        request(0),
        Event::UidChecking(true),
        listed(1, 0x2_0000, true),
        request(0x77),
        Event::UidChecking(false),
        listed(2, 0x2_0001, false),
        listed(3, 0x2_0002, true),
        request(0x78),
        listed(4, 0x2_0003, true),
    ];
    assert_eq!(kernel.events(), expected);
}

#[test]
fn a_machine_without_functions() {
    let kernel = StandIn::new();
    kernel.respond(0, &response(0, &[]));
    assert_eq!(list(), 0);
    assert_eq!(kernel.events(), [request(0), Event::UidChecking(false)]);
}

#[test]
fn a_function_is_found_by_its_identifier() {
    let kernel = StandIn::new();
    let entries = [entry(0x1af4, true, 1, 0x2_0000), entry(0x1b36, false, 0x22, 0x8002_0001)];
    for (id, expected) in [(1, (0, 0x2_0000, true)), (0x22, (0, 0x8002_0001, false)), (3, (-19, 0xa5a5_a5a5, true))] {
        kernel.respond(0, &response(0, &entries));
        assert_eq!(find(id), expected);
        assert_eq!(kernel.events(), [request(0), Event::UidChecking(false)]);
    }
}

/// Linux takes note of it in every list, and compares the identifier alone.
#[test]
fn finding_a_function_reports_whether_uids_are_unique() {
    let kernel = StandIn::new();
    let mut unique = response(0, &[entry(0, true, 1, 0x2_0000)]);
    unique[30] = 0x01;
    for (id, rc) in [(1, 0), (2, -19)] {
        kernel.respond(0, &unique);
        assert_eq!(find(id).0, rc);
        assert_eq!(kernel.events(), [request(0), Event::UidChecking(true)]);
    }
}

#[test]
fn a_command_that_fails_is_recorded() {
    let kernel = StandIn::new();
    let mut refused = response(0, &[]);
    refused[2..4].copy_from_slice(&[0x01, 0x06]);
    for (cc, response, code) in [(0, &refused[..], 0x0106), (1, &[], 0), (2, &[], 0), (3, &[], 0)] {
        let recorded = Event::Response { command: 2, code, condition: cc };
        kernel.respond(cc, response);
        assert_eq!(list(), -5);
        assert_eq!(kernel.events(), [request(0), recorded.clone()]);
        kernel.respond(cc, response);
        assert_eq!(find(1), (-5, 0xa5a5_a5a5, true));
        assert_eq!(kernel.events(), [request(0), recorded]);
    }
}

#[test]
fn silly_lengths_and_entry_sizes() {
    let kernel = StandIn::new();
    let good = response(0, &[entry(0x1af4, true, 1, 0x2_0000)]);
    for (offset, bytes) in [
        (31, &[0][..]),
        (31, &[8]),
        (31, &[15]),
        (0, &[0, 0]),
        (0, &[0, 8]),
        (0, &[0, 31]),
        (0, &[0x0f, 0xe1]),
        (0, &[0xff, 0xff]),
    ] {
        let mut bad = good.clone();
        bad[offset..offset + bytes.len()].copy_from_slice(bytes);
        kernel.respond(0, &bad);
        assert_eq!(list(), -5, "{bytes:x?} at {offset}");
        assert_eq!(kernel.events(), [request(0), Event::Response { command: 2, code: 0, condition: 0 }]);
        kernel.respond(0, &bad);
        assert_eq!(find(1), (-5, 0xa5a5_a5a5, true), "{bytes:x?} at {offset}");
        kernel.events();
    }
}

/// Nothing says that a machine fills its responses.
#[test]
fn a_machine_that_stores_one_entry_at_a_time() {
    let kernel = StandIn::new();
    let respond = || {
        for id in 1..=100 {
            let token = if id == 100 { 0 } else { u64::from(id) };
            kernel.respond(0, &response(token, &[entry(0x1af4, true, id, 0x2_0000 + id)]));
        }
    };
    respond();
    let expected: Vec<_> = (1..=100).map(|id| (id, 0x2_0000 + id, true)).collect();
    assert_eq!(list_new(), (0, expected));
    for (id, found) in [(100, (0, 0x2_0064, true)), (101, (-19, 0xa5a5_a5a5, true))] {
        respond();
        assert_eq!(find(id), found);
        assert_eq!(kernel.answers_left(), 0);
    }
}

fn calls(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Call { .. })).count()
}

#[test]
fn lists_that_do_not_end() {
    // A token that comes back at once, and one that comes back later.
    for (tokens, accepted) in [(&[5, 5][..], 1), (&[5, 6, 5], 2)] {
        let kernel = StandIn::new();
        for (token, id) in tokens.iter().zip(0..) {
            kernel.respond(0, &response(*token, &[entry(0x1af4, true, id, 0x2_0000 + id)]));
        }
        assert_eq!(list(), -5, "{tokens:?}");
        let events = kernel.events();
        assert_eq!(events.last(), Some(&Event::Response { command: 2, code: 0, condition: 0 }));
        let of_functions = events.iter().filter(|event| matches!(event, Event::Listed { .. }));
        let expected: Vec<Event> = (0..accepted).map(|id| listed(id, 0x2_0000 + id, true)).collect();
        assert!(of_functions.eq(&expected));
    }
    // Tokens that are new each time, with full responses and with empty ones.
    for entries in [&[entry(0x1af4, true, 1, 0x2_0000); 252][..], &[]] {
        let kernel = StandIn::new();
        for token in 1..=261 {
            kernel.respond(0, &response(token, entries));
        }
        assert_eq!(list(), -5);
        let events = kernel.events();
        assert_eq!(calls(&events), 261);
        assert_eq!(events.last(), Some(&Event::Response { command: 2, code: 0, condition: 0 }));
    }
}

/// Linux looks for a function with a spinlock held.
#[test]
fn finding_a_function_is_bounded() {
    let kernel = StandIn::new();
    // Each pass loses its place after sixty full responses.
    let mut unknown = response(0, &[]);
    unknown[2..4].copy_from_slice(&[0x01, 0x0a]);
    for command in 0..261 {
        let page = response(1 + command, &[entry(0x1af4, true, 1, 1); 252]);
        kernel.respond(0, if command % 61 == 60 { &unknown } else { &page });
    }
    assert_eq!(find(2), (-5, 0xa5a5_a5a5, true));
    let events = kernel.events();
    assert_eq!(calls(&events), 261);
    assert_eq!(events.last(), Some(&Event::Response { command: 2, code: 0, condition: 0 }));
    // One entry at a time.
    for token in 1..=65536 {
        kernel.respond(0, &response(token, &[entry(0x1af4, true, 1, 1)]));
    }
    assert_eq!(find(2), (-5, 0xa5a5_a5a5, true));
    assert_eq!(calls(&kernel.events()), 65536);
}
