// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of fields against the structures, byte by byte.

use clp::field::{Kind, Layout, Rule, Word};
use clp::{list_pci, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc, wire};
use zerocopy::FromBytes;

/// Every byte belongs to one field.
fn covers_every_byte_once(layout: &Layout) {
    let mut seen = vec![0; layout.size];
    for field in layout.fields {
        seen[field.offset..field.offset + field.length].iter_mut().for_each(|count| *count += 1);
        assert!(field.length > 0 && field.length % field.elements == 0, "{}: {}", layout.title, field.name);
        if let Kind::Structure(inner) = field.kind {
            assert_eq!(field.length, inner.size * field.elements, "{}: {}", layout.title, field.name);
        }
        if let Some(word) = field.word {
            assert_eq!(field.length * 8, word.width, "{}: {}", layout.title, field.name);
        }
        let is_reserved = matches!(field.kind, Kind::Reserved);
        assert_eq!(is_reserved, field.rule == Rule::Zero, "{}: {}", layout.title, field.name);
        if let Rule::NotBelow(other) = field.rule {
            assert!(layout.field(other).is_some(), "{}: {other}", layout.title);
        }
    }
    assert!(seen.iter().all(|&count| count == 1), "{}: {seen:?}", layout.title);
}

/// No bit belongs to two parts, and parts ascend.
fn has_no_bit_twice(word: &Word) {
    let mut next = 0;
    for part in word.parts {
        assert!(part.first >= next && part.last >= part.first && part.last < word.width, "{}", part.name);
        next = part.last + 1;
    }
}

#[test]
fn every_byte_is_in_one_field() {
    for layout in wire::LAYOUTS {
        covers_every_byte_once(layout);
        layout.fields.iter().filter_map(|field| field.word).for_each(has_no_bit_twice);
    }
    assert_eq!(wire::LAYOUTS.iter().map(|layout| layout.fields.len()).sum::<usize>(), 94);
}

/// From `arch/s390/include/asm/pci_clp.h` of Linux, counted by hand.
#[test]
fn offsets_are_those_of_linux() {
    let expected = [
        ("struct clp_req_list_pci", "resume_token", 16, 8),
        ("struct clp_rsp_list_pci", "max_fn", 28, 2),
        ("struct clp_rsp_list_pci", "entry_size", 31, 1),
        ("struct clp_fh_list_entry", "device_id", 0, 2),
        ("struct clp_fh_list_entry", "fh", 12, 4),
        ("struct clp_rsp_query_pci", "vfn", 16, 2),
        ("struct clp_rsp_query_pci", "pfgid", 19, 1),
        ("struct clp_rsp_query_pci", "bar_size", 24, 6),
        ("struct clp_rsp_query_pci", "bar", 32, 24),
        ("struct clp_rsp_query_pci", "pfip", 56, 4),
        ("struct clp_rsp_query_pci", "sdma", 64, 8),
        ("struct clp_rsp_query_pci", "edma", 72, 8),
        ("struct clp_rsp_query_pci", "uid", 124, 4),
        ("struct clp_rsp_query_pci", "util_str", 128, 64),
        ("struct clp_rsp_query_pci", "mio", 256, 128),
        ("struct clp_rsp_query_pci_grp", "noi", 16, 2),
        ("struct clp_rsp_query_pci_grp", "dtsm", 24, 1),
        ("struct clp_rsp_query_pci_grp", "msia", 40, 8),
        ("struct clp_req_set_pci", "oc", 22, 1),
        ("struct clp_req_set_pci", "ndas", 23, 1),
        ("struct clp_req_set_pci", "gisa", 28, 4),
        ("struct clp_rsp_set_pci", "fh", 16, 4),
        ("struct clp_rsp_slpc_pci", "lpif", 32, 32),
        ("struct clp_rsp_slpc_pci", "lpic", 96, 32),
    ];
    for (structure, name, offset, length) in expected {
        let mut layouts = wire::LAYOUTS.iter().filter(|layout| layout.linux_name == Some(structure));
        let layout = layouts.next().unwrap_or_else(|| panic!("{structure}"));
        let field = layout.fields.iter().find(|field| field.linux_name == Some(name));
        let field = field.unwrap_or_else(|| panic!("{structure}: {name}"));
        assert_eq!((field.offset, field.length), (offset, length), "{structure}: {name}");
    }
}

/// A number with only the bits of a part set reads, by the accessor of the structure, as that part.
#[test]
fn bits_are_those_of_the_accessors() {
    let of = |word: &Word, name: &str| {
        let part = word.parts.iter().find(|part| part.name == name).unwrap_or_else(|| panic!("{name}"));
        (part.first, part.last)
    };
    assert_eq!(of(&query_pci_fn::FLAGS, "tid_available"), (2, 2));
    assert_eq!(of(&query_pci_fn::FLAGS, "rid_available"), (3, 3));
    assert_eq!(of(&query_pci_fn::FLAGS, "is_physical"), (4, 4));
    assert_eq!(of(&query_pci_fn::FLAGS, "mio_available"), (6, 6));
    assert_eq!(of(&query_pci_fn::FLAGS, "utility_string_available"), (7, 7));
    assert_eq!(of(&query_pci_fngrp::FLAGS, "relaxed_translation"), (2, 2));
    assert_eq!(of(&query_pci_fngrp::FLAGS, "refresh"), (7, 7));
    assert_eq!(of(&query_pci_fngrp::INTERRUPT_COUNT, "count"), (4, 15));
    assert_eq!(of(&query_pci_fngrp::STORE_BLOCK_LENGTH, "length"), (3, 15));
    assert_eq!(of(&list_pci::ENTRY_STATE, "configured"), (0, 0));
    assert_eq!(of(&slpc::WRITE_BACK, "position"), (2, 7));
    assert_eq!(query_pci_fn::FLAGS.reserved(), 0b1100_0100);
}

#[test]
fn rules_are_those_of_the_decoders() {
    let rule = |layout: &Layout, name| layout.field(name).map(|field| field.rule);
    assert_eq!(rule(&query_pci_fn::RESPONSE, "bar_size_log2"), Some(Rule::AtMost(63)));
    assert_eq!(rule(&query_pci_fn::RESPONSE, "end_dma"), Some(Rule::NotBelow("start_dma")));
    assert_eq!(rule(&set_pci_fn::REQUEST, "dma_address_spaces"), Some(Rule::AtMost(1)));
}

#[test]
fn entries_of_a_list() {
    let mut bytes = [0; 40];
    bytes[..4].copy_from_slice(&[0x10, 0x03, 0x1a, 0xf4]);
    bytes[16..20].copy_from_slice(&[0x00, 0x0d, 0x1b, 0x36]);
    let ids = |size| list_pci::entries(&bytes, size).map(|entry| entry.device.get()).collect::<Vec<_>>();
    assert_eq!(ids(16), [0x1003, 0x000d]);
    assert_eq!(ids(20), [0x1003, 0]);
    assert_eq!(ids(40), [0x1003]);
    assert_eq!(ids(41), [0; 0]);
    assert_eq!(ids(15), [0; 0]);
    assert_eq!(ids(0), [0; 0]);
}

#[test]
fn debug_is_in_hexadecimal() {
    let mut bytes = [0; 64];
    bytes[40] = 0xfe;
    bytes[19] = 1;
    let response = query_pci_fngrp::Response::read_from_bytes(&bytes).unwrap();
    let text = format!("{response:?}");
    assert!(text.contains("msi_address: 0xfe00000000000000") && text.contains("flags: 0x1"), "{text}");
    assert!(!text.contains("reserved"), "{text}");
}
