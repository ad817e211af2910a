// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Measurement blocks: every format, both ways, and every way to be torn.

use std::cell::{Cell, RefCell};

use s390_iommu::{Measurement, MeasurementError, Transfers};

/// Reads rows of an offset and words in hexadecimal into a block of zeros.
fn block(text: &str) -> [u8; 80] {
    let mut block = [0; 80];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (offset, words) = line.split_once(": ").unwrap();
        let offset = usize::from_str_radix(offset, 16).unwrap();
        for (word, bytes) in words.split(' ').zip(block[offset..].chunks_exact_mut(4)) {
            bytes.copy_from_slice(&u32::from_str_radix(word, 16).unwrap().to_be_bytes());
        }
    }
    block
}

fn load(block: &[u8], offset: u16) -> Option<u64> {
    let offset = usize::from(offset);
    Some(u64::from_be_bytes(block.get(offset..offset + 8)?.try_into().unwrap()))
}

fn read(block: &[u8], length: u16) -> Result<Measurement, MeasurementError> {
    Measurement::read(length, 1, |offset| {
        assert!(offset + 8 <= length || offset == 8, "byte {offset} of {length}");
        load(block, offset)
    })
}

/// What is written into a block of 0xa5, over a time of `before`.
fn written(sample: &Measurement, length: u16, before: u64) -> [u8; 80] {
    let mut block = [0xa5; 80];
    let done: Result<(), ()> = sample.write(length, before, |offset, value| {
        block[usize::from(offset)..][..8].copy_from_slice(&value.to_be_bytes());
        Ok(())
    });
    assert_eq!(done, Ok(()));
    block
}

#[test]
fn recorded() {
    let bytes = block(include_str!("../../tests/fixtures/i-measurement.hex"));
    let expected = Measurement {
        format: 0,
        indicators: 0,
        sample: 0,
        last_update: 0x0000_000d_c23f_9f8c,
        loads: 0,
        stores: 0,
        block_stores: 0,
        refreshes: 7,
        transfers: Transfers::None,
    };
    assert_eq!(read(&bytes, 80), Ok(expected));
    assert_eq!(written(&expected, 48, 1)[..48], bytes[..48]);
}

/// Every byte in its place: counters from 0x10 on, one for each doubleword.
fn sample(format: u8, indicators: u32, transfers: Transfers) -> (Measurement, [u8; 80]) {
    let mut bytes = [0; 80];
    for (index, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&(0x0101_0101_0101_0100 + 0x10 * index as u64).to_be_bytes());
    }
    bytes[0] = format;
    bytes[1..4].copy_from_slice(&indicators.to_be_bytes()[1..]);
    let at = |index: u64| 0x0101_0101_0101_0100 + 0x10 * index;
    let measurement = Measurement {
        format,
        indicators,
        sample: 0x0101_0100,
        last_update: at(1),
        loads: at(2),
        stores: at(3),
        block_stores: at(4),
        refreshes: at(5),
        transfers,
    };
    (measurement, bytes)
}

#[test]
fn formats() {
    let at = |index: u64| 0x0101_0101_0101_0100 + 0x10 * index;
    let packets =
        Transfers::Packets { received_bytes: at(6), received_packets: at(7), sent_bytes: at(8), sent_packets: at(9) };
    for (format, indicators, transfers, length) in [
        (0, 0x80_0000, Transfers::Dma { read_bytes: at(6), written_bytes: at(7) }, 64),
        (0, 0x80_1234, Transfers::Dma { read_bytes: at(6), written_bytes: at(7) }, 64),
        (0, 0x7f_ffff, Transfers::None, 48),
        (1, 0, packets, 80),
        (2, 0x12_3456, Transfers::Work { consumed: at(6), maximum: at(7) }, 64),
        (3, 0, Transfers::Sent { bytes: at(6) }, 56),
        (4, 0, Transfers::None, 48),
        (0xff, 0xff_ffff, Transfers::None, 48),
    ] {
        let (expected, bytes) = sample(format, indicators, transfers);
        assert_eq!(read(&bytes, 80), Ok(expected), "format {format}");
        assert_eq!(Measurement::from_copies([&bytes, &bytes, &bytes]), Ok(expected), "format {format}");
        let stored = written(&expected, 1020, 3);
        let length = usize::from(length as u16);
        assert_eq!(stored[..length], bytes[..length], "format {format}");
        assert!(stored[length..].iter().all(|byte| *byte == 0xa5), "format {format}");
    }
}

/// A block ends where the function says.
#[test]
fn lengths() {
    let (whole, bytes) = sample(1, 0, Transfers::None);
    for length in 0..=80 {
        let result = read(&bytes, length);
        let copies = Measurement::from_copies([&bytes[..usize::from(length)]; 3]);
        if length < 48 {
            assert_eq!(
                (result, copies),
                (Err(MeasurementError::Length(length)), Err(MeasurementError::Length(length)))
            );
            continue;
        }
        let at =
            |index: u16| if (index + 1) * 8 > length { 0 } else { 0x0101_0101_0101_0100 + 0x10 * u64::from(index) };
        let transfers = match length {
            48..56 => Transfers::None,
            _ => Transfers::Packets {
                received_bytes: at(6),
                received_packets: at(7),
                sent_bytes: at(8),
                sent_packets: at(9),
            },
        };
        let expected = Measurement { transfers, ..whole };
        assert_eq!((result, copies), (Ok(expected), Ok(expected)), "{length}");
        let stored = written(&expected, length, 3);
        assert!(stored[usize::from(length)..].iter().all(|byte| *byte == 0xa5), "{length}");
    }
}

