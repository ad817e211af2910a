// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Random tables and refreshes against the model: every root, both machines, hosts that run out.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use clp::DesignationTypes;
use s390_iommu::guest::{Configuration, End, FunctionControls, Rules};
use s390_iommu::{Fib, Iova, IovaRange, Limits};

use crate::books::Books;
use crate::fixture::{carry_out, configuration, enabled, fib, mpcifc, rpcit};
use crate::model;
use crate::storage::Storage;

/// One step of a guest.
#[derive(Clone, Debug)]
enum Step {
    /// An entry of a table is replaced: which table, near which index, what.
    Store { table: u8, index: u8, entry: Entry },
    /// RPCIT: the page it starts at, bytes beyond that, number of bytes.
    Refresh { anchor: u8, page: i16, odd: u16, pages: u16, long: u8 },
    /// The host can map so many pages more or less.
    Limit { pages: Option<u8> },
}

#[derive(Clone, Debug)]
enum Entry {
    Table { which: u8, bits: u16 },
    Leaf { frame: u8, bits: u16 },
    Raw(u64),
}

/// Tables of a guest, of the types that the depth of a tree has: those of type 0 are page tables.
const TABLES: [(u64, u64); 10] = [
    (4, 0x10_0000),
    (3, 0x10_4000),
    (3, 0x10_8000),
    (2, 0x10_c000),
    (2, 0x11_0000),
    (1, 0x11_4000),
    (1, 0x11_8000),
    (0, 0x12_0000),
    (0, 0x12_0800),
    (0, 0x12_1000),
];

fn table_of(which: u8) -> (u64, u64) {
    TABLES[usize::from(which) % TABLES.len()]
}

