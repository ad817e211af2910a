// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities, byte for byte.
//!
//! The words are the chain of VFIO_DEVICE_GET_INFO as an s390x kernel has it, computed from the rules of
//! `include/uapi/linux/vfio_zdev.h`. A host has another order of bytes, so each field says how wide it is.

use zpci_glue::function::ForeignFunction;

use crate::binding::*;
use crate::byte_order::native;
use crate::chain::{collect, START};
use crate::sample::{GIB, QEMU};
use crate::stand_in::StandIn;

/// Returns the capabilities of `function`, each without the offset of the next one.
fn capabilities(function: &ForeignFunction, aperture: u64) -> Vec<Vec<u8>> {
    capabilities_with(function, aperture, 0, false)
}

/// The same by a kernel that has so many bytes of an error event for user space, in the versions that are only proposed if it
/// was configured to.
fn capabilities_with(function: &ForeignFunction, aperture: u64, error_event_size: u32, proposed: bool) -> Vec<Vec<u8>> {
    let _kernel = StandIn::new();
    // SAFETY: the function and the chain are valid.
    let (rc, calls, mut chain) = collect(u32::MAX, |chain| unsafe {
        shim_vfio_capabilities(function, aperture, error_event_size, i32::from(proposed), chain)
    });
    assert_eq!(rc, 0);
    let mut capabilities = Vec::new();
    while !chain.is_empty() {
        let done: usize = capabilities.iter().map(|it: &Vec<u8>| it.len().next_multiple_of(8)).sum();
        let next = u32::from_ne_bytes(chain[4..8].try_into().unwrap()) as usize;
        let size = if next == 0 { chain.len() } else { next - START - done };
        let mut capability: Vec<u8> = chain.drain(..size).collect();
        capability[4..8].fill(0);
        capabilities.push(capability);
    }
    assert_eq!(capabilities.len(), calls as usize);
    capabilities
}

fn utility_string() -> [u8; 64] {
    let mut string = [0x40; 64];
    string[..4].fill(0xc1);
    string
}

fn function() -> ForeignFunction {
    ForeignFunction {
        start_dma: 0x1_0000_0000,
        end_dma: 0x01ff_ffff_ffff_ffff,
        dasm: 0xffff_ffff_0000_0000,
        msi_address: 0xfe00_0000_0000_0000,
        id: 0x77,
        uid: 0x66,
        handle: 0x8001_0007,
        vfn: 1,
        pchid: 0x1c0,
        fmb_length: 64,
        max_interrupts: 64,
        max_store_block: 4096,
        measurement_interval: 1000,
        group: 7,
        function_type: 0x0a,
        designation_types: 0x70,
        version: 1,
        flags: ForeignFunction::REFRESH | ForeignFunction::UTILITY_STRING,
        internal_path: [1, 2, 3, 4],
        utility_string: utility_string(),
        ..QEMU
    }
}

const HEADER: [usize; 3] = [2, 2, 4];

#[test]
fn base() {
    let widths = [&HEADER[..], &[8, 8, 2, 2, 2, 1, 1, 4, 4]].concat();
    let expected = |last| {
        let words = format!(
            "00010002 00000000 00000001 00000000
             {last} 01c00001 00400a07
             80010007 00000000"
        );
        native(&words, &widths)
    };
    assert_eq!(capabilities(&function(), u64::MAX)[0], expected("01ffffff ffffffff"));
    // What may be used of the window, as it is registered.
    assert_eq!(capabilities(&function(), GIB)[0], expected("00000001 3fffffff"));
    // A function of which nothing can be used: the others alone.
    assert_eq!(capabilities(&function(), 0), capabilities(&function(), GIB)[1..]);
}

/// What is only proposed is behind what Linux reports, with the next version.
#[test]
fn proposed() {
    let of_linux = capabilities_with(&function(), u64::MAX, 32, false);
    let mut found = capabilities_with(&function(), u64::MAX, 32, true);
    let physical =
        ForeignFunction { flags: ForeignFunction::PHYSICAL | ForeignFunction::RELAXED_TRANSLATION, ..function() };
    let other = capabilities_with(&physical, u64::MAX, 32, true);
    for (index, size, version, new, of_physical) in [
        (0, 40, 4, native("00000066 00000000", &[4, 4]), native("00000066 00000001", &[4, 4])),
        (1, 48, 3, native("00000001 70000000", &[4, 1, 3]), native("00000002 70000000", &[4, 1, 3])),
    ] {
        assert_eq!(found[index][size..], new);
        assert_eq!(other[index][size..], of_physical);
        assert_eq!(found[index][2..4], u16::to_ne_bytes(version));
        found[index].truncate(size);
        found[index][2..4].copy_from_slice(&of_linux[index][2..4]);
    }
    assert_eq!(found, of_linux);
}

/// The third version says how long an error event is, and is otherwise the second.
#[test]
fn base_with_error_events() {
    let widths = [&HEADER[..], &[8, 8, 2, 2, 2, 1, 1, 4, 4]].concat();
    for (size, version, length) in
        [(32, "00010003", "00000020"), (0x0102_0304, "00010003", "01020304"), (0, "00010002", "00000000")]
    {
        let words = format!(
            "{version} 00000000 00000001 00000000
             01ffffff ffffffff 01c00001 00400a07
             80010007 {length}"
        );
        let found = capabilities_with(&function(), u64::MAX, size, false);
        assert_eq!(found[0], native(&words, &widths));
        assert_eq!(found[1..], capabilities(&function(), u64::MAX)[1..]);
    }
}

#[test]
fn group() {
    let widths = [&HEADER[..], &[8, 8, 8, 2, 2, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1]].concat();
    let words = "00020002 00000000 ffffffff 00000000
                 fe000000 00000000 00000000 00000001
                 03e80040 00800100 10000000 00000000";
    assert_eq!(capabilities(&function(), u64::MAX)[1], native(words, &widths));
    // A host without a hypervisor shadows the tables of its guests all the same.
    let hardware = ForeignFunction { flags: 0, ..function() };
    assert_eq!(capabilities(&hardware, u64::MAX)[1], native(words, &widths));
}

#[test]
fn utility_string_and_path() {
    let widths = [&HEADER[..], &[4], &[1; 64], &[1; 4]].concat();
    // What pads it to a multiple of 8 is zero.
    let words = format!("00030001 00000000 00000040 c1c1c1c1 {} 00000000", "40404040 ".repeat(15));
    assert_eq!(capabilities(&function(), u64::MAX)[2], native(&words, &widths));
    let widths = [&HEADER[..], &[4, 1, 1, 1, 1]].concat();
    let words = "00040001 00000000 00000004 01020304";
    assert_eq!(capabilities(&function(), u64::MAX)[3..], [native(words, &widths)]);
    let without = ForeignFunction { flags: ForeignFunction::REFRESH, ..function() };
    assert_eq!(capabilities(&without, u64::MAX)[2..], [native(words, &widths)]);
}

/// The first error of C ends it.
#[test]
fn c_takes_no_more() {
    let _kernel = StandIn::new();
    for accept in 0..4 {
        // SAFETY: the function and the chain are valid.
        let (rc, calls, _) =
            collect(accept, |chain| unsafe { shim_vfio_capabilities(&function(), u64::MAX, 0, 0, chain) });
        assert_eq!((rc, calls), (-12, accept + 1));
    }
}
