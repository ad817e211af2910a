// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Querying a function and its group: every field that crosses, from literal bytes.

use zpci_glue::function::ForeignFunction;

use crate::binding::*;
use crate::stand_in::{Event, StandIn};

/// Queries; the error number, and what was stored over 0xa5.
fn query(handle: u32) -> (i32, ForeignFunction) {
    let mut function = crate::sample::QEMU;
    // SAFETY: the function is valid; whatever bytes it is filled with are numbers.
    let rc = unsafe { shim_query(0x1112_1314, handle, &mut function) };
    (rc, function)
}

/// Nothing of the function was stored.
fn is_untouched(function: &ForeignFunction) -> bool {
    let ForeignFunction { start_dma, handle, flags, reserved, utility_string, .. } = function;
    *start_dma == 0xa5a5_a5a5_a5a5_a5a5
        && *handle == 0xa5a5_a5a5
        && *flags == 0xa5
        && *reserved == [0xa5; 4]
        && *utility_string == [0xa5; 64]
}

fn with(mut bytes: Vec<u8>, parts: &[(usize, &[u8])]) -> Vec<u8> {
    for (offset, part) in parts {
        bytes[*offset..*offset + part.len()].copy_from_slice(part);
    }
    bytes
}

/// A response to QUERY PCI FN of 384 bytes, with something else in each field.
pub(crate) fn function_response() -> Vec<u8> {
    with(
        vec![0; 384],
        &[
            (0, &[0x01, 0x80, 0x00, 0x10]),
            (16, &[0x01, 0x02]),
            // Topology and routing identifier, physical function, MIO addresses, utility string.
            (18, &[0x3b]),
            (19, &[0x07]),
            (20, &[0x11, 0x12, 0x13, 0x14]),
            (24, &[6, 12, 0, 63, 14, 0]),
            (30, &[0x01, 0xc0]),
            (32, &[0x01, 0, 0, 0, 0x44, 0x33, 0x22, 0x11]),
            (52, &[0x0c, 0, 0, 0x80]),
            (56, &[1, 2, 3, 4]),
            (60, &[0x21]),
            (61, &[0xf9]),
            (62, &[16]),
            (63, &[0x0a]),
            (64, &[0, 0, 0, 1, 0, 0, 0, 0]),
            (72, &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (80, &[0x23, 0x24]),
            (86, &[0x25, 0x26]),
            (124, &[0x31, 0x32, 0x33, 0x34]),
            (128, &[0xc1; 64]),
            // BARs 0, 3 and 4.
            (256, &[0b1001_1000]),
            (264, &[0x40, 0, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 2]),
            (280, &[0xee; 16]),
            (312, &[0x40, 0, 0, 0, 0, 0, 3, 1, 0x80, 0, 0, 0, 0, 0, 3, 2]),
            (328, &[0x40, 0, 0, 0, 0, 0, 4, 1, 0x80, 0, 0, 0, 0, 0, 4, 2]),
        ],
    )
}

/// A response to QUERY PCI FNGRP of 64 bytes, with something else in each field.
pub(crate) fn group_response() -> Vec<u8> {
    with(
        vec![0; 64],
        &[
            (0, &[0x00, 0x40, 0x00, 0x10]),
            (16, &[0xf0, 0x40]),
            (18, &[1]),
            // Relaxed translation and refresh.
            (19, &[0x21]),
            (20, &[0xf0, 0x00]),
            (22, &[0x03, 0xe8]),
            (24, &[0x70]),
            (32, &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
            (40, &[0xfe, 0, 0, 0, 0, 0, 0, 0]),
        ],
    )
}

fn request(command: u8, parts: &[(usize, &[u8])]) -> Event {
    let block = with(with(vec![0; 48], &[(0, &[0x00, 0x20, 0x00, command])]), parts);
    Event::Call { processor: 2, block }
}

#[test]
fn every_field() {
    let kernel = StandIn::new();
    kernel.respond(0, &function_response());
    kernel.respond(0, &group_response());
    let (rc, function) = query(0x8001_0007);
    assert_eq!(rc, 0);
    assert_eq!(
        kernel.events(),
        [
            request(3, &[(16, &[0x80, 0x01, 0x00, 0x07]), (32, &[0x01, 0x80])]),
            request(4, &[(19, &[0x07]), (32, &[0x00, 0x40])]),
        ]
    );
    let ForeignFunction {
        start_dma,
        end_dma,
        dasm,
        msi_address,
        mio_write_back,
        mio_write_through,
        id,
        uid,
        handle,
        gisa,
        bars,
        vfn,
        pchid,
        fmb_length,
        rid,
        tid,
        max_interrupts,
        max_store_block,
        measurement_interval,
        group,
        function_type,
        port,
        fidparm,
        designation_types,
        version,
        mio_bars,
        flags,
        bar_size_log2,
        internal_path,
        directed_interrupts,
        roots,
        reserved,
        utility_string,
    } = function;
    assert_eq!((start_dma, end_dma), (0x1_0000_0000, 0x01ff_ffff_ffff_ffff));
    assert_eq!((dasm, msi_address), (0xffff_ffff_0000_0000, 0xfe00_0000_0000_0000));
    assert_eq!(mio_write_back, [0x4000_0000_0000_0001, 0, 0, 0x4000_0000_0000_0301, 0x4000_0000_0000_0401, 0]);
    assert_eq!(mio_write_through, [0x8000_0000_0000_0002, 0, 0, 0x8000_0000_0000_0302, 0x8000_0000_0000_0402, 0]);
    assert_eq!((id, uid, handle, gisa), (0x1112_1314, 0x3132_3334, 0x8001_0007, 0));
    assert_eq!(bars, [0x0000_0001, 0x1122_3344, 0, 0, 0, 0x8000_000c]);
    assert_eq!((vfn, pchid, fmb_length, rid, tid), (0x0102, 0x01c0, 64, 0x2324, 0x2526));
    assert_eq!((max_interrupts, max_store_block, measurement_interval), (64, 4096, 1000));
    assert_eq!((group, function_type, port, fidparm), (7, 0x0a, 9, 0x21));
    assert_eq!((designation_types, version, mio_bars), (0x70, 1, 0b01_1001));
    assert_eq!(flags, 0x7f);
    assert_eq!(bar_size_log2, [6, 12, 0, 63, 14, 0]);
    assert_eq!((internal_path, utility_string), ([1, 2, 3, 4], [0xc1; 64]));
    assert_eq!((directed_interrupts, roots, reserved), (0, 0xff, [0; 4]));
}

#[test]
fn every_flag_by_itself() {
    let kernel = StandIn::new();
    for (function_flag, group_flag, expected) in [
        (0, 0, 0),
        (0x08, 0, 0x01),
        (0x10, 0, 0x02),
        (0x20, 0, 0x04),
        (0x01, 0, 0x08),
        (0x02, 0, 0x10),
        (0, 0x01, 0x20),
        (0, 0x20, 0x40),
        (0xc4, 0xde, 0),
    ] {
        kernel.respond(0, &with(function_response(), &[(18, &[function_flag])]));
        kernel.respond(0, &with(group_response(), &[(19, &[group_flag])]));
        let (rc, function) = query(0x8001_0007);
        assert_eq!((rc, function.flags), (0, expected), "{function_flag:#x} {group_flag:#x}");
        // A field that is not valid does not cross.
        let valid = |flag: u8| expected & flag != 0;
        assert_eq!(function.rid, if valid(0x02) { 0x2324 } else { 0 });
        assert_eq!(function.tid, if valid(0x04) { 0x2526 } else { 0 });
        assert_eq!(function.utility_string, if valid(0x08) { [0xc1; 64] } else { [0; 64] });
        assert_eq!(function.mio_bars, if valid(0x10) { 0b01_1001 } else { 0 });
        assert_eq!(function.mio_write_back[0], if valid(0x10) { 0x4000_0000_0000_0001 } else { 0 });
    }
}

#[test]
fn a_short_response_as_qemu_stores_it() {
    let kernel = StandIn::new();
    // Up to the utility string, and without it.
    for (length, flags) in [([0x00, 0xc0], 0x0f), ([0x00, 0x80], 0x07)] {
        kernel.respond(0, &with(function_response(), &[(0, &length)]));
        kernel.respond(0, &with(group_response(), &[(19, &[0])]));
        let (rc, function) = query(0x8001_0007);
        assert_eq!((rc, function.flags, function.mio_bars, function.uid), (0, flags, 0, 0x3132_3334));
    }
}

/// Linux does not look at the length that firmware stores; one beyond what was offered is no reason to lose a function.
#[test]
fn a_response_that_says_that_it_is_longer_than_offered() {
    let kernel = StandIn::new();
    for length in [[0x01, 0x81], [0xff, 0xff]] {
        kernel.respond(0, &with(function_response(), &[(0, &length)]));
        kernel.respond(0, &with(group_response(), &[(0, &length)]));
        let (rc, function) = query(0x8001_0007);
        assert_eq!((rc, function.flags, function.mio_bars, function.uid), (0, 0x7f, 0b01_1001, 0x3132_3334));
    }
}

#[test]
fn answers_that_cannot_be() {
    let kernel = StandIn::new();
    for (offset, bytes, code) in [
        // Lengths: nothing, too little.
        (0, &[0x00, 0x00][..], 0),
        (0, &[0x00, 0x7f], 0),
        // Another function than the one that was listed.
        (20, &[0x11, 0x12, 0x13, 0x15], 0),
        // A BAR of 2^64 bytes, in the first and in the last place.
        (24, &[64], 0),
        (29, &[255], 0),
        // DMA addresses that end before they start.
        (72, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], 0),
        // A handle that the machine does not know.
        (2, &[0x01, 0x01], 0x0101),
        (2, &[0x00, 0x00], 0),
    ] {
        kernel.respond(0, &with(function_response(), &[(offset, bytes)]));
        let (rc, function) = query(0x8001_0007);
        assert_eq!(rc, -5, "{bytes:x?} at {offset}");
        assert!(is_untouched(&function));
        assert_eq!(kernel.events()[1..], [Event::Response { command: 3, code, condition: 0 }]);
    }
    for (offset, bytes, code) in [(0, &[0x00, 0x2f][..], 0), (2, &[0x01, 0x0b], 0x010b)] {
        kernel.respond(0, &function_response());
        kernel.respond(0, &with(group_response(), &[(offset, bytes)]));
        let (rc, function) = query(0x8001_0007);
        assert_eq!(rc, -5, "{bytes:x?} at {offset}");
        assert!(is_untouched(&function));
        assert_eq!(kernel.events()[2..], [Event::Response { command: 4, code, condition: 0 }]);
    }
    for cc in 1..=3 {
        kernel.respond(cc, &[]);
        let (rc, function) = query(0x8001_0007);
        assert_eq!(rc, -5);
        assert!(is_untouched(&function));
        assert_eq!(kernel.events()[1..], [Event::Response { command: 3, code: 0, condition: cc }]);
    }
}
