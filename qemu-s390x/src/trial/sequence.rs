// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Instructions one after the other, on the machine and on the model.

use core::fmt::{self, Display};

use clp::{ConditionCode, Function, FunctionGroup, FunctionHandle};
use qemu_s390x::dma::{DmaBuffer, Order};
use qemu_s390x::enabled::EnabledFunction;
use qemu_s390x::frames::Buffer;
use qemu_s390x::machine::RealMachine;
use qemu_s390x::pci::Configuration as ConfigurationSpace;
use qemu_s390x::Platform;
use s390_iommu::guest::{Answer, Configuration, Rules, State};
use s390_iommu::{ErrorEvent, Fib, Iova, IovaRange, Limits, Protection};
use zpci_tests::{Machine, Message, Stop};

use super::choice::Choice;
use super::instruction::{self, Ended};
use super::model::{is_done, Model, WRAP};
use super::operands::{Facts, Operation};
use super::probe::{Probe, Written};
use super::step::{Reached, Sample, Step};
use super::tables::{Tables, FIRST, FRAME, FRAMES, PAGES, QUEUE};

/// Most events that one instruction can leave.
const MOST_EVENTS: usize = 16;

/// A random sequence and how far it is.
pub(super) struct Sequence<'s> {
    machine: &'s RealMachine,
    function: &'s EnabledFunction<'s, RealMachine>,
    probe: Probe<'s, 's, EnabledFunction<'s, RealMachine>, RealMachine>,
    tables: Tables,
    model: Model,
    choice: Choice,
    window: IovaRange,
    /// A page for vectors and measurement blocks.
    page: u64,
    /// First frame that entries lead to.
    frames: u64,
    difference: Option<Message>,
    broken: Option<Message>,
    found: Found,
}

/// What came out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) steps: u32,
    pub(super) differences: u32,
    /// By condition code, and program interruptions.
    ends: [u32; 5],
    /// Error events of instructions.
    events: u32,
    /// Pages sampled that led to their frame, and that were refused.
    reached: u32,
    refused: u32,
    is_broken: bool,
    lost: u64,
}

fn fail(what: impl Display) -> Stop {
    Stop::Fail(Message::new(format_args!("{what}")))
}

impl Found {
    /// Of every instruction issued, agreement, every answer seen, pages sampled.
    pub(super) fn results(&self) -> [Result<(), Stop>; 4] {
        let is = |holds: bool, what: fmt::Arguments<'_>| if holds { Ok(()) } else { Err(fail(what)) };
        let Self { steps, differences, ends, events, reached, refused, is_broken, lost } = *self;
        [
            is(!is_broken && steps > 0, format_args!("{steps} steps, and then something broke")),
            is(differences == 0 && lost == 0, format_args!("{differences} of {steps} steps differ, {lost} pages lost")),
            // Nothing is busy: each instruction ends before the next.
            is(
                ends[0] > 0 && ends[1] > 0 && ends[2] == 0 && ends[3] > 0 && ends[4] > 0 && events > 0,
                format_args!("by condition code, and program interruptions: {ends:?}; {events} events"),
            ),
            is(reached > 0 && refused > 0, format_args!("{reached} pages reached, {refused} refused")),
        ]
    }
}

