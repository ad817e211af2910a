// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest that issues anything, with tables that are whatever the input says when they are read: the first byte chooses the
//! machine, the following ones instructions and, in between, the entries that the walks of RPCIT meet. The same entry may be
//! another one at the next look.
//!
//! What must hold: no panic; no more looks and calls than the budget allows; nothing mapped outside of the range, of the
//! aperture, or where something is mapped (which the books of the property tests say); nothing answered to a handle that is
//! none; an event leaves the function in error.

#![no_main]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use clp::{DesignationTypes, FunctionHandle, FunctionId, FunctionType};
use libfuzzer_sys::fuzz_target;
use s390_iommu::guest::{
    Answer, Configuration, Effect, End, FunctionControls, GuestMemory, Mpcifc, Refreshed, Rpcit, Rules, Sic, State,
    Stpcifc, Suppression,
};
use s390_iommu::{AbsoluteAddress, Fib, InterruptParameters, Iova, IovaRange, Limits, Status};
use zerocopy::IntoBytes;

use crate::books::Books;

#[path = "../../../s390-iommu/tests/guest/books.rs"]
#[expect(dead_code, reason = "the property tests use more of it")]
mod books;

const DISABLED: FunctionHandle = FunctionHandle(0x0002_0000);
const ENABLED: FunctionHandle = FunctionHandle(0x8002_0000);

/// Most instructions of one input.
const INSTRUCTIONS: usize = 64;
/// Most calls of one refresh.
const CALLS: u64 = 16;

/// The rest of the input, zeros behind its end.
struct Input<'a>(Cell<&'a [u8]>);

impl Input<'_> {
    fn byte(&self) -> u8 {
        let (first, rest) = self.0.get().split_first().unwrap_or((&0, &[]));
        self.0.set(rest);
        *first
    }

    fn word(&self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    /// An address near the places where tables end, or anywhere.
    fn address(&self) -> u64 {
        let near = [0x1_0000_0000, 0x1_8000_0000, 0x400_0000_0000, 0x20_0000_0000_0000, u64::MAX, 0];
        match self.byte() {
            choice @ 0..240 => {
                let (place, pages) = (usize::from(choice) % near.len(), u64::from(choice) / near.len() as u64);
                near[place].wrapping_add(pages.wrapping_sub(20) << 12).wrapping_add(u64::from(self.byte() & 0x80))
            }
            _ => self.word(),
        }
    }
}

/// Tables whose address says what they are: a page table at 0 << 40, a segment table at 1 << 40, and so on.
struct Storage<'i, 'a> {
    input: &'i Input<'a>,
    /// What was read before, if it is to stay.
    known: Option<RefCell<BTreeMap<u64, Option<u64>>>>,
    reads: Cell<u64>,
    /// Whether an anchor or entry that leads elsewhere than to a doubleword is refused; QEMU reads there.
    aligned: bool,
}

impl Storage<'_, '_> {
    fn entry(&self, level: u64) -> Option<u64> {
        let input = self.input;
        let kind = input.byte();
        let frame = u64::from(kind & 0x70) << 10 | 0x5000;
        let next = level.wrapping_sub(1) << 40 | u64::from(kind & 0x70) << 12;
        let good = match level {
            0 => frame | if kind & 0x80 != 0 { 0x200 } else { 0 },
            1 => next,
            _ => next | (level - 1) << 2 | 3,
        };
        match kind & 0xf {
            0..8 => Some(good),
            8 | 9 => Some(if level == 0 { 0x400 } else { 0x20 }),
            10 => Some(0),
            11 if level == 1 => Some(0x400 | u64::from(kind & 0xf0) << 16 | if kind & 0x80 != 0 { 0x200 } else { 0 }),
            12 => Some(good | 0x200),
            13 => Some(good ^ 1 << (input.byte() % 64)),
            14 => None,
            _ => Some(input.word()),
        }
    }
}

