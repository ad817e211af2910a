// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Fields that QEMU leaves zero: bytes made by hand from the layouts in Linux, against literal values.

use clp::{
    immediate, mio, query_pci_fn, query_pci_fngrp, slpc, Bar, Characteristics, CharacteristicsError, DesignationTypes,
    Function, FunctionError, FunctionGroup, FunctionGroupError, FunctionGroupId, FunctionHandle, FunctionId,
    FunctionState, FunctionType, InstalledProcessors, ListEntry, LogicalProcessor, MioBar, Received, Uid,
    UtilityString, WireResponse,
};
use zerocopy::{FromBytes, IntoBytes};

/// A virtual function of a network adapter with everything that a response can hold, 384 bytes.
pub(crate) fn full_function() -> (Vec<u8>, Function) {
    let mut bytes = vec![0; 384];
    let mut put = |offset: usize, value: &[u8]| bytes[offset..offset + value.len()].copy_from_slice(value);
    put(0, &[0x01, 0x80, 0x00, 0x10]);
    put(16, &[0x01, 0x02]); // vfn
    put(18, &[0x20 | 0x10 | 0x08 | 0x02 | 0x01]); // TID, RID, physical, MIO, utility string
    put(19, &[0x07]); // group
    put(20, &[0x00, 0x00, 0x0a, 0xbc]); // FID
    put(24, &[20, 0, 63, 1, 0, 12]); // sizes
    put(30, &[0x01, 0xc0]); // PCHID
    put(32, &[0x0c, 0x00, 0x00, 0x40]); // BAR 0: 64-bit, prefetchable
    put(36, &[0x01, 0x00, 0x00, 0x00]); // its upper half
    put(40, &[0x04, 0x00, 0x00, 0x80]);
    put(56, &[1, 2, 3, 4]); // internal path
    put(60, &[0x01, 0xf2, 0x10, 0x0c]); // parameter, port with reserved bits, measurement block, type
    put(64, &[0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00]);
    put(72, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    put(80, &[0x12, 0x34]); // RID
    put(86, &[0x56, 0x78]); // TID
    put(124, &[0x00, 0x01, 0x00, 0x02]); // UID
    put(128, &[0xc5, 0xe3, 0xc8, 0xf0]); // "ETH0"
    put(132, &[0x40; 60]);
    put(256, &[0x80 | 0x04, 0, 0, 0, 0, 0, 0, 0]); // MIO of BAR 0 and BAR 5
    put(264, &[0x80, 0, 0, 0, 0, 0, 0x10, 0x00]);
    put(272, &[0x40, 0, 0, 0, 0, 0, 0x20, 0x00]);
    put(280, &[0xee; 64]); // BAR 1 to 4: not valid
    put(344, &[0x80, 0, 0, 0, 0, 0, 0x30, 0x00]);
    put(352, &[0x40, 0, 0, 0, 0, 0, 0x40, 0x00]);
    let mut utility_string = [0x40; 64];
    utility_string[..4].copy_from_slice(&[0xc5, 0xe3, 0xc8, 0xf0]);
    let function = Function {
        id: FunctionId(0xabc),
        uid: Uid(0x10002),
        group: FunctionGroupId(7),
        function_type: FunctionType::NETH,
        is_physical: true,
        vfn: 0x0102,
        pchid: 0x01c0,
        port: 2,
        internal_path: [1, 2, 3, 4],
        fidparm: 1,
        rid: Some(0x1234),
        tid: Some(0x5678),
        bars: [
            Bar::new([0x0c, 0, 0, 0x40], 20).unwrap(),
            Bar::new([1, 0, 0, 0], 0).unwrap(),
            Bar::new([4, 0, 0, 0x80], 63).unwrap(),
            Bar::new([0; 4], 1).unwrap(),
            Bar::ABSENT,
            Bar::new([0; 4], 12).unwrap(),
        ],
        mio: Some([
            Some(MioBar { write_back: 0x8000_0000_0000_1000, write_through: 0x4000_0000_0000_2000 }),
            None,
            None,
            None,
            None,
            Some(MioBar { write_back: 0x8000_0000_0000_3000, write_through: 0x4000_0000_0000_4000 }),
        ]),
        start_dma: 0x1_0000_0000,
        end_dma: u64::MAX,
        fmb_length: 64,
        utility_string: Some(UtilityString(utility_string)),
    };
    (bytes, function)
}

fn decode(bytes: &[u8]) -> Result<Function, FunctionError> {
    Function::decode(&Received::<query_pci_fn::Response>::parse(bytes).unwrap())
}

#[test]
fn function_with_everything() {
    let (mut bytes, function) = full_function();
    assert_eq!(decode(&bytes), Ok(function));
    // What is reserved or not valid is written as zero.
    bytes[61] = 0x02;
    bytes[280..344].fill(0);
    let mut room = [0xa5; 384];
    assert_eq!(function.encode().unwrap().emit(&mut room), Ok(384));
    assert_eq!(room, *bytes);

    assert_eq!(function.bars[0].register(), 0x4000_000c);
    assert_eq!(function.bars[0].size(), Some(0x10_0000));
    assert_eq!(function.bars[1].register(), 1);
    assert_eq!(function.bars[1].size(), None);
    assert!(!function.bars[1].is_present());
    assert_eq!(function.bars[2].size(), Some(1 << 63));
    assert_eq!(function.bars[2].size_log2(), 63);
    assert_eq!(function.bars[3].size(), Some(2));
    assert_eq!(function.utility_string.unwrap().to_string(), "ETH0");
}

#[test]
fn each_flag_of_a_function_guards_its_field() {
    let (mut bytes, all) = full_function();
    for flags in 0..=0xff {
        bytes[18] = flags;
        let expected = Function {
            tid: all.tid.filter(|_| flags & 0x20 != 0),
            rid: all.rid.filter(|_| flags & 0x10 != 0),
            is_physical: flags & 0x08 != 0,
            mio: all.mio.filter(|_| flags & 0x02 != 0),
            utility_string: all.utility_string.filter(|_| flags & 0x01 != 0),
            ..all
        };
        assert_eq!(decode(&bytes), Ok(expected));
    }
}

#[test]
fn each_mio_bit_stands_for_its_bar() {
    let (mut bytes, _) = full_function();
    for valid in 0..=0xff {
        bytes[256] = valid;
        let function = decode(&bytes).unwrap();
        assert_eq!(function.encode().unwrap().as_bytes()[256], valid & 0xfc);
        let bars = function.mio.unwrap();
        for (index, bar) in bars.iter().enumerate() {
            assert_eq!(bar.is_some(), valid & (0x80 >> index) != 0);
        }
        assert!((6..100).all(|index| !mio::ValidBars::from_bits(valid).contains(index)));
    }
}

/// Linux shifts 1 by the size without a check.
#[test]
fn bar_sizes_above_63_are_refused() {
    let (bytes, _) = full_function();
    for index in 0..6 {
        for size_log2 in 0..=255 {
            let mut bytes = bytes.clone();
            bytes[24 + index] = size_log2;
            match decode(&bytes) {
                Ok(function) => {
                    assert!(size_log2 <= 63);
                    let size = function.bars[index].size();
                    assert_eq!(size, (size_log2 != 0).then(|| 2u64.pow(size_log2.into())));
                }
                Err(error) => {
                    assert!(size_log2 > 63);
                    assert_eq!(error, FunctionError::BarSize { index, size_log2 });
                    assert_eq!(error.to_string(), format!("BAR {index} of 2^{size_log2} bytes"));
                }
            }
        }
    }
}

#[test]
fn dma_addresses_must_not_end_before_they_start() {
    let (mut bytes, function) = full_function();
    let mut range = |start: u64, end: u64| {
        bytes[64..72].copy_from_slice(&start.to_be_bytes());
        bytes[72..80].copy_from_slice(&end.to_be_bytes());
        decode(&bytes).map(|function| (function.start_dma, function.end_dma))
    };
    assert_eq!(range(0, 0), Ok((0, 0)));
    assert_eq!(range(0, u64::MAX), Ok((0, u64::MAX)));
    assert_eq!(range(u64::MAX, u64::MAX), Ok((u64::MAX, u64::MAX)));
    let error = FunctionError::DmaRange { start_dma: 0x2000, end_dma: 0x1fff };
    assert_eq!(range(0x2000, 0x1fff), Err(error));
    assert_eq!(Function { start_dma: 0x2000, end_dma: 0x1fff, ..function }.encode(), Err(error));
    assert_eq!(error.to_string(), "DMA addresses that start at 0x2000 and end at 0x1fff");
}

#[test]
fn measurement_block_is_counted_in_words() {
    let (mut bytes, function) = full_function();
    for length in 0..=1100 {
        let encoded = Function { fmb_length: length, ..function }.encode();
        if length % 4 == 0 && length <= 1020 {
            bytes[62] = (length / 4) as u8;
            assert_eq!(encoded.unwrap().as_bytes()[62], bytes[62]);
            assert_eq!(decode(&bytes).unwrap().fmb_length, length);
        } else {
            assert_eq!(encoded, Err(FunctionError::FmbLength(length)));
        }
    }
    assert_eq!(Function { port: 16, ..function }.encode(), Err(FunctionError::Port(16)));
    assert_eq!(Function { port: 15, ..function }.encode().unwrap().as_bytes()[61], 15);
}

fn full_group() -> ([u8; 64], FunctionGroup) {
    let mut bytes = [0; 64];
    bytes[..4].copy_from_slice(&[0x00, 0x40, 0x00, 0x10]);
    bytes[16..32].copy_from_slice(&[
        0xf1, 0x23, 0x01, 0x23, 0xe0, 0x80, 0x03, 0xe8, // interrupts, version, flags, store block, interval
        0x70, 0xff, 0x12, 0x34, 0xf4, 0x56, 0x00,
        0x11, // designation types, maxfaal, directed interrupts, processors
    ]);
    bytes[32..40].copy_from_slice(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    bytes[40..48].copy_from_slice(&[0xfe, 0, 0, 0, 0, 0, 0x10, 0x00]);
    bytes[48..].fill(0xee);
    let group = FunctionGroup {
        max_interrupts: 0x123,
        max_directed_interrupts: 0x456,
        max_cpu: 17,
        version: 1,
        relaxed_translation: true,
        frame: true,
        refresh: true,
        designation_types: DesignationTypes(0x70),
        max_store_block: 0x80,
        measurement_interval_ms: 1000,
        maxfaal: 0x1234,
        dasm: 0x0123_4567_89ab_cdef,
        msi_address: 0xfe00_0000_0000_1000,
    };
    (bytes, group)
}

#[test]
fn group_with_everything() {
    let (mut bytes, group) = full_group();
    let decode = |bytes: &[u8]| FunctionGroup::decode(&Received::<query_pci_fngrp::Response>::parse(bytes).unwrap());
    assert_eq!(decode(&bytes), group);
    // Reserved bits are ignored when read and zero when written, whatever they are.
    bytes[16] &= 0x0f;
    bytes[20] &= 0x1f;
    bytes[25] = 0;
    bytes[28] &= 0x0f;
    bytes[48..].fill(0);
    let mut room = [0xa5; 64];
    assert_eq!(group.encode().unwrap().emit(&mut room), Ok(64));
    assert_eq!(room, bytes);
    for flags in 0..=0xff {
        bytes[19] = flags;
        let decoded = decode(&bytes);
        assert_eq!(decoded.relaxed_translation, flags & 0x20 != 0);
        assert_eq!(decoded.frame, flags & 0x02 != 0);
        assert_eq!(decoded.refresh, flags & 0x01 != 0);
        assert_eq!(decoded.encode().unwrap().as_bytes()[19], flags & 0x23);
    }
}

#[test]
fn group_fields_have_their_limits() {
    let (_, group) = full_group();
    for count in [4096, u16::MAX] {
        let interrupts = Err(FunctionGroupError::Interrupts(count));
        assert_eq!(FunctionGroup { max_interrupts: count, ..group }.encode(), interrupts);
        assert_eq!(FunctionGroup { max_directed_interrupts: count, ..group }.encode(), interrupts);
    }
    for length in [8192, u16::MAX] {
        let encoded = FunctionGroup { max_store_block: length, ..group }.encode();
        assert_eq!(encoded, Err(FunctionGroupError::StoreBlock(length)));
    }
    let most = FunctionGroup { max_interrupts: 4095, max_directed_interrupts: 4095, max_store_block: 8191, ..group };
    let bytes = most.encode().unwrap();
    let bytes = bytes.as_bytes();
    assert_eq!(
        (&bytes[16..18], &bytes[20..22], &bytes[28..30]),
        (&[0x0f, 0xff][..], &[0x1f, 0xff][..], &[0x0f, 0xff][..])
    );
}

/// Linux tests the byte with the designation types of an IOTA, 0x08 and 0x0c.
#[test]
fn designation_types_are_counted_from_the_left() {
    let supported = |byte| (0..=255).filter(|&n| DesignationTypes(byte).supports(n)).collect::<Vec<u8>>();
    assert_eq!(supported(0x40), [1]);
    assert_eq!(supported(0x70), [1, 2, 3]);
    assert_eq!(supported(0x08), [4]);
    for byte in 0..=0xff {
        let digits = format!("{byte:08b}").into_bytes();
        assert_eq!(supported(byte), (0..8).filter(|&n| digits[usize::from(n)] == b'1').collect::<Vec<u8>>());
    }
}

#[test]
fn characteristics_with_everything() {
    let mut bytes = [0; 128];
    bytes[..4].copy_from_slice(&[0x00, 0x80, 0x00, 0x10]);
    for (index, byte) in bytes[32..64].iter_mut().enumerate() {
        *byte = index as u8;
    }
    for (index, byte) in bytes[96..].iter_mut().enumerate() {
        *byte = 0x80 + index as u8;
    }
    let decode = |bytes: &[u8]| Characteristics::decode(&Received::<slpc::Response>::parse(bytes).unwrap());
    let expected = Characteristics {
        facilities: [
            0x0001_0203,
            0x0405_0607,
            0x0809_0a0b,
            0x0c0d_0e0f,
            0x1011_1213,
            0x1415_1617,
            0x1819_1a1b,
            0x1c1d_1e1f,
        ],
        characteristics: [
            0x8081_8283,
            0x8485_8687,
            0x8889_8a8b,
            0x8c8d_8e8f,
            0x9091_9293,
            0x9495_9697,
            0x9899_9a9b,
            0x9c9d_9e9f,
        ],
        write_back_position: None,
    };
    for byte in 0..=0xff {
        bytes[80] = byte;
        let decoded = decode(&bytes);
        let position = (byte & 0x80 != 0).then_some(byte & 0x3f);
        assert_eq!(decoded, Characteristics { write_back_position: position, ..expected });
        assert_eq!(decoded.write_back_mask(), position.map(|n| 1 << (63 - n)));
        let mut room = [0xa5; 128];
        assert_eq!(decoded.encode().unwrap().emit(&mut room), Ok(128));
        bytes[80] = position.map_or(0, |n| 0x80 | n);
        assert_eq!(room, bytes);
    }
    for position in 64..=255 {
        let impossible = Characteristics { write_back_position: Some(position), ..expected };
        assert_eq!(impossible.encode(), Err(CharacteristicsError::WriteBackPosition(position)));
        assert_eq!(impossible.write_back_mask(), None);
    }
}

#[test]
fn installed_processors_are_counted_from_the_left() {
    assert_eq!(immediate::INSTALLED_PROCESSORS, 1);
    let installed = InstalledProcessors(0xa000_0000_0000_0001);
    assert_eq!(
        installed.iter().collect::<Vec<_>>(),
        [LogicalProcessor::BASE, LogicalProcessor::PCI, LogicalProcessor(63)]
    );
    assert!(!installed.contains(LogicalProcessor(1)));
    assert!((64..=255).all(|number| !InstalledProcessors(u64::MAX).contains(LogicalProcessor(number))));
}

#[test]
fn states_of_an_entry() {
    let state = |bits: u32, handle: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&[0x10, 0x03, 0x1a, 0xf4]);
        bytes[4..8].copy_from_slice(&bits.to_be_bytes());
        bytes[8..12].copy_from_slice(&0x1234_5678u32.to_be_bytes());
        bytes[12..].copy_from_slice(&handle.to_be_bytes());
        let entry = ListEntry::decode(&clp::list_pci::Entry::read_from_bytes(&bytes).unwrap());
        assert_eq!(
            (entry.device, entry.vendor, entry.id, entry.handle),
            (0x1003, 0x1af4, FunctionId(0x1234_5678), FunctionHandle(handle))
        );
        entry.state()
    };
    assert_eq!(state(0x8000_0000, 0x0002_0000), FunctionState::Configured);
    assert_eq!(state(0xffff_ffff, 0x8002_0000), FunctionState::Enabled);
    assert_eq!(state(0x0000_0000, 0x0002_0000), FunctionState::Standby);
    assert_eq!(state(0x7fff_ffff, 0x8002_0000), FunctionState::Standby);
}

