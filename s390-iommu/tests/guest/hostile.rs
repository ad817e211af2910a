// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest that stores into its tables while they are read, and tables that are nothing but noise.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use clp::{DesignationTypes, FunctionType};
use s390_iommu::guest::{
    Answer, Configuration, FunctionControls, GuestMemory, GuestTable, Look, Mpcifc, Refreshed, Rpcit, Rules,
};
use s390_iommu::{AbsoluteAddress, Fib, InterruptParameters, Iova, IovaRange, Limits, Status};

use crate::books::{Books, Call};
use crate::fixture::{configuration, DISABLED, ENABLED};
use crate::storage::Storage;

/// Numbers that look random, the same ones for the same seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    }
}

/// Storage that answers each read anew, mostly with what passes for an entry.
struct Noise {
    numbers: RefCell<Numbers>,
    reads: Cell<u64>,
    /// Whether every entry is a good one.
    is_good: bool,
}

impl GuestMemory for Noise {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        self.reads.set(self.reads.get() + 1);
        // Where a table is says what it is: 0 a page table, 1 a segment table, up to 4.
        let level = address.get() >> 40 & 7;
        let mut numbers = self.numbers.borrow_mut();
        let word = numbers.next();
        Some(match numbers.next() % 256 {
            0 if !self.is_good => return None,
            1 if !self.is_good => word,
            2 if !self.is_good => 0,
            3 if !self.is_good => word & 0xffff,
            4..30 => 0x20,
            30..60 => 0x400,
            60..90 if level == 1 => word & 0xffff_fff0_0200 | 0x400,
            _ if level == 0 => word & 0x3200 | 0x5000,
            _ => level.wrapping_sub(1) << 40 | word & 0xff_c000 | if level > 1 { 3 | (level - 1) << 2 } else { 0 },
        })
    }
}

/// Whatever the tables are: no panic, no work without bound, and nothing mapped that was not asked for.
#[test]
fn noise() {
    let mut numbers = Numbers(11);
    let (mut mapped, mut errors, mut cut) = (0, 0, 0);
    for round in 0..3000_u64 {
        let rules =
            [Rules::HARDWARE, Rules::QEMU, Rules::QEMU.with_steps_of_qemu(), Rules::HARDWARE.with_steps_of_qemu()];
        let limits = Limits {
            window: IovaRange::ALL,
            designation_types: DesignationTypes(0xff),
            relaxed_translation: round % 2 == 0,
            refresh_on_map: true,
            function_type: FunctionType(if round % 5 == 0 { 5 } else { 0 }),
        };
        let given = Configuration { limits, ..configuration(rules[round as usize % 4]) };
        let mut function = FunctionControls::new(DISABLED, given);
        function.enable(ENABLED);
        let storage = Noise { numbers: RefCell::new(Numbers(round)), reads: Cell::new(0), is_good: round % 3 == 0 };
        let mut books = Books { joins: round % 3 == 0, ..Books::default() };
        books.limit = (round % 7 == 0).then_some(300);
        for _ in 0..20 {
            let register = u64::from(ENABLED.0) << 32;
            let aperture = (numbers.next() & numbers.next(), numbers.next() | numbers.next());
            let levels = 1 + numbers.next() % 3;
            let anchor = (levels + 1) << 40 | 0x10_0800 | levels << 2 | if round % 4 == 3 { 0x200 } else { 0 };
            let fib = Fib {
                first: aperture.0.into(),
                last: aperture.1.into(),
                iota: anchor.into(),
                measurement_block: (numbers.next() & !1).into(),
                interrupts: InterruptParameters {
                    word: (numbers.next() as u32).into(),
                    vector: numbers.next().into(),
                    summary: numbers.next().into(),
                    ..Fib::ZERO.interrupts
                },
                ..Fib::ZERO
            };
            let control = match function.registration() {
                None => 4,
                Some(_) => [7, 7, 7, 5, 6, 9, 2, 3, 10, numbers.next()][numbers.next() as usize % 10],
            };
            if let Ok(request) = Mpcifc::decode(register | control & 0xffff, 0) {
                let before = (function.registration(), function.state(), function.interrupts(), function.measurement());
                let (answer, effect) = function.modify(&request, &fib);
                if numbers.next().is_multiple_of(16) {
                    let _ = function.take_back(answer, Status::NO_RESOURCE);
                    let after =
                        (function.registration(), function.state(), function.interrupts(), function.measurement());
                    assert_eq!(after, before, "{request:?}");
                }
                if matches!(
                    effect,
                    s390_iommu::guest::Effect::Deregistered | s390_iommu::guest::Effect::Reregistered(_)
                ) {
                    books.pages.clear();
                }
            }
            let start = match (function.registration(), numbers.next() % 4) {
                (Some(it), 1..) => it.aperture.start().get().wrapping_add(numbers.next() >> (8 + numbers.next() % 56)),
                _ => numbers.next(),
            };
            let length = numbers.next() >> (numbers.next() % 64);
            let request = Rpcit::decode(register, 2, [start, length]).unwrap();
            books.calls.clear();
            let mut progress = function.refresh(&request);
            let registration = function.registration();
            for _ in 0..3 {
                let Refreshed::More(pending) = progress else { break };
                let budget = 1 + numbers.next() % 30;
                let before = storage.reads.get();
                let calls = books.calls.len();
                progress = function.proceed(pending, &storage, &mut books, budget);
                assert!(storage.reads.get() - before <= budget + 4);
                // What is replaced is unmapped and mapped.
                let pages = books.calls[calls..].iter().map(|(_, _, pages)| pages).sum::<u64>();
                assert!(pages <= 2 * budget, "{pages} pages with a budget of {budget}");
                // Noise maps frames in no row; bound what the books have to hold.
                if books.pages.len() > 4096 {
                    books.pages.clear();
                }
            }
            cut += u64::from(matches!(progress, Refreshed::More(_)));
            errors += u64::from(matches!(progress, Refreshed::Done(Answer { event: Some(_), .. })));
            for (call, first, pages) in &books.calls {
                let aperture = registration.unwrap().aperture;
                let (start, last) = (start & !0xfff, start.saturating_add(length.saturating_sub(1)) | 0xfff);
                assert!(*first >= start.max(aperture.start().get()), "{call:?} {first:#x}");
                assert!(first + (pages * 4096 - 1) <= last.min(aperture.last().get()), "{call:?} {first:#x}");
                mapped += u64::from(*call == Call::Map);
            }
            if let Refreshed::More(pending) = progress {
                let _ = function.disable(DISABLED);
                assert!(matches!(function.proceed(pending, &storage, &mut books, 1), Refreshed::Done(_)));
                function.enable(ENABLED);
                books.pages.clear();
            }
        }
    }
    assert!(mapped > 1000 && errors > 1000 && cut > 100, "{mapped} {errors} {cut}");
}