impl GuestMemory for Storage<'_, '_> {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        self.reads.set(self.reads.get() + 1);
        assert!(!self.aligned || address.get().is_multiple_of(8), "{address:?}");
        let level = address.get() >> 40 & 7;
        match &self.known {
            Some(known) => *known.borrow_mut().entry(address.get()).or_insert_with(|| self.entry(level)),
            None => self.entry(level),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let input = Input(Cell::new(bytes));
    let machine = input.byte();
    let rules = [Rules::HARDWARE, Rules::QEMU, Rules::QEMU.with_steps_of_qemu(), Rules::HARDWARE.with_steps_of_qemu()];
    let limits = Limits {
        window: if machine & 4 == 0 { IovaRange::ALL } else { IovaRange::new(Iova::new(0), Iova::new(0x01ff_ffff_ffff_ffff)).unwrap() },
        designation_types: DesignationTypes(if machine & 8 == 0 { 0xff } else { 0x40 }),
        relaxed_translation: machine & 16 != 0,
        refresh_on_map: true,
        function_type: FunctionType(if machine & 32 == 0 { 0 } else { 5 }),
    };
    let configuration = Configuration {
        id: FunctionId(1),
        limits,
        max_interrupts: 128,
        has_measurement: machine & 64 != 0,
        rules: rules[usize::from(machine & 3)],
    };
    let storage = Storage {
        input: &input,
        known: (machine & 128 != 0).then(RefCell::default),
        reads: Cell::new(0),
        aligned: matches!(machine & 3, 0 | 3),
    };
    let mut function = FunctionControls::new(DISABLED, configuration);
    function.enable(ENABLED);
    let mut books = Books { joins: machine & 1 != 0, ..Books::default() };
    books.limit = (machine & 2 != 0).then_some(300);
    let mut suppression = Suppression::new();
    for _ in 0..INSTRUCTIONS {
        if input.0.get().is_empty() {
            break;
        }
        let what = input.byte();
        // Mostly the handle that there is.
        let handle = if what & 0xf0 == 0xf0 { input.word() as u32 } else { ENABLED.0 };
        let register = u64::from(handle) << 32;
        match what & 0xf {
            0..4 => modify(&mut function, register, &storage, &mut books),
            4..12 => refresh(&mut function, register, &storage, &mut books),
            12 => {
                let (r1, address) = (input.word(), input.word());
                if let Ok(request) = Stpcifc::decode(r1, address) {
                    let (answer, fib) = function.store(&request);
                    assert!(fib.is_none() || answer.event.is_none());
                }
            }
            13 => {
                let (r1, r3) = (input.word(), input.word());
                if let Ok(request) = Sic::decode(r1, r3) {
                    suppression.set(request);
                    let _ = suppression.present(request.subclass);
                    let _ = suppression.present(input.byte());
                }
            }
            14 => {
                let _ = function.disable(DISABLED);
                books.pages.clear();
                assert_eq!(function.registration(), None);
                function.enable(ENABLED);
            }
            _ => {
                let iova = Iova::new(input.address());
                let before = function.state();
                let accessed = function.check_access(iova);
                assert!(accessed.is_err() || before == function.state());
            }
        }
        // Noise maps frames in no row; this bounds what the books have to hold.
        if books.pages.len() > 4096 {
            books.pages.clear();
            let _ = function.disable(DISABLED);
            function.enable(ENABLED);
        }
    }
});