impl<'s> Sequence<'s> {
    /// Brings up the function and its device, and hands the sequence to `using`.
    ///
    /// # Errors
    ///
    /// What did not come up.
    pub(super) fn run<R>(
        machine: &RealMachine,
        function: Function,
        group: FunctionGroup,
        seed: u64,
        using: impl FnOnce(&mut Sequence<'_>) -> R,
    ) -> Result<R, Stop> {
        let limits = Limits::new(&function, &group).ok_or_else(|| fail("the function can address no page"))?;
        let configuration = Configuration {
            id: function.id,
            limits,
            max_interrupts: group.max_interrupts,
            has_measurement: true,
            rules: Rules::QEMU.with_steps_of_qemu(),
        };
        let enabled = EnabledFunction::new(machine, function, group).map_err(fail)?;
        ConfigurationSpace::new(&enabled).enable_bus_master().map_err(fail)?;
        let mut choice = Choice::new(seed);
        let queue = Buffer::new(machine, FRAME as usize, FRAME as usize).map_err(fail)?;
        let page = Buffer::new(machine, FRAME as usize, FRAME as usize).map_err(fail)?;
        let frames = Buffer::new(machine, (FRAMES * FRAME) as usize, 1 << 20).map_err(fail)?;
        let memory = DmaBuffer::new(queue, Iova::new(QUEUE), Order::Ascending).map_err(fail)?;
        // SAFETY: The addresses of the machine's storage are absolute, and it has no other user.
        let tables =
            unsafe { Tables::new(&machine.storage(), memory.absolute(0).get(), frames.absolute().get(), &mut choice) };
        let tables = tables.ok_or_else(|| fail("no storage for tables"))?;
        let mut model = Model::new(FunctionHandle(enabled.handle().0 & !FunctionHandle::ENABLED), configuration);
        model.enable(enabled.handle());

        // Registered once without chance, so that the device comes up.
        let fib = [Fib::translation(limits.window, (tables.root | 0x804).into()), Fib::ZERO];
        let request = u64::from(enabled.handle().0) << 32;
        // SAFETY: The tables lead to the queue and to frames that are the device's alone.
        let (registered, _) = unsafe { instruction::mpcifc(request | 4, &fib, 0) };
        let (refreshed, _) = instruction::rpcit(request, false, QUEUE, FRAME);
        let done = Ended::Condition(ConditionCode::Zero);
        if (registered, refreshed) != (done, done) {
            return Err(fail(format_args!("registration: {registered}, refresh: {refreshed}")));
        }
        if !is_done(&model.mpcifc(request | 4, &fib[0], 0)) || !is_done(&model.rpcit(request, false, QUEUE, FRAME)) {
            return Err(fail("the model does not do what the machine did"));
        }
        let probe = Probe::new(&enabled, &memory, &frames).map_err(fail)?;
        let mut sequence = Sequence {
            machine,
            function: &enabled,
            probe,
            tables,
            model,
            choice,
            window: limits.window,
            page: page.absolute().get(),
            frames: frames.absolute().get(),
            difference: None,
            broken: None,
            found: Found::default(),
        };
        Ok(using(&mut sequence))
    }

    /// What was found so far.
    pub(super) const fn found(&self) -> Found {
        self.found
    }

    /// In what the last step differed from the model, if it did.
    pub(super) const fn take_difference(&mut self) -> Option<Message> {
        self.difference.take()
    }

    /// Why the sequence cannot go on, if it cannot.
    pub(super) const fn take_broken(&mut self) -> Option<Message> {
        self.broken.take()
    }

    /// Changes the tables, issues an instruction, and now and then has the device try a page.
    pub(super) fn step(&mut self, number: u32) -> Step {
        self.tables.change(&mut self.choice);
        let operation = self.facts().next(&mut self.choice);
        let mut step = self.issue(number, operation);
        if self.choice.once_in(2) {
            step.sample = self.sample();
        }
        self.found.steps += 1;
        self.found.lost = self.model.lost();
        self.found.is_broken |= self.broken.is_some();
        step
    }

    fn facts(&self) -> Facts {
        let controls = self.model.controls();
        Facts {
            handle: controls.handle(),
            state: controls.state(),
            aperture: controls.registration().map(|it| it.aperture),
            window: self.window,
            root: self.tables.root,
            page: self.page,
        }
    }

    /// Has the machine and the model do the same, and compares everything that a guest sees.
    fn issue(&mut self, number: u32, operation: Operation) -> Step {
        let (instruction, kind, (ended, register), expected) = match operation {
            Operation::Enable | Operation::Disable => {
                let enable = matches!(operation, Operation::Enable);
                let changed = if enable { self.function.enable() } else { self.function.disable() };
                if let Err(error) = changed {
                    self.broken = Some(Message::new(format_args!("{error}")));
                }
                let handle = self.function.handle();
                if enable {
                    self.model.enable(handle);
                } else {
                    self.model.disable(handle);
                }
                let register = u64::from(handle.0) << 32;
                let done = (Ended::Condition(ConditionCode::Zero), register);
                ("clp", if enable { "enable" } else { "disable" }, done, Answer::done(register))
            }
            Operation::Mpcifc { kind, register, fib, displacement } => {
                let blocks = [fib, Fib::ZERO];
                // SAFETY: The tables lead to frames that are the device's alone. A root made of other bits leads to entries of
                // these tables, or to nothing, and the device is let at no page that leads elsewhere by the model. The
                // page for vectors and measurement is theirs.
                let answer = unsafe { instruction::mpcifc(register, &blocks, displacement) };
                ("mpcifc", kind, answer, self.model.mpcifc(register, &fib, displacement as u64))
            }
            Operation::Stpcifc { kind, register, displacement } => {
                let mut blocks = [Fib::ZERO; 2];
                let answer = instruction::stpcifc(register, &mut blocks, displacement);
                let (expected, fib) = self.model.stpcifc(register, displacement as u64);
                if fib.is_some_and(|fib| fib != blocks[0]) {
                    self.differ(format_args!("STPCIFC stores {:?}, the model {fib:?}", blocks[0]));
                }
                ("stpcifc", kind, answer, expected)
            }
            Operation::Rpcit { kind, register, is_odd, start, length } => {
                let answer = instruction::rpcit(register, is_odd, start, length);
                ("rpcit", kind, answer, self.model.rpcit(register, is_odd, start, length))
            }
        };
        let event = self.event();
        let step = Step { number, instruction, kind, ended, register, event, controls: self.controls(), sample: None };
        self.count(&step);
        let (end, other) = (Ended::from(expected.end), expected.register);
        if (ended, register) != (end, other) {
            self.differ(format_args!("{operation:x?}: {ended} {register:#x}, the model {end} {other:#x}"));
        }
        if event != expected.event {
            self.differ(format_args!("{operation:x?}: event {event:?}, the model {:?}", expected.event));
        }
        step
    }

    /// What STPCIFC stores, compared with what the model has.
    fn controls(&mut self) -> Option<Fib> {
        let register = u64::from(self.function.handle().0) << 32;
        let mut blocks = [Fib::ZERO; 2];
        let (ended, _) = instruction::stpcifc(register, &mut blocks, 0);
        let (expected, fib) = self.model.stpcifc(register, 0);
        let found = (ended == Ended::Condition(ConditionCode::Zero)).then_some(blocks[0]);
        if ended != Ended::from(expected.end) || found != fib {
            self.differ(format_args!("controls {found:?}, the model {fib:?}"));
        }
        found
    }

    /// The event that the last instruction left; more than one is a difference.
    fn event(&mut self) -> Option<ErrorEvent> {
        let first = self.machine.error_event()?;
        let more = core::iter::from_fn(|| self.machine.error_event()).take(MOST_EVENTS).count();
        if more > 0 {
            self.differ(format_args!("{more} events behind {first:?}"));
        }
        Some(first)
    }

    /// Has the device write to a page, if it can, and compares where that came with what the model says.
    fn sample(&mut self) -> Option<Sample> {
        let before = self.facts();
        // The driver takes a blocked function, which does DMA, for one in error.
        let is_usable = before.state == State::Enabled
            && before.aperture.is_some_and(|aperture| aperture.contains_iova(Iova::new(QUEUE)));
        if !is_usable {
            return None;
        }
        // What was registered may lead nowhere.
        self.issue(0, before.queue());
        self.model.translate(QUEUE)?;
        if self.facts().state != before.state {
            return None;
        }
        let iova = self.page_to_try(before.aperture)?;
        let expected = match self.model.translate(iova) {
            // QEMU's region of addresses ends with the aperture: what lies behind it is not even refused.
            _ if before.aperture.is_some_and(|aperture| iova > aperture.last().get()) => Reached::Nowhere,
            _ if !before.aperture.is_some_and(|aperture| aperture.contains_iova(Iova::new(iova))) => {
                Reached::Refused(Some((2, iova)))
            }
            Some((absolute, Protection::ReadWrite)) => {
                // A write is only let out to a frame that is there for it.
                let frame = absolute.checked_sub(self.frames)? / FRAME;
                (frame < FRAMES).then_some(Reached::Frame(frame))?
            }
            _ => Reached::Refused(Some((4, iova))),
        };
        let reached = match self.probe.write(iova) {
            Ok(Written::Frame(frame)) => Reached::Frame(frame),
            Ok(Written::Nowhere) => Reached::Nowhere,
            Ok(Written::Elsewhere) => Reached::Elsewhere,
            Ok(Written::Refused) => {
                let event = self.event();
                self.recover(before.state, event.as_ref());
                Reached::Refused(event.map(|event| (event.code().0, event.iova().get())))
            }
            Err(error) => {
                self.broken = Some(Message::new(format_args!("the device at {iova:#x}: {error}")));
                return None;
            }
        };
        match reached {
            Reached::Frame(_) => self.found.reached += 1,
            Reached::Refused(_) => self.found.refused += 1,
            Reached::Nowhere | Reached::Elsewhere => {}
        }
        if reached != expected {
            self.differ(format_args!("page {iova:#x}: {reached}, the model {expected}"));
        }
        Some(Sample { iova, reached })
    }

    /// A page to try: mostly one that is mapped, rarely one that is not, which costs a reset of the device.
    fn page_to_try(&mut self, aperture: Option<IovaRange>) -> Option<u64> {
        let wrapped = self.choice.once_in(4);
        let bank = if wrapped { FIRST + WRAP } else { FIRST };
        let with_refusal = self.choice.once_in(6);
        for _ in 0..32 {
            let iova = bank + FRAME * self.choice.below(PAGES + PAGES / 8);
            let is_inside = aperture.is_some_and(|aperture| aperture.contains_iova(Iova::new(iova)));
            let leads = matches!(self.model.translate(iova), Some((_, Protection::ReadWrite))) && is_inside;
            if leads || with_refusal {
                return Some(iova);
            }
        }
        None
    }

    /// Takes the function out of the error that the device made, to the state in which it was.
    fn recover(&mut self, to: State, event: Option<&ErrorEvent>) {
        let Some(event) = event else {
            self.broken = Some(Message::new(format_args!("an error without an event")));
            return;
        };
        if self.model.fail(event) != *event {
            self.differ(format_args!("an event of another function: {event:?}"));
        }
        self.probe.give_up();
        let recovery = self.facts().recover(to);
        self.issue(0, recovery);
    }

    fn count(&mut self, step: &Step) {
        let place = match step.ended {
            Ended::Condition(cc) => cc as usize,
            Ended::ProgramCheck(_) => 4,
        };
        if let Some(count) = self.found.ends.get_mut(place) {
            *count += 1;
        }
        self.found.events += u32::from(step.event.is_some());
    }

    fn differ(&mut self, what: fmt::Arguments<'_>) {
        self.found.differences += 1;
        self.difference.get_or_insert(Message::new(what));
    }
}