/// Storage in which every word is another one when it is read again.
struct Changing<'a> {
    storage: &'a Storage,
    seen: RefCell<HashSet<u64>>,
    then: u64,
}

impl GuestMemory for Changing<'_> {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        if self.seen.borrow_mut().insert(address.get()) {
            return self.storage.read_entry(address);
        }
        Some(self.then)
    }
}

/// An entry is read once for a page: what it said then is what it is taken for, check and use alike.
#[test]
fn entries_that_change() {
    let mut storage = Storage::one_page_table();
    storage.set(0, 0x50_0000);
    let iova = Iova::new(0x1_0000_0000);
    for rules in [Rules::HARDWARE, Rules::QEMU] {
        for then in [0, 0x20, 0x400, 0x7777_7000, u64::MAX] {
            let changing = Changing { storage: &storage, seen: RefCell::default(), then };
            let mut table = GuestTable::new(&changing, 0x2_4804.into(), rules).unwrap();
            let Ok(Look::Mapped(run)) = table.look(iova) else { panic!("{then:#x}") };
            assert_eq!((run.absolute.get(), table.reads()), (0x50_0000, 3));
            // The next look sees the next value.
            let expected = match then {
                0 if rules == Rules::QEMU => Err(7),
                0 => Ok(Some(0)),
                0x7777_7000 => Ok(Some(0x7777_7000)),
                0x20 if rules == Rules::QEMU => Err(9),
                0x20 => Ok(Some(0)),
                _ => Ok(None),
            };
            let again = table.look(iova).map_err(|error| error.code.0).map(|look| match look {
                Look::Mapped(run) => Some(run.absolute.get()),
                Look::Hole(_) => None,
            });
            assert_eq!(again, expected, "{then:#x}");
        }
    }
}

/// All 2^64 bytes of a tree whose every entry is a frame or leads to itself: no step is long, and a disable ends it.
#[test]
fn without_end() {
    struct Same;
    impl GuestMemory for Same {
        fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
            Some(match address.get() >> 20 {
                1 => 0x20_000f,
                2 => 0x30_000b,
                3 => 0x40_0007,
                4 => 0x20,
                _ => return None,
            })
        }
    }
    let limits = Limits {
        window: IovaRange::ALL,
        designation_types: DesignationTypes(0x10),
        ..configuration(Rules::HARDWARE).limits
    };
    let mut function = FunctionControls::new(DISABLED, Configuration { limits, ..configuration(Rules::HARDWARE) });
    function.enable(ENABLED);
    let register = u64::from(ENABLED.0) << 32;
    let fib = Fib { last: u64::MAX.into(), iota: 0x10_080c.into(), ..Fib::ZERO };
    assert_eq!(function.modify(&Mpcifc::decode(register | 4, 0).unwrap(), &fib).0, Answer::done(register | 4));
    let mut books = Books::default();
    let request = Rpcit::decode(register, 2, [0, u64::MAX]).unwrap();
    let Refreshed::More(pending) = function.refresh(&request) else { panic!() };
    for _ in 0..1000 {
        assert_eq!(function.proceed(pending, &Same, &mut books, 100), Refreshed::More(pending));
    }
    assert!(books.calls.is_empty());
    let _ = function.disable(DISABLED);
    assert!(matches!(function.proceed(pending, &Same, &mut books, 100), Refreshed::Done(_)));
}
