// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Interrupts of one device, taken and matched with its requests.

use core::fmt::{self, Write};

use s390_iommu::InterruptWord;
use zpci_machine::interruption::{Subclasses, Suppression};
use zpci_machine::InterruptError;
use zpci_tests::Stop;

use crate::device::DeviceError;
use crate::enabled::EnabledFunction;
use crate::facts::{InterruptsFact, Matched};
use crate::interrupts::{Indicators, Interrupts, Layout};
use crate::pci::{AccessError, MsiMessage, Msix};
use crate::platform::Platform;
use crate::processor::{Processor, Taken};
use crate::report::Report;
use crate::requests::Requests;
use crate::stop::{attempt, fail, skip};

/// How many results a device gives.
pub(super) const PLAN: usize = 11;

/// Requests of which each is to interrupt once.
const REQUESTS: u32 = 32;

/// Longest time from a request to its interrupt, in microseconds.
const LONGEST: u64 = 2_000_000;

/// Time in which nothing is to happen: many times that of a request.
const QUIET: u64 = 2_000;

/// Nothing special: bits that no other case of the page has.
const PLAIN: Layout = Layout { subclass: 3, vector: 0x100, vector_offset: 0, summary: 0xf00, summary_offset: 5 };

/// A device that is up and interrupts.
pub(super) struct InterruptCheck<'i, 'e, 'p, P: Platform, D> {
    function: &'e EnabledFunction<'p, P>,
    processor: &'p dyn Processor,
    indicators: &'i Indicators<'p, P>,
    interrupts: Interrupts<'i, 'e, 'p, P>,
    msix: Msix<'e, EnabledFunction<'p, P>>,
    /// Entry of the table that the device uses for its requests.
    entry: u16,
    device: D,
    matched: Matched,
}

