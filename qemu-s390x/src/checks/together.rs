// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Several functions at the same time, measured while they work.

use core::fmt::{self, Write};

use clp::{Function, FunctionGroup};
use heapless::Vec;
use s390_iommu::{EventCode, Iova, IovaRange, Measurement, Outcome, Status, Transfers, Zpci, PAGE_SIZE};
use zpci_machine::interruption::{Subclasses, Suppression};
use zpci_tests::Stop;

use super::any_device::AnyDevice;
use super::places::Places;
use super::recovery::{recover, Way};
use super::transfers::{enable, explain, memory, prepare, Driver};
use crate::address_space::{AddressSpace, Mapped};
use crate::counting::{Counting, Counts, MOST};
use crate::enabled::EnabledFunction;
use crate::facts::SampleFact;
use crate::interrupts::{Indicators, Interrupts, Layout};
use crate::measured::Measured;
use crate::pci::{Configuration, MsiMessage, Msix, PciFunction, Space, Width};
use crate::platform::Platform;
use crate::processor::{Processor, Taken};
use crate::report::Report;
use crate::requests::Requests;
use crate::stop::{attempt, fail, must_survive, skip};

/// Name of the group.
const NAME: &str = "together";

/// How often each function, or all of them, get a request.
const ROUNDS: u32 = 8;

/// The subclass of all of them.
const SUBCLASS: u8 = 3;

/// Where in the page all summary bits are.
const SUMMARY: u16 = 0xe00;

/// Longest time from a request to its interrupt, in microseconds.
const LONGEST: u64 = 2_000_000;

/// Time in which nothing is to happen.
const QUIET: u64 = 2_000;

/// More events than can be pending.
const MOST_EVENTS: usize = 4096;

/// Registers of an NVMe controller: configuration, status, and the addresses of the admin queues, which follow each other.
const CONFIGURATION: u64 = 0x14;
const CONTROLLER_STATUS: u64 = 0x1c;
const QUEUES: u64 = 0x28;

/// The case that not every device can do.
const BLOCK_STORE: &str = "block-store";

/// A function with a driver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) function: Function,
    pub(crate) group: FunctionGroup,
    pub(super) driver: Driver,
}

/// The functions that are used together: the first ones that have a driver.
pub(crate) type Candidates = Vec<Candidate, MOST>;

/// One of them, at work.
struct Member<'x, 'm, P: Platform> {
    function: &'x EnabledFunction<'x, Counting<'m, P>>,
    space: &'x AddressSpace<'x, 'x, Counting<'m, P>>,
    memory: &'x Mapped<'x, 'x, 'x, Counting<'m, P>>,
    interrupts: Interrupts<'x, 'x, 'x, Counting<'m, P>>,
    msix: Msix<'x, EnabledFunction<'x, Counting<'m, P>>>,
    entry: u16,
    device: AnyDevice<'x, 'x, EnabledFunction<'x, Counting<'m, P>>, Counting<'m, P>>,
    measured: Measured<'x, 'x, Counting<'m, P>>,
}

/// Has several functions work at the same time, and reports one result.
///
/// # Errors
///
/// Those of the output.
pub(crate) fn together<P: Platform, W: Write>(
    platform: &P,
    processor: &dyn Processor,
    candidates: &Candidates,
    report: &mut Report<W>,
) -> fmt::Result {
    if candidates.is_empty() {
        return report.case(NAME, Err(skip("no function has a driver")));
    }
    let counting = Counting::new(platform);
    let enabled = candidates.iter().map(|candidate| enable(&counting, candidate.function, candidate.group));
    let enabled = match enabled.collect::<Result<Vec<_, MOST>, Stop>>() {
        Ok(enabled) => enabled,
        Err(stop) => return report.case(NAME, Err(stop)),
    };
    let mut spaces = Vec::<_, MOST>::new();
    for (enabled, candidate) in enabled.iter().zip(candidates) {
        match prepare(enabled, candidate.driver) {
            // There are as many places as candidates.
            Ok(space) => drop(spaces.push((space, candidate.driver))),
            // A device that bypasses translation.
            Err(Stop::Skip(_)) => {}
            Err(stop) => return report.case(NAME, Err(stop)),
        }
    }
    let bytes = AnyDevice::<EnabledFunction<'_, Counting<'_, P>>, Counting<'_, P>>::MEMORY;
    let memories = spaces.iter().map(|(space, _)| memory(space, bytes)).collect::<Result<Vec<_, MOST>, Stop>>();
    let indicators = Indicators::new(&counting);
    let (memories, indicators) = match memories.and_then(|memories| Ok((memories, indicators?))) {
        Ok(both) => both,
        Err(stop) => return report.case(NAME, Err(stop)),
    };
    processor.enable(Subclasses::NONE);
    let places = spaces.iter().zip(&memories).enumerate();
    let members = places.map(|(place, ((space, driver), memory))| {
        Member::new(place, *driver, space, memory, &indicators)
            .map(|member| (counting.watch(place, member.function.handle()), member).1)
    });
    let members = match members.collect::<Result<Vec<_, MOST>, Stop>>() {
        Ok(members) => members,
        Err(stop) => return report.case(NAME, Err(stop)),
    };
    Together { counting: &counting, processor, indicators: &indicators, members, samples: Vec::new() }.run(report)
}

