// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Error events: every bit of a block, and every code.

use clp::{FunctionHandle, FunctionId};
use s390_iommu::{ErrorAccess, ErrorEvent, EventCode, Iova, Severity};
use zerocopy::{FromBytes, IntoBytes};

/// Every field in its place, and nothing else.
#[test]
fn fields() {
    let bytes = [
        0xa0, 0xa1, 0xa2, 0xa3, 0x80, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x10, 0x00, 0x00, 0x00, 0x11, 0x12,
        0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0x12, 0x34,
    ];
    let event = ErrorEvent::read_from_bytes(&bytes).unwrap();
    assert_eq!(event.handle(), FunctionHandle(0x8002_0304));
    assert_eq!(event.id(), FunctionId(0x0506_0708));
    assert_eq!(event.iova(), Iova::new(0x1112_1314_1516_1718));
    assert_eq!(event.code(), EventCode(0x1234));
    assert_eq!(event.reserved_0.get(), 0xa0a1_a2a3);
    assert_eq!((event.reserved_24.get(), event.reserved_28.get()), (0xb0b1_b2b3, 0xb4b5));
    assert_eq!(event.as_bytes(), bytes);

    let made = ErrorEvent::new(event.handle(), event.id(), event.code(), event.iova());
    let mut expected = bytes;
    expected[..4].fill(0);
    expected[12..16].fill(0);
    expected[24..30].fill(0);
    assert_eq!(made.as_bytes(), expected);
}

/// Bits are counted from the highest.
#[test]
fn access() {
    let none = ErrorAccess::new();
    for (bits, expected) in [
        (0xf000_0000, none.with_expected_table_type(0xf)),
        (0x0fff_0000, none.with_message(0xfff)),
        (0x0000_ff00, none.with_address_space(0xff)),
        (0x0000_0002, none.with_qualifier(true)),
        (0x0000_0001, none.with_read_write(true)),
    ] {
        assert_eq!(ErrorAccess::from_bits(bits), expected);
        assert_eq!(expected.into_bits(), bits);
    }
}

/// The numbers as the sources have them, and which of all 65536 are no recoverable error.
#[test]
fn codes() {
    let known: [u16; 22] = [
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x2a, 0x2b, 0x2c,
        0x30, 0x3a, 0x3b, 0x40,
    ];
    for code in 0..=u16::MAX {
        assert_eq!(EventCode(code).meaning().is_some(), known.contains(&code), "{code:#x}");
        let severity = match code {
            0x2a..=0x2c => Severity::Notice,
            0x3b | 0x40 => Severity::Permanent,
            _ => Severity::Recoverable,
        };
        assert_eq!(EventCode(code).severity(), severity, "{code:#x}");
    }
}

#[test]
fn names() {
    for (code, text) in [
        (0x02, "0x2 (outside of the registered aperture)"),
        (0x04, "0x4 (translation refused)"),
        (0x3b, "0x3b (permanent error)"),
        (0x0301, "0x301 (error)"),
    ] {
        assert_eq!(EventCode(code).to_string(), text);
    }
}

fn recorded(text: &str) -> ErrorEvent {
    let bytes: Vec<u8> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
    ErrorEvent::read_from_bytes(&bytes).unwrap()
}

/// What `VFIO_DEVICE_FEATURE_ZPCI_ERROR` of a stock Linux 7.3.4 handed out under QEMU 10.0.2, when an NVMe controller
/// wrote below its aperture, and to an address in it that was not mapped.
#[test]
fn from_a_kernel() {
    let (handle, id) = (FunctionHandle(0x8002_0000), FunctionId(0x200));
    for (text, code, iova) in [
        ("0000000080020000000002000000000000000000fffff0000000000000000002", EventCode::OUTSIDE_APERTURE, 0xffff_f000),
        (
            "0000000080020000000002000000000000000001001000000000000000000004",
            EventCode::TRANSLATION_PROTECTION,
            0x1_0010_0000,
        ),
    ] {
        let event = recorded(text);
        assert_eq!((event.handle(), event.id(), event.code(), event.iova().get()), (handle, id, code, iova));
        assert_eq!(event.access(), ErrorAccess::new());
        assert_eq!(event, ErrorEvent::new(handle, id, code, Iova::new(iova)));
        assert_eq!(code.severity(), Severity::Recoverable);
    }
    let text = "0000000080020000000002000000000000000001001000000000000000000004";
    assert_eq!(recorded(text).to_string(), "event 0x4 (translation refused) at IOVA 0x100100000");
}