#[test]
fn utility_string_is_text() {
    let text = |bytes: &[u8], fill| {
        let mut string = [fill; 64];
        string[..bytes.len()].copy_from_slice(bytes);
        UtilityString(string).to_string()
    };
    // "Port 1, LPAR-A_b" and what stands at other places of code page 037.
    let bytes = [0xd7, 0x96, 0x99, 0xa3, 0x40, 0xf1, 0x6b, 0x40, 0xd3, 0xd7, 0xc1, 0xd9, 0x60, 0xc1, 0x6d, 0x82];
    assert_eq!(text(&bytes, 0x40), "Port 1, LPAR-A_b");
    assert_eq!(text(&bytes, 0x00), "Port 1, LPAR-A_b");
    assert_eq!(text(&[0xba, 0x81, 0xbb, 0x5a, 0x7c, 0xb0, 0x4a, 0x5f], 0), "[a]!@^\u{a2}\u{ac}");
    assert_eq!(text(&[], 0x40), "");
    assert_eq!(text(&[], 0x00), "");
    assert_eq!(text(&[0x40, 0xc1], 0x40), " A");
    // An escape sequence does not reach a terminal.
    assert_eq!(text(&[0x27, 0xad, 0xf2, 0xd1], 0x40), "\u{fffd}\u{dd}2J");
    assert_eq!(format!("{:?}", UtilityString([0xc1; 64])), format!("UtilityString({:?})", "A".repeat(64)));
    // Every byte is one character, and no two the same.
    let mut all: Vec<char> = (0..=255u8).flat_map(|byte| UtilityString([byte; 64]).chars().next()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 254); // blank and zero are left out
}