type Case<'i, 'e, 'p, P, D> = (&'static str, fn(&mut InterruptCheck<'i, 'e, 'p, P, D>) -> Result<(), Stop>);

impl<'i, 'e, 'p, P: Platform, D: Requests> InterruptCheck<'i, 'e, 'p, P, D> {
    const CASES: [Case<'i, 'e, 'p, P, D>; PLAN] = [
        ("registered-parameters", Self::registered_parameters),
        ("access-that-traps-is-an-answer", Self::trap),
        ("one-interrupt-a-request", Self::one_a_request),
        ("bits-gather-while-closed", Self::closed),
        ("every-interrupt-has-its-bit", Self::every_interrupt),
        ("vector-at-the-end-of-a-page", Self::end_of_page),
        ("every-subclass", Self::every_subclass),
        ("masked-vector-is-silent", Self::masked),
        ("suppressed-until-set-again", Self::suppressed),
        ("deregistered-is-silent", Self::deregistered),
        ("interruptions-match-requests", Self::match_requests),
    ];

    /// Registers interrupts and brings `device` up with them.
    pub(super) fn new(
        function: &'e EnabledFunction<'p, P>,
        processor: &'p dyn Processor,
        indicators: &'i Indicators<'p, P>,
        device: D,
    ) -> Result<Self, Stop> {
        let msix = Msix::of(function).map_err(fail)?.ok_or_else(|| skip("the function has no MSI-X"))?;
        let interrupts = Interrupts::new(function, indicators, PLAIN).map_err(fail)?;
        // Not the first, where there are several: that is of what has no queue, such as a change of the configuration.
        let entry = 1.min(msix.entries() - 1);
        let matched = Matched { requests: 0, silent: 0, interruptions: 0 };
        let mut check = Self { function, processor, indicators, interrupts, msix, entry, device, matched };
        check.wire()?;
        // An error event, which was asked for long ago, may have left the machine check that announced it.
        let _ = processor.take();
        Ok(check)
    }

    /// Reports one case after the other.
    pub(super) fn run<W: Write>(mut self, report: &mut Report<W>) -> fmt::Result {
        for (name, case) in Self::CASES {
            let result = attempt(self.function.platform(), || case(&mut self));
            if result.is_err() {
                // The next case tells if that does not help.
                let _ = self.begin_anew();
            }
            report.case(name, result)?;
        }
        self.processor.enable(Subclasses::NONE);
        let _ = self.msix.enable(false);
        report.diagnostic(InterruptsFact { id: self.function.function().id, matched: self.matched })
    }

    /// Brings everything back to where a case starts, whatever the one before left behind.
    fn begin_anew(&mut self) -> Result<(), Stop> {
        self.processor.set_suppression(PLAIN.subclass, Suppression::None);
        self.register(PLAIN)?;
        self.wire()?;
        self.processor.enable(Subclasses::ALL);
        let _ = self.take();
        let _ = self.indicators.take(PLAIN.summary)?;
        self.listen();
        Ok(())
    }

    /// Makes the device interrupt.
    fn wire(&mut self) -> Result<(), Stop> {
        // The table first: a device looks at it when it is told which entry to use.
        self.msix.enable(true).map_err(fail)?;
        self.send(0)?;
        self.device.start(Some(self.entry)).map_err(fail)?;
        self.listen();
        Ok(())
    }

    /// Takes interruptions of the registered subclass, and of no other.
    fn listen(&self) {
        self.processor.enable(Subclasses::one(self.interrupts.layout.subclass).unwrap_or_default());
    }

    /// Has the device send `interrupt`.
    fn send(&self, interrupt: u16) -> Result<(), Stop> {
        let address = self.function.group().msi_address;
        self.msix.set(self.entry, MsiMessage { address, data: u32::from(interrupt) }).map_err(fail)
    }

    /// Registers other bits, while the device sends nothing.
    fn register(&mut self, layout: Layout) -> Result<(), Stop> {
        self.msix.mask(self.entry, true).map_err(fail)?;
        self.interrupts.deregister().map_err(fail)?;
        self.interrupts.layout = layout;
        self.interrupts.register().map_err(fail)?;
        self.msix.mask(self.entry, false).map_err(fail)?;
        self.listen();
        Ok(())
    }

    fn registered_parameters(&mut self) -> Result<(), Stop> {
        let fib = self.function.controls().map_err(fail)?;
        let (word, found) = (fib.interrupts.word.get(), InterruptWord::from_bits(fib.interrupts.word.get()));
        // Subclass 3, a summary bit, AIBVO 0, AISBO 5.
        let expected = 0x3000_0085 | u32::from(self.interrupts.count) << 16;
        if word != expected {
            return Err(fail(format_args!("interrupts {found:?} ({word:#010x}) are registered, not {expected:#010x}")));
        }
        let places = [fib.interrupts.vector.get(), fib.interrupts.summary.get()];
        let expected = [self.indicators.at(0x100).get(), self.indicators.at(0xf00).get()];
        if places != expected {
            return Err(fail(format_args!("AIBV and AISB are {places:#x?}, not {expected:#x?}")));
        }
        match self.interrupts.register() {
            Err(InterruptError::AlreadyRegistered) => Ok(()),
            result => Err(fail(format_args!("a second registration answers {result:?}"))),
        }
    }

    /// The table takes words alone: a byte of it is no operand that could be known to be wrong, and makes the instruction end
    /// in a program interruption.
    fn trap(&mut self) -> Result<(), Stop> {
        for refused in [self.msix.load_byte(self.entry).map(drop), self.msix.store_byte(self.entry)] {
            match refused {
                Err(AccessError::Refused { error: zpci_machine::LoadStoreError::Suppressed, .. }) => {}
                result => return Err(fail(format_args!("access to a byte of the MSI-X table: {result:?}"))),
            }
        }
        self.request(0)?;
        Ok(())
    }

    /// As many interruptions as requests, each with the bit of its interrupt, and none before its request is done.
    fn one_a_request(&mut self) -> Result<(), Stop> {
        let mut taken = Taken::NOTHING;
        for _ in 0..REQUESTS {
            taken = taken.and(self.request(0)?);
        }
        taken = taken.and(self.quiet(&[])?);
        same(taken, Taken::adapter(PLAIN.subclass, REQUESTS))
    }

    /// While the processor takes no interruptions, two requests make one, since the summary bit is set already.
    fn closed(&mut self) -> Result<(), Stop> {
        for _ in 0..2 {
            self.unheard_request(0)?;
        }
        self.matched.silent += 1;
        let taken = self.await_interruption()?.and(self.quiet(&[0])?);
        same(taken, Taken::adapter(PLAIN.subclass, 1))?;
        self.request(0)?;
        Ok(())
    }

    fn every_interrupt(&mut self) -> Result<(), Stop> {
        self.interrupts_from(PLAIN)?;
        let offset = Layout { vector_offset: 63, summary_offset: 63, ..PLAIN };
        self.register(offset)?;
        self.interrupts_from(offset)?;
        self.send(0)?;
        self.register(PLAIN)
    }

    /// The last bit of the vector is the last of its page.
    fn end_of_page(&mut self) -> Result<(), Stop> {
        let (count, bits) = (self.interrupts.count, 8 * 4096_u16);
        let start = (bits - count) / 64 * 64;
        let Some(offset) = (bits - count).checked_sub(start).and_then(|offset| u8::try_from(offset).ok()) else {
            return Err(skip("the group has as many interrupts as a page has bits"));
        };
        let last = Layout { vector: start / 8, vector_offset: offset, summary: 0x200, summary_offset: 0, ..PLAIN };
        self.register(last)?;
        if last.bit(count - 1) != bits - 1 {
            return Err(fail("the vector does not end with its page"));
        }
        self.interrupts_from(last)?;
        let across = Layout { vector_offset: offset + 1, ..last };
        self.msix.mask(self.entry, true).map_err(fail)?;
        self.interrupts.deregister().map_err(fail)?;
        self.interrupts.layout = across;
        let refused = self.interrupts.register();
        self.send(0)?;
        self.register(PLAIN)?;
        match refused {
            Err(InterruptError::Vector(_)) => Ok(()),
            result => Err(fail(format_args!("a vector one bit longer than its page is registered: {result:?}"))),
        }
    }

    /// Interruptions are of the registered subclass, and wait until that one is enabled.
    fn every_subclass(&mut self) -> Result<(), Stop> {
        for subclass in 0..8 {
            self.register(Layout { subclass, ..PLAIN })?;
            same(self.request(0)?, Taken::adapter(subclass, 1))?;
            let others = (0..8).filter(|other| *other != subclass);
            let others = others.filter_map(Subclasses::one).fold(Subclasses::NONE, Subclasses::with);
            self.processor.enable(others);
            self.unheard_request(0)?;
            same(self.take(), Taken::NOTHING)?;
            self.listen();
            same(self.await_interruption()?, Taken::adapter(subclass, 1))?;
            self.must_hold(&[0])?;
        }
        same(self.quiet(&[])?, Taken::NOTHING)?;
        self.register(PLAIN)
    }

    /// What a masked entry would send is pending; it is sent when the mask ends.
    fn masked(&mut self) -> Result<(), Stop> {
        self.msix.mask(self.entry, true).map_err(fail)?;
        self.submit()?;
        self.until("the request", |check| check.device.is_done())?;
        self.until("the pending bit", |check| Ok(check.msix.is_pending(check.entry)?))?;
        same(self.quiet(&[])?, Taken::NOTHING)?;
        self.msix.mask(self.entry, false).map_err(fail)?;
        let taken = self.await_interruption()?.and(self.quiet(&[0])?);
        same(taken, Taken::adapter(PLAIN.subclass, 1))?;
        if self.msix.is_pending(self.entry).map_err(fail)? {
            return Err(fail("what was sent is still pending"));
        }
        self.request(0)?;
        Ok(())
    }

    /// With suppression an interruption is the last one until the mode is set again; bits are set all the same.
    fn suppressed(&mut self) -> Result<(), Stop> {
        let subclass = PLAIN.subclass;
        self.processor.set_suppression(subclass, Suppression::Single);
        for _ in 0..2 {
            self.request(0)?;
            self.unheard_request(0)?;
            self.matched.silent += 1;
            same(self.quiet(&[0])?, Taken::NOTHING)?;
            self.processor.set_suppression(subclass, Suppression::Single);
        }
        self.processor.set_suppression(subclass, Suppression::None);
        for _ in 0..2 {
            self.request(0)?;
        }
        Ok(())
    }

    fn deregistered(&mut self) -> Result<(), Stop> {
        self.msix.enable(false).map_err(fail)?;
        self.interrupts.deregister().map_err(fail)?;
        self.interrupts.deregister().map_err(fail)?;
        let fib = self.function.controls().map_err(fail)?;
        if [u64::from(fib.interrupts.word.get()), fib.interrupts.vector.get(), fib.interrupts.summary.get()] != [0; 3] {
            return Err(fail(format_args!("interrupts are still registered: {:?}", fib.interrupts)));
        }
        self.processor.enable(Subclasses::ALL);
        self.submit()?;
        self.matched.silent += 1;
        self.until("the request", |check| check.device.is_done())?;
        same(self.quiet(&[])?, Taken::NOTHING)?;
        self.interrupts.register().map_err(fail)?;
        self.wire()?;
        self.request(0)?;
        Ok(())
    }

    /// Over all cases there were as many interruptions as requests, but for those that had to be silent.
    fn match_requests(&mut self) -> Result<(), Stop> {
        let Matched { requests, silent, interruptions } = self.matched;
        if requests - silent == interruptions && interruptions > REQUESTS {
            return Ok(());
        }
        Err(fail(format_args!(
            "{interruptions} interruptions of {requests} requests, of which {silent} should make none"
        )))
    }

    /// A request of each interrupt around the ends of bytes, words and the vector, registered as `layout`.
    fn interrupts_from(&mut self, layout: Layout) -> Result<(), Stop> {
        let last = self.interrupts.count - 1;
        for interrupt in [0, 1, 7, 8, 31, 32, 63, 64, 126, last].into_iter().filter(|interrupt| *interrupt <= last) {
            self.send(interrupt)?;
            same(self.request(interrupt)?, Taken::adapter(layout.subclass, 1))?;
        }
        Ok(())
    }

    /// Makes a request, and takes the one interruption that says that it is done, with the bits of `interrupt`.
    fn request(&mut self, interrupt: u16) -> Result<Taken, Stop> {
        self.submit()?;
        let taken = self.await_interruption()?;
        let layout = self.interrupts.layout;
        same(taken, Taken::adapter(layout.subclass, 1))?;
        if !self.device.is_done().map_err(fail)? {
            return Err(fail("the device interrupts before it is done"));
        }
        self.must_hold(&[interrupt])?;
        Ok(taken)
    }

    /// Makes a request and waits for the bits of `interrupt`, which stay; takes no interruption.
    fn unheard_request(&mut self, interrupt: u16) -> Result<(), Stop> {
        self.submit()?;
        self.until("the request", |check| check.device.is_done())?;
        let layout = self.interrupts.layout;
        for bit in [layout.bit(interrupt), layout.summary_bit()] {
            self.until("the bits of an interrupt", |check| Ok(check.indicators.is_set(bit)))?;
        }
        Ok(())
    }

    fn submit(&mut self) -> Result<(), Stop> {
        self.matched.requests += 1;
        self.device.submit(None).map_err(fail)
    }

    fn take(&mut self) -> Taken {
        let taken = self.processor.take();
        self.matched.interruptions += taken.adapter.iter().sum::<u32>();
        taken
    }

    /// Sees that nothing more comes, that the bits of `interrupts` are set and no other, and takes them.
    fn quiet(&mut self, interrupts: &[u16]) -> Result<Taken, Stop> {
        let platform = self.function.platform();
        let (start, mut taken) = (platform.microseconds(), Taken::NOTHING);
        while platform.microseconds().wrapping_sub(start) < QUIET {
            taken = taken.and(self.take());
        }
        self.must_hold(interrupts)?;
        Ok(taken)
    }

    /// Takes the bits: those of `interrupts` and their summary bit are set, and no other bit of the page.
    fn must_hold(&self, interrupts: &[u16]) -> Result<(), Stop> {
        let layout = self.interrupts.layout;
        let mut expected = heapless::Vec::<u16, 8>::new();
        let bits = interrupts.iter().map(|interrupt| layout.bit(*interrupt));
        expected.extend(bits.chain((!interrupts.is_empty()).then(|| layout.summary_bit())));
        expected.sort_unstable();
        self.indicators.must_hold(layout.summary, &expected)
    }

    /// The interruptions that come next.
    fn await_interruption(&mut self) -> Result<Taken, Stop> {
        let mut taken = Taken::NOTHING;
        self.until("an interruption", |check| {
            taken = check.take();
            Ok(taken != Taken::NOTHING)
        })?;
        Ok(taken)
    }

    /// Waits until `look` says yes.
    fn until(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Result<bool, DeviceError>) -> Result<(), Stop> {
        let platform = self.function.platform();
        let start = platform.microseconds();
        while !look(self).map_err(fail)? {
            if platform.microseconds().wrapping_sub(start) >= LONGEST {
                return Err(fail(format_args!("waited {} ms for {what}", LONGEST / 1000)));
            }
        }
        Ok(())
    }
}

fn same(taken: Taken, expected: Taken) -> Result<(), Stop> {
    if taken == expected {
        return Ok(());
    }
    Err(fail(format_args!("{taken} instead of {expected}")))
}