/// The stores of one update, in order.
fn stores(sample: &Measurement, before: u64) -> Vec<(u16, u64)> {
    let mut stores = Vec::new();
    let done: Result<(), ()> = sample.write(80, before, |offset, value| {
        stores.push((offset, value));
        Ok(())
    });
    assert_eq!(done, Ok(()));
    stores
}

/// Between any two loads of a reader the machine does any number of stores: what the reader takes is whole, or torn.
#[test]
fn every_interleaving_of_one_update() {
    let (old, block_of_old) = sample(
        1,
        0,
        Transfers::Packets {
            received_bytes: 0x0101_0101_0101_0160,
            received_packets: 0x0101_0101_0101_0170,
            sent_bytes: 0x0101_0101_0101_0180,
            sent_packets: 0x0101_0101_0101_0190,
        },
    );
    let new = Measurement {
        sample: 0x0101_0101,
        last_update: old.last_update + 2,
        loads: 1,
        stores: 2,
        block_stores: 3,
        refreshes: 4,
        transfers: Transfers::Packets { received_bytes: 5, received_packets: 6, sent_bytes: 7, sent_packets: 8 },
        ..old
    };
    let updates = stores(&new, old.last_update);
    assert_eq!(updates.first(), Some(&(8, old.last_update | 1)));
    assert_eq!(updates.last(), Some(&(8, new.last_update)));
    // A read takes 12 loads: before which of them the update begins, and before which it ends.
    let (mut whole, mut torn) = (0, 0);
    for begin in 0..14_usize {
        for end in begin..14_usize {
            for half in 0..=updates.len() {
                let block = RefCell::new(block_of_old);
                let (loads, done) = (Cell::new(0), Cell::new(0));
                let apply = |until: usize| {
                    for (offset, value) in &updates[done.get()..until.max(done.get())] {
                        block.borrow_mut()[usize::from(*offset)..][..8].copy_from_slice(&value.to_be_bytes());
                    }
                    done.set(until.max(done.get()));
                };
                let result = Measurement::read(80, 1, |offset| {
                    if loads.get() >= begin {
                        apply(half);
                    }
                    if loads.get() >= end {
                        apply(updates.len());
                    }
                    loads.set(loads.get() + 1);
                    load(&*block.borrow(), offset)
                });
                match result {
                    Ok(sample) => {
                        assert!(sample == old || sample == new, "{begin} {end} {half}: {sample:x?}");
                        whole += 1;
                    }
                    Err(error) => {
                        assert_eq!(error, MeasurementError::Torn);
                        torn += 1;
                    }
                }
            }
        }
    }
    assert!(whole > 100 && torn > 100, "{whole} {torn}");
}

/// Three copies, each byte by byte, with an update that begins and ends at any byte.
#[test]
fn copies() {
    let (old, before) = sample(3, 0, Transfers::Sent { bytes: 0x0101_0101_0101_0160 });
    let new = Measurement { sample: 5, last_update: old.last_update + 2, loads: 9, ..old };
    let updates = stores(&new, old.last_update);
    let (mut whole, mut torn) = (0, 0);
    for begin in (0..31_usize).map(|word| word * 8) {
        for end in (begin / 8..31).map(|word| word * 8) {
            for downwards in [false, true] {
                let mut block = before;
                let mut copies = [[0; 80]; 3];
                for time in 0..240 {
                    if time == begin {
                        for (offset, value) in &updates[..updates.len() / 2] {
                            block[usize::from(*offset)..][..8].copy_from_slice(&value.to_be_bytes());
                        }
                    }
                    if time == end {
                        for (offset, value) in &updates {
                            block[usize::from(*offset)..][..8].copy_from_slice(&value.to_be_bytes());
                        }
                    }
                    let at = if downwards { 79 - time % 80 } else { time % 80 };
                    copies[time / 80][at] = block[at];
                }
                match Measurement::from_copies([&copies[0], &copies[1], &copies[2]]) {
                    Ok(sample) => {
                        assert!(sample == old || sample == new, "{begin} {end}: {sample:x?}");
                        whole += 1;
                    }
                    Err(error) => {
                        assert_eq!(error, MeasurementError::Torn);
                        torn += 1;
                    }
                }
            }
        }
    }
    assert!(whole > 50 && torn > 50, "{whole} {torn}");
}

#[test]
fn what_cannot_be_had() {
    let (sample, bytes) = sample(2, 0, Transfers::Work { consumed: 1, maximum: 2 });
    // Busy all the time: as many attempts as asked for.
    for attempts in [0, 1, 7] {
        let tries = Cell::new(0);
        let result = Measurement::read(80, attempts, |offset| {
            tries.set(tries.get() + u32::from(offset == 0));
            if offset == 8 {
                Some(0x11)
            } else {
                load(&bytes, offset)
            }
        });
        assert_eq!((result, tries.get()), (Err(MeasurementError::Torn), attempts));
    }
    for missing in (0..64).step_by(8) {
        let result = Measurement::read(80, 1, |offset| load(&bytes, offset).filter(|_| offset != missing));
        assert_eq!(result, Err(MeasurementError::Load { offset: missing }));
    }
    // A store that fails is the last.
    for failing in 0..9 {
        let count = Cell::new(0);
        let result = sample.write(80, 0, |offset, _| {
            count.set(count.get() + 1);
            if count.get() > failing {
                Err(offset)
            } else {
                Ok(())
            }
        });
        assert!(result.is_err() && count.get() == failing + 1);
    }
}
