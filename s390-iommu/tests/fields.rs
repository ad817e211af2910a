// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of fields against the structures, byte by byte and bit by bit.

use clp::field::{Kind, Layout, Rule, Word};
use s390_iommu::{
    vfio, Fib, InterruptWord, Iota, MeasurementBlock, PageEntry, RegionEntry, SegmentEntry, FIB, INTERRUPT_WORD, IOTA,
    LAYOUTS, PAGE_ENTRY, REGION_ENTRY, SEGMENT_ENTRY, WORDS,
};

fn covers_every_byte_once(layout: &Layout) {
    let mut seen = vec![0; layout.size];
    for field in layout.fields {
        let what = format!("{}: {}", layout.title, field.name);
        seen[field.offset..field.offset + field.length].iter_mut().for_each(|count| *count += 1);
        assert!(field.length > 0 && field.length % field.elements == 0, "{what}");
        if let Kind::Structure(inner) = field.kind {
            assert_eq!(field.length, inner.size * field.elements, "{what}");
        }
        if let Some(word) = field.word {
            assert_eq!(field.length * 8, word.width, "{what}");
            has_no_bit_twice(word);
        }
        assert_eq!(matches!(field.kind, Kind::Reserved), field.rule == Rule::Zero, "{what}");
        if let Rule::NotBelow(other) = field.rule {
            assert!(layout.field(other).is_some(), "{what}: {other}");
        }
    }
    assert!(seen.iter().all(|&count| count == 1), "{}: {seen:?}", layout.title);
}

fn has_no_bit_twice(word: &Word) {
    let mut next = 0;
    for part in word.parts {
        assert!(part.first >= next && part.last >= part.first && part.last < word.width, "{}", part.name);
        next = part.last + 1;
    }
}

#[test]
fn every_byte_is_in_one_field() {
    LAYOUTS.iter().chain(&vfio::LAYOUTS).for_each(|layout| covers_every_byte_once(layout));
    WORDS.iter().for_each(|word| has_no_bit_twice(word));
    let layouts = LAYOUTS.iter().chain(&vfio::LAYOUTS).chain(&clp::wire::LAYOUTS).map(|layout| layout.title);
    let mut titles: Vec<&str> = layouts.chain(WORDS.iter().map(|word| word.title)).collect();
    titles.sort_unstable();
    assert!(titles.windows(2).all(|pair| pair[0] != pair[1]), "{titles:?}");
}

/// From `arch/s390/include/asm/pci_insn.h`, `pci.h` and `include/uapi/linux/vfio_zdev.h`, counted by hand.
#[test]
fn offsets_are_those_of_linux() {
    let expected = [
        ("struct zpci_fib", "fmt", 0, 1),
        ("struct zpci_fib", "fc", 8, 1),
        ("struct zpci_fib", "pba", 16, 8),
        ("struct zpci_fib", "pal", 24, 8),
        ("struct zpci_fib", "iota", 32, 8),
        ("struct zpci_fib", "fmb_addr", 64, 8),
        ("struct zpci_fib", "gd", 76, 4),
        // DIBVO is of `struct zpci_fib_fmt1`: the upper half of its second word.
        ("struct zpci_fib_fmt0", "dibvo", 4, 2),
        ("struct zpci_fib_fmt0", "aibv", 8, 8),
        ("struct zpci_fib_fmt0", "aisb", 16, 8),
        ("struct zpci_ccdf_err", "fh", 4, 4),
        ("struct zpci_ccdf_err", "faddr", 16, 8),
        ("struct zpci_ccdf_err", "pec", 30, 2),
        ("struct zpci_ccdf_avail", "fid", 8, 4),
        ("struct zpci_ccdf_avail", "pec", 30, 2),
        ("struct zpci_fmb", "samples", 4, 4),
        ("struct zpci_fmb", "rpcit_ops", 40, 8),
        ("struct vfio_device_info_cap_zpci_base", "gid", 31, 1),
        ("struct vfio_device_info_cap_zpci_base", "fh", 32, 4),
        ("struct vfio_device_info_cap_zpci_group", "maxstbl", 36, 2),
        ("struct vfio_device_info_cap_zpci_group", "imaxstbl", 40, 2),
        ("struct vfio_device_info", "cap_offset", 16, 4),
    ];
    for (structure, name, offset, length) in expected {
        let mut layouts = LAYOUTS.iter().chain(&vfio::LAYOUTS);
        let layout =
            layouts.find(|layout| layout.linux_name == Some(structure)).unwrap_or_else(|| panic!("{structure}"));
        let field = layout.fields.iter().find(|field| field.linux_name == Some(name));
        let field = field.unwrap_or_else(|| panic!("{structure}: {name}"));
        assert_eq!((field.offset, field.length), (offset, length), "{structure}: {name}");
    }
}

