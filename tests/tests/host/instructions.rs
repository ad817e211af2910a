// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The fake machine against what QEMU was measured to do, instruction by instruction.

use crate::fixture::{block, number, rows};
use clp::{Block, Client, Enable, FunctionHandle};
use s390_iommu::{TableAllocator, TableSize};
use zpci_tests::fake::{Configuration, Event, Fake, FunctionConfiguration};
use zpci_tests::Machine;

/// QEMU with the function of the fixtures, and its handle once it is enabled.
fn enabled() -> (Fake, u32) {
    let function = FunctionConfiguration { fid: 1, ..FunctionConfiguration::nvme() };
    let fake = Fake::new(Configuration { functions: vec![function], ..Configuration::qemu() });
    let mut block = Block::zeroed();
    let handle = Client::new(&fake, &mut block).enable(FunctionHandle(0x0002_0000), Enable::PLAIN).unwrap().handle;
    assert_eq!(handle.0, 0x8002_0000);
    (fake, handle.0)
}

/// An operand of MPCIFC.
fn fib(format: u8, pba: u64, pal: u64, iota: u64) -> [u8; 80] {
    let mut fib = [0; 80];
    fib[0] = format;
    for (at, value) in [(16, pba), (24, pal), (32, iota)] {
        fib[at..at + 8].copy_from_slice(&value.to_be_bytes());
    }
    fib
}

fn table(fake: &Fake, size: TableSize, empty: u64) -> u64 {
    let origin = fake.allocate(size).unwrap().get();
    for word in 0..size.bytes() as u64 / 8 {
        fake.set_entry(origin + word * 8, empty);
    }
    origin
}

/// RPCIT: condition code and status.
fn rpcit(fake: &Fake, handle: u32, start: u64, length: u64) -> (u8, u8) {
    fake.refresh(handle, start, length)
}

#[test]
fn answers() {
    for row in rows::<6>(include_str!("../../fixtures/f-instructions.txt")) {
        let [state, instruction, operand, before, condition, after] = row;
        let (fake, handle) = enabled();
        let root = table(&fake, TableSize::Crst, 0x20);
        let good = fib(0, 0x1_0000_0000, 0x01ff_ffff_ffff_ffff, root | 0x804);
        match state {
            "enabled" => {}
            "registered" => assert_eq!(fake.modify(handle, 4, 0, &good), Ok((0, 0))),
            "error" => assert_eq!(rpcit(&fake, handle, 0x1_0000_0000, 0x1000), (1, 8)),
            "disabled" => {
                let mut block = Block::zeroed();
                Client::new(&fake, &mut block).disable(FunctionHandle(handle)).unwrap();
            }
            other => panic!("state {other}"),
        }
        let register = u64::from_str_radix(before, 16).unwrap();
        let function = (register >> 32) as u32;
        let answer = match instruction {
            "MPCIFC" => {
                let operand: Vec<u64> = operand
                    .split_whitespace()
                    .map(|field| field.strip_prefix("T|").map_or_else(|| number(field), |bits| root | number(bits)))
                    .collect();
                let operand = fib(operand[0] as u8, operand[1], operand[2], operand[3]);
                fake.modify(function, register as u8, (register >> 16) as u8, &operand)
            }
            "RPCIT" => Ok(rpcit(&fake, function, 0x1_0000_0000, 0x1000)),
            other => panic!("instruction {other}"),
        };
        match (condition, answer) {
            ("program check", Err(_)) => {}
            (condition, Ok((cc, status))) => {
                assert_eq!(condition, cc.to_string(), "{row:?}");
                let register = format!("{:016x}", register & !0xff00_0000 | u64::from(status) << 24);
                assert!(after == "-" || after == register, "{row:?}: {register}");
            }
            (_, Err(reason)) => panic!("{row:?}: {reason}"),
        }
    }
}

/// What STPCIFC stores in every state, byte for byte.
#[test]
fn stored_blocks() {
    let (fake, handle) = enabled();
    let stored = |fake: &Fake| fake.store_fib(handle);
    assert_eq!(stored(&fake), (0, block(include_str!("../../fixtures/f-enabled.hex"))));
    assert_eq!(rpcit(&fake, handle, 0x1_0000_0000, 0x1000), (1, 8));
    assert_eq!(stored(&fake), (0, block(include_str!("../../fixtures/f-error.hex"))));
    assert_eq!(fake.modify(handle, 9, 0, &[0; 80]), Ok((0, 0)));
    assert_eq!(stored(&fake), (0, block(include_str!("../../fixtures/f-blocked.hex"))));
    assert_eq!(fake.modify(handle, 7, 0, &[0; 80]), Ok((0, 0)));

    // The anchor of the fixtures designates a table at 0x24000; nothing walks it here.
    let whole = fib(0, 0x1_0000_0000, 0x01ff_ffff_ffff_ffff, 0x2_4804);
    assert_eq!(fake.modify(handle, 4, 0, &whole), Ok((0, 0)));
    assert_eq!(stored(&fake), (0, block(include_str!("../../fixtures/f-registered.hex"))));
    let odd = fib(0, 0x1_0000_0123, 0x1_1fff_ffff, 0x2_4804);
    assert_eq!(fake.modify(handle, 6, 0, &odd), Ok((0, 0)));
    assert_eq!(stored(&fake), (0, block(include_str!("../../fixtures/f-rounded.hex"))));
    let mut interrupts = [0; 80];
    interrupts[40..44].copy_from_slice(&0x3004_0085_u32.to_be_bytes());
    interrupts[48..56].copy_from_slice(&0x1_e000_u64.to_be_bytes());
    interrupts[56..64].copy_from_slice(&0x1_e040_u64.to_be_bytes());
    assert_eq!(fake.modify(handle, 2, 0, &interrupts), Ok((0, 0)));
    assert_eq!(fake.modify(handle, 2, 0, &interrupts), Ok((1, 24)));
    assert_eq!(stored(&fake), (0, block(include_str!("../../fixtures/f-interrupts.hex"))));
    assert_eq!(fake.modify(handle, 3, 0, &[0; 80]), Ok((0, 0)));
    assert_eq!(fake.modify(handle, 3, 0, &[0; 80]), Ok((1, 24)));
    assert_eq!(stored(&fake), (0, block(include_str!("../../fixtures/f-rounded.hex"))));
}

