// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! RPCIT over tables that are wrong in every way, as measured.

use s390_iommu::guest::{Answer, End, GuestTable, Look, Rules, Run, State};
use s390_iommu::{AbsoluteAddress, EventCode, Iota, Iova, IovaRange, Protection};

use crate::books::Books;
use crate::fixture::{carry_out, configuration, enabled, fib, mpcifc, number, rows, rpcit};
use crate::storage::Storage;

const SEGMENTS: u64 = 0x2_8000;
const PAGES: u64 = 0x2_c800;

fn entry(text: &str) -> u64 {
    text.split('|').fold(0, |entry, term| {
        entry
            | match term {
                "S" => SEGMENTS,
                "P" => PAGES,
                bits => number(bits),
            }
    })
}

/// The table of what was measured, row by row, in one step and in many.
#[test]
fn measured() {
    let rows = rows::<8>(include_str!("../../../tests/fixtures/g-walks.txt"));
    assert_eq!(rows.len(), 21);
    for budget in [1, u64::MAX] {
        for row in &rows {
            let [region, segment, page, start, length, cc, status, event] = *row;
            let mut storage = Storage::three_tables();
            storage.words.insert(0x2_4000 + 2 * 8, entry(region));
            storage.words.insert(SEGMENTS, entry(segment));
            storage.words.insert(PAGES, entry(page));
            let mut function = enabled(configuration(Rules::QEMU));
            let aperture = fib(0, 0x1_0000_0000, 0x1_ffff_ffff, 0x2_4804);
            assert_eq!(function.modify(&mpcifc(4), &aperture).0.end, End::Condition(clp::ConditionCode::Zero));

            let mut books = Books::default();
            let request = rpcit(number(start), number(length));
            let answer = carry_out(&mut function, &request, &storage, &mut books, budget);
            let End::Condition(condition) = answer.end else { panic!("{row:?}") };
            assert_eq!(cc, (condition as u8).to_string(), "{row:?}");
            assert_eq!(answer.register >> 24 & 0xff, number(status), "{row:?}");
            let code = answer.event.map_or(String::from("-"), |event| event.code().0.to_string());
            assert_eq!(code, event, "{row:?}");
            assert_eq!(function.state() == State::Error, cc == "1", "{row:?}");
            if let Some(event) = answer.event {
                assert_eq!(event.iova().get(), number(start), "{row:?}");
            }
        }
    }
}

fn look(storage: &Storage, rules: Rules, iota: u64, iova: u64) -> Result<Look, EventCode> {
    let mut table = GuestTable::new(storage, Iota::from_bits(iota), rules).unwrap();
    let result = table.look(Iova::new(iova)).map_err(|error| error.code);
    assert!(table.reads() <= 5);
    result
}

fn mapped(first: u64, last: u64, absolute: u64, protection: Protection) -> Result<Look, EventCode> {
    let range = IovaRange::new(Iova::new(first), Iova::new(last)).unwrap();
    Ok(Look::Mapped(Run { range, absolute: AbsoluteAddress::new(absolute), protection }))
}

fn hole(first: u64, last: u64) -> Result<Look, EventCode> {
    Ok(Look::Hole(IovaRange::new(Iova::new(first), Iova::new(last)).unwrap()))
}