fn modify(function: &mut FunctionControls, register: u64, storage: &Storage<'_, '_>, books: &mut Books) {
    let input = storage.input;
    let control = match input.byte() {
        choice @ 0..192 => [4, 4, 4, 7, 5, 6, 9, 2, 3, 10][usize::from(choice) % 10],
        _ => input.word() & 0xff_ffff,
    };
    let level = 1 + u64::from(input.byte()) % 3;
    let anchor = match input.byte() {
        0..224 => (level + 1) << 40 | 0x800 | level << 2,
        _ => input.word(),
    };
    let fib = Fib {
        first: input.address().into(),
        last: input.address().into(),
        iota: anchor.into(),
        measurement_block: (input.word() & !0xf).into(),
        interrupts: InterruptParameters {
            word: (input.word() as u32).into(),
            vector: input.word().into(),
            summary: input.word().into(),
            ..Fib::ZERO.interrupts
        },
        ..Fib::ZERO
    };
    let Ok(request) = Mpcifc::decode(register | control, 0x1000) else { return };
    let before = (function.registration(), function.state());
    let (answer, effect) = function.modify(&request, &fib);
    if request.handle != function.handle() {
        assert!(matches!(effect, Effect::None), "{effect:?} of a handle that is none");
        assert_eq!((function.registration(), function.state()), before);
    }
    if matches!(answer.end, End::ProgramCheck(_)) {
        match effect {
            Effect::None => assert_eq!((function.registration(), function.state()), before, "suppressed"),
            // QEMU deregisters before it looks at what is to be registered instead.
            Effect::Deregistered => assert_eq!((function.registration(), function.state()), (None, before.1)),
            other => panic!("{other:?} with a program interruption"),
        }
    }
    if matches!(effect, Effect::Deregistered | Effect::Reregistered(_)) {
        books.pages.clear();
    }
    if input.byte() & 7 == 7 {
        let refused = function.take_back(answer, Status::NO_RESOURCE);
        assert_eq!(refused, Answer::status(register | control, Status::NO_RESOURCE));
        assert_eq!((function.registration(), function.state()), before, "taken back");
        books.pages.clear();
        return;
    }
    if matches!(effect, Effect::Reset) {
        if let Some(pending) = function.refresh_all() {
            finish(function, Refreshed::More(pending), storage, books, (0, u64::MAX));
        }
    }
    if let Some(registration) = function.registration() {
        assert_eq!(registration.aperture.start().get() % 4096, 0);
    }
    let _ = fib.as_bytes();
}

fn refresh(function: &mut FunctionControls, register: u64, storage: &Storage<'_, '_>, books: &mut Books) {
    let (start, length) = {
        let input = storage.input;
        (input.address(), input.word() >> (input.byte() % 64))
    };
    let Ok(request) = Rpcit::decode(register, 2, [start, length]) else { return };
    let is_ours = request.handle == function.handle();
    let progress = function.refresh(&request);
    assert!(is_ours || matches!(progress, Refreshed::Done(Answer { event: None, .. })));
    let range = (start & !0xfff, start.saturating_add(length.saturating_sub(1)) | 0xfff);
    finish(function, progress, storage, books, range);
}

/// Carries out a refresh of what lies in `range`, some steps of it.
fn finish(
    function: &mut FunctionControls,
    mut progress: Refreshed,
    storage: &Storage<'_, '_>,
    books: &mut Books,
    (start, last): (u64, u64),
) {
    let registration = function.registration();
    books.calls.clear();
    for _ in 0..CALLS {
        let Refreshed::More(pending) = progress else { break };
        let budget = 1 + u64::from(storage.input.byte() % 32);
        let (reads, calls) = (storage.reads.get(), books.calls.len());
        progress = function.proceed(pending, storage, books, budget);
        assert!(storage.reads.get() - reads <= budget + 4, "{} reads of {budget}", storage.reads.get() - reads);
        assert!((books.calls.len() - calls) as u64 <= 2 * budget);
    }
    for (call, first, pages) in &books.calls {
        let aperture = registration.expect("a registration, since something was mapped").aperture;
        assert!(*first >= start.max(aperture.start().get()), "{call:?} {first:#x}");
        assert!(first + (pages * 4096 - 1) <= last.min(aperture.last().get()), "{call:?} {first:#x}");
    }
    match progress {
        Refreshed::Done(Answer { event: Some(event), .. }) => {
            assert_eq!(function.state(), State::Error, "{event}");
        }
        Refreshed::Done(_) => {}
        Refreshed::More(pending) => {
            // Given up: the function is reset, and the refresh goes nowhere.
            let _ = function.disable(DISABLED);
            assert!(matches!(function.proceed(pending, storage, books, 1), Refreshed::Done(_)));
            function.enable(ENABLED);
            books.pages.clear();
        }
    }
}