impl<'x, 'm, P: Platform> Member<'x, 'm, P> {
    /// Brings up the device of a function, with interrupts and measured.
    fn new(
        place: usize,
        driver: Driver,
        space: &'x AddressSpace<'x, 'x, Counting<'m, P>>,
        memory: &'x Mapped<'x, 'x, 'x, Counting<'m, P>>,
        indicators: &'x Indicators<'x, Counting<'m, P>>,
    ) -> Result<Self, Stop> {
        let function = space.function();
        let layout = Layout {
            subclass: SUBCLASS,
            vector: 0x400 + place as u16 * 0x40,
            vector_offset: 0,
            // All summary bits are in one byte.
            summary: SUMMARY,
            summary_offset: place as u8,
        };
        let interrupts = Interrupts::new(function, indicators, layout).map_err(fail)?;
        let msix = Msix::of(function).map_err(fail)?.ok_or_else(|| fail("a function has no MSI-X"))?;
        let entry = 1.min(msix.entries() - 1);
        msix.enable(true).map_err(fail)?;
        msix.set(entry, MsiMessage { address: function.group().msi_address, data: 0 }).map_err(fail)?;
        let mut device = AnyDevice::new(driver, function, memory).map_err(|error| explain(space, memory, error))?;
        device.start(Some(entry)).map_err(|error| explain(space, memory, error))?;
        let measured = Measured::new(function)?;
        Ok(Self { function, space, memory, interrupts, msix, entry, device, measured })
    }

    fn is_nvme(&self) -> bool {
        matches!(self.device, AnyDevice::Nvme(_))
    }
}

struct Together<'x, 'm, P: Platform> {
    counting: &'x Counting<'m, P>,
    processor: &'x dyn Processor,
    indicators: &'x Indicators<'x, Counting<'m, P>>,
    members: Vec<Member<'x, 'm, P>, MOST>,
    /// Samples that the case at hand has compared.
    samples: Vec<SampleFact, MOST>,
}