/// What tables without the measured quirks say: zero is an address, and nothing wraps.
#[test]
fn hardware() {
    let rules = Rules::HARDWARE;
    let iova = 0x1_0000_0000;
    let mut storage = Storage::one_page_table();
    storage.set(0, 0);
    assert_eq!(look(&storage, rules, 0x2_4804, iova), mapped(iova, iova + 0xfff, 0, Protection::ReadWrite));
    storage.set(0, 0x200);
    assert_eq!(look(&storage, rules, 0x2_4804, iova), mapped(iova, iova + 0xfff, 0, Protection::ReadOnly));
    // Low bits of the anchor are not the origin's.
    assert_eq!(look(&storage, rules, 0x2_4a27, iova), mapped(iova, iova + 0xfff, 0, Protection::ReadOnly));
    storage.words.insert(SEGMENTS, 0x400);
    assert_eq!(look(&storage, rules, 0x2_4804, iova), mapped(iova, iova + 0xf_ffff, 0, Protection::ReadWrite));
    storage.words.insert(0x2_4000 + 2 * 8, 0);
    assert_eq!(look(&storage, rules, 0x2_4804, iova), Err(EventCode::INVALID_TABLE_LENGTH));
    storage.words.insert(0x2_4000 + 2 * 8, 0x7777_0000_0000_0007);
    assert_eq!(look(&storage, rules, 0x2_4804, iova), Err(EventCode::SERIOUS_ERROR));
    assert_eq!(look(&storage, Rules::QEMU, 0x2_4804, iova), Err(EventCode::INVALID_TABLE_ENTRY));

    // Beyond the span of the root: nothing, or the same again.
    let storage = Storage::one_page_table();
    let beyond = 1 << 42 | iova;
    assert_eq!(look(&storage, rules, 0x2_4804, beyond), hole(beyond, u64::MAX));
    assert_eq!(look(&storage, Rules::QEMU, 0x2_4804, beyond), hole(beyond, beyond + 0xfff));
    assert_eq!(look(&storage, rules, 0x2_4804, u64::MAX), hole(0xffff_ffff_ffff_f000, u64::MAX));
}

/// QEMU takes low bits of the anchor for a part of the origin, and one of them for protection as well (measured).
#[test]
fn anchor_of_qemu() {
    let iova = 0x1_0000_0000;
    let mut storage = Storage::default();
    storage.table(0x2_4200, 2048, 0x20);
    storage.table(0x2_8000, 2048, 0x20);
    storage.words.insert(0x2_4200 + 2 * 8, 0x2_8007);
    storage.words.insert(0x2_8000, 0x40_0400);
    let read_only = mapped(iova, iova + 0xf_ffff, 0x40_0000, Protection::ReadOnly);
    assert_eq!(look(&storage, Rules::QEMU, 0x2_4a04, iova), read_only);
}

/// All roots: how much an invalid entry of each level covers, and how protection adds up.
#[test]
fn roots() {
    const IOVA: u64 = 0x0123_4567_89ab_c000;
    // RFX 9, RSX 0xd1, RTX 0x2cf, SX 0x9a, PX 0xbc.
    let tables: [(u64, u64, u64); 5] = [
        (0x10_0000, 9, 0x10_800f),
        (0x10_8000, 0xd1, 0x11_000b),
        (0x11_0000, 0x2cf, 0x11_8007),
        (0x11_8000, 0x9a, 0x12_0800),
        (0x12_0800, 0xbc, 0x55_5000),
    ];
    let mask = |level: usize| [(1_u64 << 53) - 1, (1 << 42) - 1, (1 << 31) - 1, (1 << 20) - 1, 0xfff][level];
    for (root, designation_type) in [(0, 0xc_u64), (1, 8), (2, 4)] {
        // Above its root an address has zeros.
        let iova = if root == 0 { IOVA } else { IOVA & mask(root - 1) };
        let iota = tables[root].0 | 0x800 | designation_type;
        let page = iova & !0xfff;
        for rules in [Rules::HARDWARE, Rules::QEMU] {
            for broken in root..=5 {
                let build = |change: &dyn Fn(usize, u64) -> u64| {
                    let mut storage = Storage::default();
                    for (level, (origin, index, entry)) in tables.into_iter().enumerate() {
                        storage.table(
                            origin,
                            if level == 4 { 256 } else { 2048 },
                            if level == 4 { 0x400 } else { 0x20 },
                        );
                        storage.words.insert(origin + index * 8, change(level, entry));
                    }
                    storage
                };
                let good = mapped(page, page | 0xfff, 0x55_5000, Protection::ReadWrite);
                if broken == 5 {
                    assert_eq!(look(&build(&|_, entry| entry), rules, iota, iova), good);
                    continue;
                }
                let at = |level| level == broken;
                let invalid = if broken == 4 { 0x400 } else { 0x20 };
                let storage = build(&|level, entry| if at(level) { entry | invalid } else { entry });
                assert_eq!(look(&storage, rules, iota, iova), hole(page, iova | mask(broken)), "{broken}");
                let storage = build(&|level, entry| if at(level) { entry | 0x200 } else { entry });
                let read_only = mapped(page, page | 0xfff, 0x55_5000, Protection::ReadOnly);
                assert_eq!(look(&storage, rules, iota, iova), read_only, "{broken}");
                if broken < 3 {
                    for (bits, code) in [(0x1, 8), (0x2, 8), (0x40, 8), (0x80, 8), (0x4, 9), (0x8, 9)] {
                        let storage = build(&|level, entry| if at(level) { entry ^ bits } else { entry });
                        assert_eq!(look(&storage, rules, iota, iova), Err(EventCode(code)), "{broken} {bits:#x}");
                    }
                }
            }
        }
    }
}