impl Entry {
    /// The entry of a table of type `owner`: 0 a page table, 1 a segment table, up to 4.
    fn word(&self, owner: u64) -> u64 {
        match self {
            Self::Table { which, bits } => {
                // Mostly a table of the type that belongs there.
                let below: Vec<_> = TABLES.iter().filter(|(kind, _)| kind + 1 == owner).collect();
                let origin = match below.len() {
                    0 => table_of(*which).1,
                    count => below[usize::from(*which) % count].1,
                };
                let flags = if owner >= 2 { 3 | (owner - 1) << 2 } else { 0 };
                (origin | flags) ^ u64::from(*bits)
            }
            Self::Leaf { frame, bits } => {
                let frame = u64::from(*frame);
                let address = if owner == 1 { frame << 20 | 0x400 } else { frame << 12 };
                address ^ u64::from(*bits)
            }
            Self::Raw(word) => *word,
        }
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let flip = prop_oneof![8 => Just(0_u16), 2 => Just(0x200), 1 => (0_u32..12).prop_map(|bit| 1 << bit)];
    prop_oneof![
        6 => (any::<u8>(), flip.clone()).prop_map(|(which, bits)| Entry::Table { which, bits }),
        6 => (0_u8..6, flip).prop_map(|(frame, bits)| Entry::Leaf { frame, bits }),
        2 => prop_oneof![Just(0x20), Just(0x400), Just(0x420), Just(0), Just(0x7777_0000_0000_0007)].prop_map(Entry::Raw),
        1 => any::<u64>().prop_map(Entry::Raw),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let page = prop_oneof![-3_i16..3, -260_i16..260];
    let odd = prop_oneof![3 => Just(0_u16), 1 => 0_u16..4096];
    prop_oneof![
        8 => (any::<u8>(), 0_u8..4, entry()).prop_map(|(table, index, entry)| Step::Store { table, index, entry }),
        6 => (0_u8..5, page, odd, 0_u16..600, 0_u8..40)
            .prop_map(|(anchor, page, odd, pages, long)| Step::Refresh { anchor, page, odd, pages, long }),
        2 => prop_oneof![1 => Just(None), 2 => (0_u8..7).prop_map(Some)].prop_map(|pages| Step::Limit { pages }),
    ]
}

/// Where the indices 0 and 1 of every table meet, and what lies around.
const ANCHORS: [u64; 5] = [0, 1 << 20, 1 << 31, 1 << 42, 1 << 53];

struct Trial {
    function: FunctionControls,
    storage: Storage,
    books: Books,
    origin: u64,
    levels: u32,
    qemu: bool,
    steps: bool,
    aperture: (u64, u64),
    budget: u64,
    /// Refreshes that were done with something mapped afterwards, that met a wrong entry, that the host ended.
    outcomes: [u64; 3],
}

impl Trial {
    fn new(levels: u32, (qemu, steps): (bool, bool), joins: bool, budget: u64) -> Self {
        let rules = if qemu { Rules::QEMU } else { Rules::HARDWARE };
        let rules = if steps { rules.with_steps_of_qemu() } else { rules };
        let window = IovaRange::new(Iova::new(0), Iova::new(u64::MAX)).unwrap();
        let limits = Limits { window, designation_types: DesignationTypes(0x70), ..configuration(rules).limits };
        let origin = TABLES.iter().find(|(kind, _)| *kind == u64::from(levels) + 1).unwrap().1;
        let mut storage = Storage::default();
        for (kind, origin) in TABLES {
            storage.table(origin, if kind == 0 { 256 } else { 2048 }, if kind == 0 { 0x400 } else { 0x20 });
        }
        // One path leads all the way from the start.
        for (kind, origin) in TABLES {
            if kind > 0 {
                storage.words.insert(origin, Entry::Table { which: 0, bits: 0 }.word(kind));
            }
        }
        let aperture = (0x1000, u64::MAX - 0x1000);
        let mut trial = Self {
            function: enabled(Configuration { limits, ..configuration(rules) }),
            storage,
            books: Books { joins, ..Books::default() },
            origin,
            levels,
            qemu,
            steps,
            aperture,
            budget,
            outcomes: [0; 3],
        };
        trial.register();
        trial
    }

    fn register(&mut self) {
        let iota = self.origin | 0x800 | u64::from(self.levels) << 2;
        let (answer, _) = self.function.modify(&mpcifc(4), &fib(0, self.aperture.0, self.aperture.1, iota));
        assert_eq!(answer.end, End::Condition(clp::ConditionCode::Zero));
    }

    fn apply(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Store { table, index, entry } => {
                let (kind, origin) = table_of(*table);
                self.storage.words.insert(origin + u64::from(*index) * 8, entry.word(kind));
                Ok(())
            }
            Step::Limit { pages } => {
                self.books.limit = pages.map(|pages| (self.books.pages.len() + usize::from(pages)).saturating_sub(5));
                Ok(())
            }
            Step::Refresh { anchor, page, odd, pages, long } => {
                let anchor = ANCHORS[usize::from(*anchor)];
                let start = anchor.wrapping_add_signed(i64::from(*page) * 4096);
                // By QEMU's steps, what is mapped on the way may need more room than what stays.
                let has_odd = !(self.steps && self.books.limit.is_some());
                let start = if has_odd { start.wrapping_add(u64::from(*odd)) } else { start };
                // Sometimes up to the next region, with an index of one more.
                let length = u64::from(*pages) * 4096 + if *long < 3 { 1 << 31 } else { u64::from(*long) };
                self.refresh(start, length)
            }
        }
    }

    fn refresh(&mut self, start: u64, length: u64) -> Result<(), String> {
        let before = self.books.view();
        let answer = carry_out(&mut self.function, &rpcit(start, length), &self.storage, &mut self.books, self.budget);
        let End::Condition(cc) = answer.end else { return Err(format!("{answer:?}")) };
        let got = (cc as u8, answer.register >> 24 & 0xff, answer.event.map(|it| (it.iova().get(), it.code().0)));
        let view = self.books.view();

        let mut expected = before.clone();
        let end = if self.qemu { start.wrapping_add(length) } else { start.saturating_add(length) };
        let wrong = if end < self.aperture.0 || start > self.aperture.1 {
            Some((start, 2))
        } else if length == 0 || end < start {
            None
        } else if self.steps {
            let (words, origin, levels, qemu): (&HashMap<_, _>, _, _, _) =
                (&self.storage.words, self.origin, self.levels, self.qemu);
            model::refresh_by_steps(&mut expected, (start, end), self.aperture, |page| {
                model::walk(words, origin, levels, qemu, page)
            })
        } else {
            let first = (start & !0xfff).max(self.aperture.0);
            let last = ((end - 1) | 0xfff).min(self.aperture.1);
            if first > last {
                None
            } else {
                let (words, origin, levels, qemu): (&HashMap<_, _>, _, _, _) =
                    (&self.storage.words, self.origin, self.levels, self.qemu);
                model::refresh(&mut expected, (first, last), |page| model::walk(words, origin, levels, qemu, page))
                    .map(|(page, code)| (page + start % 4096, code))
            }
        };
        let has_new = expected.iter().any(|(page, leaf)| before.get(page).is_none_or(|old| old.0 != leaf.0));
        let fits = !has_new || self.books.limit.is_none_or(|limit| expected.len() <= limit);
        if let Some(wrong) = wrong {
            self.outcomes[1] += u64::from(wrong.1 > 2);
            if (got.0, got.1, got.2) != (1, 8, Some(wrong)) {
                return Err(format!("{got:x?} instead of {wrong:x?}"));
            }
            let (answer, _) = self.function.modify(&mpcifc(7), &Fib::ZERO);
            assert_eq!(answer.end, End::Condition(clp::ConditionCode::Zero));
            if self.books.limit.is_none() && view != expected {
                return Err(difference(&view, &expected));
            }
            return Ok(());
        }
        if fits {
            self.outcomes[0] += u64::from(!view.is_empty());
            if got != (0, 0, None) {
                return Err(format!("{got:x?} instead of done"));
            }
            return if view == expected { Ok(()) } else { Err(difference(&view, &expected)) };
        }
        if got != (1, 16, None) {
            return Err(format!("{got:x?} instead of exhausted"));
        }
        self.outcomes[2] += 1;
        // What is still true stays, what is not is gone, and nothing is new.
        for (page, (absolute, read_only)) in &expected {
            let now = view.get(page);
            match before.get(page) {
                Some(old) if old.0 == *absolute => {
                    let allowed = [Some(&(*absolute, *read_only)), Some(old)];
                    // It may not stay writable if it must not be.
                    let fits = allowed.contains(&now) && (now.is_some_and(|now| now.1) || !read_only);
                    if !fits {
                        return Err(format!("page {page:#x}: {now:x?} of {old:x?}"));
                    }
                }
                _ if now.is_some() => return Err(format!("page {page:#x} is new: {now:x?}")),
                _ => {}
            }
        }
        match view.keys().find(|page| !expected.contains_key(page)) {
            Some(page) => Err(format!("page {page:#x} is still mapped")),
            None => Ok(()),
        }
    }
}

fn difference(view: &BTreeMap<u64, (u64, bool)>, expected: &BTreeMap<u64, (u64, bool)>) -> String {
    let page = view.keys().chain(expected.keys()).find(|page| view.get(page) != expected.get(page));
    let page = page.copied().unwrap_or_default();
    format!("page {page:#x} is {:x?} instead of {:x?}", view.get(&page), expected.get(&page))
}

#[test]
fn against_the_model() {
    for levels in 1..=3 {
        for (machine, joins) in [
            ((true, false), false),
            ((true, false), true),
            ((true, true), true),
            ((false, false), false),
            ((false, false), true),
            ((false, true), false),
        ] {
            let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
            let outcomes = Cell::new([0; 3]);
            let steps = (vec(step(), 1..60), prop_oneof![Just(u64::MAX), 1_u64..20]);
            let result = runner.run(&steps, |(steps, budget)| {
                let mut trial = Trial::new(levels, machine, joins, budget);
                for (number, step) in steps.iter().enumerate() {
                    trial.apply(step).map_err(|it| TestCaseError::fail(format!("step {number}, {step:x?}: {it}")))?;
                }
                let sum = |index: usize| outcomes.get()[index] + trial.outcomes[index];
                outcomes.set([sum(0), sum(1), sum(2)]);
                Ok(())
            });
            if let Err(error) = result {
                panic!("{levels} region tables, QEMU and its steps {machine:?}, joined {joins}: {error}");
            }
            assert!(outcomes.get().iter().all(|count| *count > 10), "{outcomes:?}");
        }
    }
}