/// A measurement block with a storage key is refused with an event, and the function stays at work (read in QEMU).
#[test]
fn measurement_with_a_key() {
    let (fake, handle) = enabled();
    let mut fib = [0; 80];
    fib[64..72].copy_from_slice(&0x1_2341_u64.to_be_bytes());
    assert_eq!(fake.modify(handle, 10, 0, &fib), Ok((1, 0)));
    let (_, events) = fake.state(fake.function().unwrap()).unwrap();
    assert_eq!(events, [Event { code: 0x2c, address: 0x1_2341 }]);
    assert_eq!(fake.store_fib(handle), (0, block(include_str!("../../fixtures/f-enabled.hex"))));
}

/// The walker against measured tables.
#[test]
fn walks() {
    for row in rows::<8>(include_str!("../../fixtures/g-walks.txt")) {
        let [region, segment, page, start, length, cc, status, event] = row;
        let (fake, handle) = enabled();
        let root = table(&fake, TableSize::Crst, 0x20);
        let segments = table(&fake, TableSize::Crst, 0x20);
        let pages = table(&fake, TableSize::Page, 0x400);
        let entry = |text: &str| {
            text.split('|').fold(0, |entry, term| {
                entry
                    | match term {
                        "S" => segments,
                        "P" => pages,
                        bits => number(bits),
                    }
            })
        };
        // Region 2, segment 0, page 0.
        fake.set_entry(root + 2 * 8, entry(region));
        fake.set_entry(segments, entry(segment));
        fake.set_entry(pages, entry(page));
        let aperture = fib(0, 0x1_0000_0000, 0x1_ffff_ffff, root | 0x804);
        assert_eq!(fake.modify(handle, 4, 0, &aperture), Ok((0, 0)));

        let answer = rpcit(&fake, handle, number(start), number(length));
        let expected = (number(cc) as u8, number(status) as u8);
        assert_eq!(answer, expected, "{row:?}");
        let (_, events) = fake.state(fake.function().unwrap()).unwrap();
        let codes: Vec<String> = events.iter().map(|Event { code, .. }| code.to_string()).collect();
        assert_eq!(codes.join(" "), event.replace('-', ""), "{row:?}");
    }
}

/// A refresh that starts in the middle of an invalid region drops what is mapped at the start of the next one, as
/// under QEMU; on hardware it does not.
#[test]
fn refresh_from_the_middle_of_a_region() {
    for (skips, reaches) in [(true, false), (false, true)] {
        let fake = Fake::new(Configuration { refresh_skips: skips, ..Configuration::qemu() });
        let mut block = Block::zeroed();
        let handle =
            Client::new(&fake, &mut block).enable(FunctionHandle(0x0002_0000), Enable::PLAIN).unwrap().handle.0;
        let root = table(&fake, TableSize::Crst, 0x20);
        let segments = table(&fake, TableSize::Crst, 0x20);
        let pages = table(&fake, TableSize::Page, 0x400);
        let data = fake.data().get();
        fake.set_entry(root + 5 * 8, segments | 0x7);
        fake.set_entry(segments, pages);
        fake.set_entry(pages, data);
        let aperture = fib(0, 0x1_0000_0000, 0x3ff_ffff_ffff, root | 0x804);
        assert_eq!(fake.modify(handle, 4, 0, &aperture), Ok((0, 0)));

        assert_eq!(rpcit(&fake, handle, 0x2_8000_0000, 0x1000), (0, 0));
        assert_eq!(fake.dma_write(handle, 0x2_8000_0000, b"before"), Ok(()));
        assert_eq!(rpcit(&fake, handle, 0x2_0000_0000, 0x1_0000_0000), (0, 0));
        assert_eq!(fake.dma_write(handle, 0x2_8000_0000, b"aligned"), Ok(()));
        assert_eq!(rpcit(&fake, handle, 0x2_4000_0000, 0x8000_0000), (0, 0));
        assert_eq!(fake.dma_write(handle, 0x2_8000_0000, b"after").is_ok(), reaches, "skips: {skips}");
    }
}
