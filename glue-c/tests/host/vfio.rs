// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities, byte for byte.
//!
//! The words are the chain of VFIO_DEVICE_GET_INFO as an s390x kernel has it, computed from the rules of
//! `include/uapi/linux/vfio_zdev.h`. A host has another order of bytes, so each field says how wide it is.

use zpci_glue::function::ForeignFunction;

use crate::binding::*;
use crate::byte_order::native;
use crate::sample::{GIB, QEMU};
use crate::stand_in::StandIn;

/// Capability `index`; nothing where it does not apply. The buffer beyond it is as it was.
fn capability(function: &ForeignFunction, aperture: u64, index: u32) -> Option<Vec<u8>> {
    let mut buffer = [0; 80];
    // SAFETY: the function is valid and the buffer has this room.
    let size = unsafe { shim_capability(function, aperture, index, buffer.as_mut_ptr()) };
    let (capability, beyond) = buffer.split_at(usize::try_from(size).expect("not past the last capability"));
    assert!(beyond.iter().all(|byte| *byte == 0xa5));
    (size != 0).then(|| capability.to_vec())
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
    let _kernel = StandIn::new();
    let widths = [&HEADER[..], &[8, 8, 2, 2, 2, 1, 1, 4, 4]].concat();
    let expected = |last| {
        let words = format!(
            "00010002 00000000 00000001 00000000
             {last} 01c00001 00400a07
             80010007 00000000"
        );
        Some(native(&words, &widths))
    };
    assert_eq!(capability(&function(), u64::MAX, 0), expected("01ffffff ffffffff"));
    // What may be used of the window, as it is registered.
    assert_eq!(capability(&function(), GIB, 0), expected("00000001 3fffffff"));
    // A function of which nothing can be used.
    assert_eq!(capability(&function(), 0, 0), None);
}

#[test]
fn group() {
    let _kernel = StandIn::new();
    let widths = [&HEADER[..], &[8, 8, 8, 2, 2, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1]].concat();
    let words = "00020002 00000000 ffffffff 00000000
                 fe000000 00000000 00000000 00000001
                 03e80040 00800100 10000000 00000000";
    assert_eq!(capability(&function(), u64::MAX, 1), Some(native(words, &widths)));
    // A host without a hypervisor shadows the tables of its guests all the same.
    let hardware = ForeignFunction { flags: 0, ..function() };
    assert_eq!(capability(&hardware, u64::MAX, 1), Some(native(words, &widths)));
}

#[test]
fn utility_string_and_path() {
    let _kernel = StandIn::new();
    let widths = [&HEADER[..], &[4], &[1; 64]].concat();
    let words = format!("00030001 00000000 00000040 c1c1c1c1 {}", "40404040 ".repeat(15));
    assert_eq!(capability(&function(), u64::MAX, 2), Some(native(&words, &widths)));
    let without = ForeignFunction { flags: ForeignFunction::REFRESH, ..function() };
    assert_eq!(capability(&without, u64::MAX, 2), None);

    let widths = [&HEADER[..], &[4, 1, 1, 1, 1]].concat();
    let words = "00040001 00000000 00000004 01020304";
    assert_eq!(capability(&function(), u64::MAX, 3), Some(native(words, &widths)));
    assert_eq!(capability(&without, u64::MAX, 3), Some(native(words, &widths)));
}

#[test]
fn past_the_last_capability() {
    let _kernel = StandIn::new();
    for index in [4, 5, u32::MAX] {
        let mut buffer = [0; 80];
        // SAFETY: the function is valid and the buffer has this room.
        assert_eq!(unsafe { shim_capability(&function(), u64::MAX, index, buffer.as_mut_ptr()) }, -1);
        assert_eq!(buffer, [0xa5; 80]);
    }
}