type Case<'x, 'm, P> = (&'static str, fn(&mut Together<'x, 'm, P>) -> Result<(), Stop>);

impl<'x, 'm, P: Platform> Together<'x, 'm, P> {
    const CASES: [Case<'x, 'm, P>; 6] = [
        ("interrupts-of-each", Self::each),
        ("interrupts-of-all-at-once", Self::all_at_once),
        ("event-of-a-transfer", Self::event_of_transfer),
        ("event-of-a-refresh", Self::event_of_refresh),
        (BLOCK_STORE, Self::block_store),
        ("measurement-blocks", Self::measurement_blocks),
    ];

    /// Reports one case after the other.
    fn run<W: Write>(mut self, report: &mut Report<W>) -> fmt::Result {
        // What a block may be stored to is known of one kind of device alone.
        let has_nvme = self.members.iter().any(Member::is_nvme);
        let cases = Self::CASES.into_iter().filter(|(name, _)| has_nvme || *name != BLOCK_STORE);
        report.group(NAME, cases.clone().count(), |report| {
            self.processor.set_suppression(SUBCLASS, Suppression::None);
            self.processor.enable(Subclasses::one(SUBCLASS).unwrap_or_default());
            for (name, case) in cases {
                let result = self.drain().and_then(|()| attempt(self.counting, || case(&mut self)));
                for sample in &self.samples {
                    report.diagnostic(sample)?;
                }
                self.samples.clear();
                report.case(name, result)?;
            }
            self.processor.enable(Subclasses::NONE);
            for member in &self.members {
                let _ = member.msix.enable(false);
            }
            Ok(())
        })
    }

    /// Each interrupts for itself.
    fn each(&mut self) -> Result<(), Stop> {
        for _ in 0..ROUNDS {
            for place in 0..self.members.len() {
                self.request(place)?;
            }
        }
        same(self.quiet(), Taken::NOTHING)
    }

    /// All interrupt; the summary bits tell which did, however many interruptions there were: where the summary bit of one is
    /// still set when the next comes, there is none for that.
    fn all_at_once(&mut self) -> Result<(), Stop> {
        for _ in 0..ROUNDS {
            for member in &mut self.members {
                member.device.submit(None).map_err(fail)?;
            }
            let mut taken = Taken::NOTHING;
            for place in 0..self.members.len() {
                self.until("a request", |all| all.member(place)?.device.is_done().map_err(fail))?;
                let layout = self.member(place)?.interrupts.layout;
                for bit in [layout.bit(0), layout.summary_bit()] {
                    self.until("the bits of an interrupt", |all| {
                        taken = taken.and(all.processor.take());
                        Ok(all.indicators.is_set(bit))
                    })?;
                }
            }
            taken = taken.and(self.quiet());
            let count = taken.adapter.get(usize::from(SUBCLASS)).copied().unwrap_or_default();
            same(taken, Taken::adapter(SUBCLASS, count.clamp(1, self.members.len() as u32)))?;
            // Taken while nothing is under way.
            self.must_hold(|_| true)?;
        }
        Ok(())
    }

    /// A device that writes to a page that is not mapped: a machine check announces a channel report, that an event, and the
    /// event names function and address. The other functions go on.
    fn event_of_transfer(&mut self) -> Result<(), Stop> {
        must_survive(self.counting)?;
        for place in 0..self.members.len() {
            self.drain()?;
            let target = Places::of(self.member(place)?.space.aperture()).pages;
            self.member(place)?.device.submit(Some(target)).map_err(fail)?;
            self.must_announce(place, EventCode::TRANSLATION_PROTECTION, target)?;
            for other in (0..self.members.len()).filter(|other| *other != place) {
                self.request(other)?;
            }
            self.recover(place)?;
            self.request(place)?;
        }
        Ok(())
    }

    /// A refresh of a page behind the aperture is refused, and an event tells of it.
    fn event_of_refresh(&mut self) -> Result<(), Stop> {
        for place in 0..self.members.len() {
            self.drain()?;
            let (handle, aperture) = {
                let member = self.member(place)?;
                (member.function.handle(), member.space.aperture())
            };
            let behind = aperture.last().checked_add(1).and_then(|start| IovaRange::with_size(start, PAGE_SIZE).ok());
            let range = behind.ok_or_else(|| skip("the aperture reaches the end of all addresses"))?;
            let outcome = self.counting.rpcit(handle, range);
            let expected = Outcome { cc: clp::ConditionCode::One, status: Status::IN_ERROR };
            if outcome != expected {
                return Err(fail(format_args!("RPCIT of {range}: {outcome}, not {expected}")));
            }
            self.must_announce(place, EventCode::OUTSIDE_APERTURE, range.start())?;
            self.recover(place)?;
            self.request(place)?;
        }
        Ok(())
    }

    /// Two registers by one instruction.
    fn block_store(&mut self) -> Result<(), Stop> {
        // Their bytes are the same in either order, see `zpci_machine::store_block`.
        let block = [0x0000_1000_0010_0000, 0x0000_2000_0020_0000];
        for place in 0..self.members.len() {
            let member = self.member(place)?;
            if !member.is_nvme() {
                continue;
            }
            let (function, entry) = (member.function, member.entry);
            function.store(Space::Bar(0), CONFIGURATION, Width::Word, 0).map_err(fail)?;
            self.until("the controller to stop", |_| {
                Ok(function.load(Space::Bar(0), CONTROLLER_STATUS, Width::Word).map_err(fail)? & 1 == 0)
            })?;
            let longest = function.group().max_store_block;
            self.counting.store_block(function.handle(), 0, QUEUES, &block, longest).map_err(fail)?;
            for (offset, expected) in (QUEUES..).step_by(8).zip(block) {
                let found = function.load(Space::Bar(0), offset, Width::Doubleword).map_err(fail)?;
                if found != expected {
                    return Err(fail(format_args!("register {offset:#x} holds {found:#018x}, not {expected:#018x}")));
                }
            }
            self.member(place)?.device.start(Some(entry)).map_err(fail)?;
            self.drain()?;
            self.request(place)?;
        }
        Ok(())
    }

    /// The machine has counted what the program did. It stores its counts at some time while the functions work, so they lie
    /// between what the program had counted when it saw the old sample for the last time, and when it saw the new one.
    fn measurement_blocks(&mut self) -> Result<(), Stop> {
        let mut watched = Vec::<Watched, MOST>::new();
        for (place, member) in self.members.iter().enumerate() {
            let last = Watched { place, update: time(member.measured.sample()?), counts: self.counting.counts(place) };
            // There are as many places as members.
            let _ = watched.push(last);
        }
        let interval = self.members.iter().map(|member| member.function.group().measurement_interval_ms).max();
        let longest = 3 * 1000 * u64::from(interval.unwrap_or_default()) + LONGEST;
        let start = self.counting.microseconds();
        while !watched.is_empty() {
            if self.counting.microseconds().wrapping_sub(start) >= longest {
                return Err(fail(format_args!("waited {} ms for a sample", longest / 1000)));
            }
            let mut still = Vec::<Watched, MOST>::new();
            for Watched { place, update, counts } in watched {
                let (sample, now) = (self.member(place)?.measured.sample()?, self.counting.counts(place));
                match sample {
                    Some(sample) if sample.last_update != update => {
                        judge(&sample, counts, now)?;
                        let id = self.member(place)?.function.function().id;
                        let _ = self.samples.push(SampleFact { id, sample, before: counts, after: now });
                        self.member(place)?.measured.must_be_bounded()?;
                    }
                    _ => {
                        let _ = still.push(Watched { place, update, counts: now });
                        self.work(place)?;
                    }
                }
            }
            watched = still;
        }
        Ok(())
    }

    /// Everything that is counted and that every function can do.
    fn work(&mut self, place: usize) -> Result<(), Stop> {
        self.request(place)?;
        let member = self.member(place)?;
        let (function, page) = (member.function, IovaRange::with_size(member.memory.range().start(), PAGE_SIZE));
        Configuration::new(function).identifiers().map_err(fail)?;
        match self.counting.rpcit(function.handle(), page.map_err(fail)?) {
            Outcome::DONE => Ok(()),
            outcome => Err(fail(format_args!("RPCIT of a page that is mapped: {outcome}"))),
        }
    }

    /// Sees that the machine announces one event, and that it is the one of `code` at `address` of the function at `place`.
    fn must_announce(&mut self, place: usize, code: EventCode, address: Iova) -> Result<(), Stop> {
        let mut taken = Taken::NOTHING;
        self.until("a machine check", |all| {
            taken = taken.and(all.processor.take());
            Ok(taken.channel_reports > 0)
        })?;
        taken = taken.and(self.quiet());
        same(taken, Taken { channel_reports: 1, ..Taken::NOTHING })?;
        match self.processor.channel_report() {
            Some(report) if report.is_event() && !report.overflow() && !report.chained() => {}
            Some(report) => return Err(fail(format_args!("{report} does not announce an event"))),
            None => return Err(fail("a machine check for a channel report, and there is none")),
        }
        if let Some(report) = self.processor.channel_report() {
            return Err(fail(format_args!("{report} after the one of an event")));
        }
        let function = self.member(place)?.function;
        let (id, handle) = (function.function().id, function.handle());
        let event =
            self.counting.error_event().ok_or_else(|| fail("a channel report of an event, and there is none"))?;
        if (event.id(), event.handle(), event.code(), event.iova()) != (id, handle, code, address) {
            let (found, its_handle) = (event.id(), event.handle());
            return Err(fail(format_args!(
                "{event} of function {found}, handle {its_handle}, instead of event {code} at IOVA {address} of function {id}, \
                 handle {handle}"
            )));
        }
        let state = function.state().map_err(fail)?;
        if u8::from(state) != 0xf0 {
            return Err(fail(format_args!("fc {:#04x} after an error event, not 0xf0", u8::from(state))));
        }
        // The device may have repeated what was refused.
        let events = core::iter::from_fn(|| self.counting.error_event()).take(MOST_EVENTS);
        match events.filter(|event| event.id() != id).last() {
            Some(other) => Err(fail(format_args!("{other} of function {}, which did nothing wrong", other.id()))),
            None => Ok(()),
        }
    }

    /// Brings the function at `place` out of its error state.
    fn recover(&mut self, place: usize) -> Result<(), Stop> {
        let Member { space, memory, device, entry, .. } = self.member(place)?;
        let entry = *entry;
        recover(space, memory, Way::ResetError, || device.start(Some(entry)))?;
        self.drain()
    }

    /// Makes a request to the device at `place`, and takes the interruption that says that it is done: one, with its bits.
    fn request(&mut self, place: usize) -> Result<(), Stop> {
        self.member(place)?.device.submit(None).map_err(fail)?;
        let mut taken = Taken::NOTHING;
        self.until("an interruption", |all| {
            taken = all.processor.take();
            Ok(taken != Taken::NOTHING)
        })?;
        same(taken, Taken::adapter(SUBCLASS, 1))?;
        if !self.member(place)?.device.is_done().map_err(fail)? {
            return Err(fail("a device interrupts before it is done"));
        }
        self.must_hold(|other| other == place)
    }

    /// Sees that the bits of the functions at those places are set, and no other, and takes them.
    fn must_hold(&self, places: impl Fn(usize) -> bool) -> Result<(), Stop> {
        let layouts = self.members.iter().enumerate().filter(|(place, _)| places(*place));
        let layouts = layouts.map(|(_, member)| member.interrupts.layout);
        let bits = layouts.clone().map(|layout| layout.bit(0)).chain(layouts.map(|layout| layout.summary_bit()));
        let mut expected: Vec<u16, { 2 * MOST }> = bits.collect();
        expected.sort_unstable();
        self.indicators.must_hold(SUMMARY, &expected)
    }

    /// Takes whatever is pending and of no interest any more.
    fn drain(&mut self) -> Result<(), Stop> {
        let _ = self.quiet();
        while self.processor.channel_report().is_some() {}
        core::iter::from_fn(|| self.counting.error_event()).take(MOST_EVENTS).for_each(drop);
        let _ = self.processor.take();
        self.indicators.take(SUMMARY).map(drop)
    }

    /// What is taken in a time in which nothing is to happen.
    fn quiet(&self) -> Taken {
        let (start, mut taken) = (self.counting.microseconds(), Taken::NOTHING);
        while self.counting.microseconds().wrapping_sub(start) < QUIET {
            taken = taken.and(self.processor.take());
        }
        taken
    }

    /// Waits until `look` says yes.
    fn until(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Result<bool, Stop>) -> Result<(), Stop> {
        let start = self.counting.microseconds();
        while !look(self)? {
            if self.counting.microseconds().wrapping_sub(start) >= LONGEST {
                return Err(fail(format_args!("waited {} ms for {what}", LONGEST / 1000)));
            }
        }
        Ok(())
    }

    fn member(&mut self, place: usize) -> Result<&mut Member<'x, 'm, P>, Stop> {
        self.members.get_mut(place).ok_or_else(|| fail("no such function"))
    }
}

/// The last time at which the old sample was in the block of a function.
#[derive(Clone, Copy, Debug)]
struct Watched {
    place: usize,
    /// When the sample was taken; 0 before the first.
    update: u64,
    /// What the program had counted.
    counts: Counts,
}

fn time(sample: Option<Measurement>) -> u64 {
    sample.map_or(0, |sample| sample.last_update)
}

/// Sees that a sample of format 0 was taken between two times, and that something was counted.
fn judge(sample: &Measurement, before: Counts, after: Counts) -> Result<(), Stop> {
    let counts = Counts::of(sample);
    if !counts.is_at_least(&before) || !after.is_at_least(&counts) {
        return Err(fail(format_args!("{counts:?} is not between {before:?} and {after:?}")));
    }
    match sample {
        Measurement { format: 0, transfers: Transfers::None, loads: 1.., stores: 1.., refreshes: 1.., .. } => Ok(()),
        _ => Err(fail(format_args!("{sample:?} is of another format, or of a function that did nothing"))),
    }
}

fn same(taken: Taken, expected: Taken) -> Result<(), Stop> {
    if taken == expected {
        return Ok(());
    }
    Err(fail(format_args!("{taken} instead of {expected}")))
}