/// What the table reads of a number is what the accessors of the structure read.
#[test]
fn bits_are_those_of_the_accessors() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..1000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let of = |word: &Word, name: &str| {
            let part = word.parts.iter().find(|part| part.name == name).unwrap_or_else(|| panic!("{name}"));
            word.value(part, if word.width == 32 { state & 0xffff_ffff } else { state })
        };
        let region = RegionEntry::from_bits(state);
        assert_eq!(of(&REGION_ENTRY, "origin") << 14, region.origin().get());
        assert_eq!(of(&REGION_ENTRY, "table_length"), u64::from(region.table_length()));
        assert_eq!(of(&REGION_ENTRY, "table_type"), u64::from(region.table_type()));
        assert_eq!(of(&REGION_ENTRY, "table_offset"), u64::from(region.table_offset()));
        assert_eq!(of(&REGION_ENTRY, "invalid"), u64::from(region.invalid()));
        assert_eq!(of(&REGION_ENTRY, "protected"), u64::from(region.protected()));
        let segment = SegmentEntry::from_bits(state);
        assert_eq!(of(&SEGMENT_ENTRY, "origin") << 11, segment.origin().get());
        assert_eq!(of(&SEGMENT_ENTRY, "frame_mapped"), u64::from(segment.frame_mapped()));
        assert_eq!(of(&SEGMENT_ENTRY, "invalid"), u64::from(segment.invalid()));
        let page = PageEntry::from_bits(state);
        assert_eq!(of(&PAGE_ENTRY, "frame") << 12, page.frame().get());
        assert_eq!(of(&PAGE_ENTRY, "invalid"), u64::from(page.invalid()));
        assert_eq!(of(&PAGE_ENTRY, "protected"), u64::from(page.protected()));
        let iota = Iota::from_bits(state);
        assert_eq!(of(&IOTA, "origin") << 12, iota.origin().get());
        assert_eq!(of(&IOTA, "designation_type"), u64::from(iota.designation_type()));
        assert_eq!(of(&IOTA, "translation"), u64::from(iota.translation()));
        let word = InterruptWord::from_bits(state as u32);
        assert_eq!(of(&INTERRUPT_WORD, "count"), u64::from(word.count()));
        assert_eq!(of(&INTERRUPT_WORD, "subclass"), u64::from(word.subclass()));
        assert_eq!(of(&INTERRUPT_WORD, "summary_offset"), u64::from(word.summary_offset()));
    }
    // As the architecture counts: an anchor has T in bit 52 and DT in bits 59 to 61.
    let at =
        |word: &Word, name: &str| word.parts.iter().find(|part| part.name == name).map(|part| (part.first, part.last));
    assert_eq!(at(&IOTA, "translation"), Some((52, 52)));
    assert_eq!(at(&IOTA, "designation_type"), Some((59, 61)));
    assert_eq!(at(&PAGE_ENTRY, "invalid"), Some((53, 53)));
    assert_eq!(at(&REGION_ENTRY, "invalid"), Some((58, 58)));
}

#[test]
fn counters_have_names_where_they_are_known() {
    assert_eq!(MeasurementBlock::counters(1), ["rx_bytes", "rx_packets", "tx_bytes", "tx_packets"]);
    assert_eq!(MeasurementBlock::counters(4), [""; 0]);
}

#[test]
fn debug_is_in_hexadecimal() {
    let fib = Fib { iota: 0x2_4804.into(), ..Fib::ZERO };
    assert!(format!("{fib:?}").contains("iota: 0x24804"), "{fib:?}");
    assert_eq!(FIB.size, 80);
    let gap = vfio::GapEntry { start: 0xfe00_0000_0000_0000, end: u64::MAX, reasons: 1, reserved: 0 };
    assert_eq!(format!("{gap:?}"), "GapEntry { start: 0xfe00000000000000, end: 0xffffffffffffffff, reasons: 0x1 }");
}