/// A frame of 1 MiB from its middle, where QEMU goes on behind its end.
#[test]
fn frames() {
    let mut storage = Storage::one_page_table();
    storage.words.insert(SEGMENTS, 0x4444_4400);
    let middle = 0x1_0000_5000;
    let expected = mapped(middle, 0x1_000f_ffff, 0x4440_5000, Protection::ReadWrite);
    assert_eq!(look(&storage, Rules::QEMU, 0x2_4804, middle + 0x123), expected);
    let expected = mapped(middle, 0x1_0010_4fff, 0x4440_5000, Protection::ReadWrite);
    assert_eq!(look(&storage, Rules::QEMU.with_steps_of_qemu(), 0x2_4804, middle), expected);
}

/// No root, no table.
#[test]
fn anchors_without_a_table() {
    let storage = Storage::default();
    for iota in [0, 0x2_4004, 0x2_4800, 0x2_4810, 0x2_4814, 0x2_4818, 0x2_481c] {
        assert!(GuestTable::new(&storage, Iota::from_bits(iota), Rules::QEMU).is_none(), "{iota:#x}");
    }
    // An origin at the end of storage wraps to where none is, and ends there.
    let last = look(&storage, Rules::QEMU, 0xffff_ffff_ffff_f804, 0x3ff_ffff_ffff);
    assert_eq!(last, Err(EventCode::INVALID_TABLE_ENTRY));
}

/// A refresh that starts within an invalid region drops the start of what follows it, with QEMU's steps alone (measured).
#[test]
fn from_the_middle_of_a_region() {
    for (rules, reaches) in [(Rules::QEMU.with_steps_of_qemu(), false), (Rules::QEMU, true), (Rules::HARDWARE, true)] {
        let mut storage = Storage::three_tables();
        storage.words.insert(0x2_4000 + 5 * 8, 0x2_8007);
        storage.words.insert(SEGMENTS, PAGES);
        storage.set(0, 0x5000);
        let mut function = enabled(configuration(rules));
        let aperture = fib(0, 0x1_0000_0000, 0x3ff_ffff_ffff, 0x2_4804);
        assert_eq!(function.modify(&mpcifc(4), &aperture).0, Answer::done(0x8002_0000_0000_0004));
        let mut books = Books::default();
        for (start, length, expected) in
            [(0x2_8000_0000, 0x1000, true), (0x2_0000_0000, 0x1_0000_0000, true), (0x2_4000_0000, 0x8000_0000, reaches)]
        {
            let answer = carry_out(&mut function, &rpcit(start, length), &storage, &mut books, 3);
            assert_eq!(answer, Answer::done(0x8002_0000_0000_0000));
            assert_eq!(books.pages.contains_key(&0x2_8000_0000), expected, "{start:#x}");
        }
    }
}
