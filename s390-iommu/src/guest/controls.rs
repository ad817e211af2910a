// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The controls of a guest's function: its states, and what each instruction makes of them.

mod before;
mod pending;

pub use pending::{Pending, Refreshed};

use before::Before;
use clp::{ConditionCode, FunctionHandle, FunctionId, FunctionType};

use crate::format::address::{AbsoluteAddress, Iova, PAGE_SIZE};
use crate::format::error_event::ErrorEvent;
use crate::format::event_code::{EventCode, Severity};
use crate::format::fib::{Fib, FunctionState, InterruptParameters, InterruptWord};
use crate::format::interrupt_vector::InterruptVector;
use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::format::table_type::Root;
use crate::guest::answer::{Answer, ProgramInterruption};
use crate::guest::effect::{Effect, Registration};
use crate::guest::mappings::RefreshNumber;
use crate::guest::refresh::Refresh;
use crate::guest::registers::{Mpcifc, Stpcifc};
use crate::guest::rules::Rules;
use crate::machine::limits::Limits;
use crate::machine::zpci::{FunctionControl, Status};

/// What the VMM gives a function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Configuration {
    /// Identifier (FID) for the guest.
    pub id: FunctionId,
    /// The window and the roots that the guest was told by CLP; the walker knows every root.
    pub limits: Limits,
    /// Most interrupts of the function, as the guest was told (NOI of the group).
    pub max_interrupts: u16,
    /// Whether the VMM keeps a measurement block, as QEMU always does; without one it is refused with [`Status::NO_RESOURCE`].
    pub has_measurement: bool,
    /// How details are answered that differ between machines.
    pub rules: Rules,
}

/// State of a function of the guest.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum State {
    /// Until SET PCI FN enables it no instruction finds it.
    #[default]
    Disabled,
    /// In use.
    Enabled,
    /// Its error was reset for loads and stores alone. It does no DMA yet, but under QEMU.
    Blocked,
    /// An event happened: loads, stores and DMA are refused until the error is reset.
    Error,
    /// It does not come back.
    PermanentError,
}

/// The controls of one function of a guest.
///
/// The VMM finds the function by the handle in the request and asks it; a handle that no function has gets
/// [`Answer::not_there`]. One method is one instruction; all of them answer as the machine that [`Rules`] names.
#[derive(Clone, Debug)]
pub struct FunctionControls {
    configuration: Configuration,
    handle: FunctionHandle,
    state: State,
    registration: Option<Registration>,
    interrupts: Option<InterruptParameters>,
    measurement: Option<AbsoluteAddress>,
    /// What it was before the last MPCIFC, which can be taken back.
    before: Option<Before>,
    /// RPCIT that is being carried out.
    refresh: Option<Refresh>,
    /// The number of the last refresh.
    number: RefreshNumber,
    /// Refreshes up to this number are from before it was disabled.
    past: RefreshNumber,
    /// Refreshes of the guest that ended with no error.
    refreshes: u64,
}

/// Low bits of a measurement block's address: a storage key, which must be 0.
const MEASUREMENT_KEY: u64 = 0xf;

impl FunctionControls {
    /// A function that is disabled.
    pub const fn new(handle: FunctionHandle, configuration: Configuration) -> Self {
        Self {
            configuration,
            handle,
            state: State::Disabled,
            registration: None,
            interrupts: None,
            measurement: None,
            before: None,
            refresh: None,
            number: RefreshNumber(0),
            past: RefreshNumber(0),
            refreshes: 0,
        }
    }

    /// Its handle.
    pub const fn handle(&self) -> FunctionHandle {
        self.handle
    }

    /// Its state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Its registered translation.
    pub const fn registration(&self) -> Option<Registration> {
        self.registration
    }

    /// Its registered interrupts.
    pub const fn interrupts(&self) -> Option<InterruptParameters> {
        self.interrupts
    }

    /// Where its measurement block is.
    pub const fn measurement(&self) -> Option<AbsoluteAddress> {
        self.measurement
    }

    /// Number of RPCITs that did not end in an error of the function, as a measurement block counts them: since measurement was
    /// set or ended, or the function was enabled. Under QEMU setting it leaves the count as it is.
    pub const fn refreshes(&self) -> u64 {
        self.refreshes
    }

    /// Enables the function, which has `handle` from now on; what [`SetRequest::confirm`](clp::responder::SetRequest) gets.
    pub const fn enable(&mut self, handle: FunctionHandle) {
        debug_assert!(handle.is_enabled());
        self.handle = handle;
        self.state = State::Enabled;
        self.refreshes = 0;
        self.before = None;
    }

    /// Disables the function, which has `handle` from now on, and forgets all that was registered.
    ///
    /// Returns [`Effect::Deregistered`]: whatever is mapped for the function is unmapped before the guest goes on, or its
    /// device still reaches it when the function is enabled again. It takes part in no interrupts and writes no measurement
    /// block either. A refresh that is being carried out ends with condition code 3.
    #[must_use = "the device reaches what is mapped until it is unmapped"]
    pub const fn disable(&mut self, handle: FunctionHandle) -> Effect {
        debug_assert!(!handle.is_enabled());
        self.handle = handle;
        self.state = State::Disabled;
        self.registration = None;
        self.interrupts = None;
        self.measurement = None;
        self.before = None;
        self.refresh = None;
        self.past = self.number;
        Effect::Deregistered
    }

    /// Puts the function into its error state, as when its DMA or a host's event says so; returns the event for the guest.
    ///
    /// The state is all that changes here. What a device of the host can still reach is the VMM's to end: by its bus-master
    /// bit, which no store of the guest sets before [`Effect::Reset`], or by an unmap of everything, which that effect brings
    /// back. An emulated device asks [`Self::check_access`].
    ///
    /// `address` is the I/O virtual address, where there is one. An event about the measurement block does not change the
    /// state, nor does any of a function that is disabled. In error a refresh that is being carried out ends, with status 40,
    /// or with condition code 2 if the error is over when somebody goes on with it.
    pub fn fail(&mut self, code: EventCode, address: Iova) -> ErrorEvent {
        match (self.state, code.severity()) {
            (State::Disabled | State::PermanentError, _) | (_, Severity::Notice) => {}
            (_, Severity::Recoverable) => self.state = State::Error,
            (_, Severity::Permanent) => self.state = State::PermanentError,
        }
        // What was being carried out went by what the VMM may unmap now.
        if matches!(self.state, State::Error | State::PermanentError) {
            self.refresh = None;
        }
        ErrorEvent::new(self.handle, self.configuration.id, code, address)
    }

    /// Checks an access of the device to `iova`, before the VMM looks at what is mapped.
    ///
    /// # Errors
    ///
    /// The event for the guest, if the address is out of the aperture or nothing is registered; the function is in error
    /// then. `None` if the access just fails: the function was in error already, is not enabled, or does no DMA while it is
    /// blocked; under QEMU also where nothing is registered, and behind the aperture.
    pub fn check_access(&mut self, iova: Iova) -> Result<(), Option<ErrorEvent>> {
        if !self.does_dma() {
            return Err(None);
        }
        let silent = self.configuration.rules.ends_with_aperture;
        let code = match self.registration {
            Some(registration) => match self.effective(registration.aperture) {
                Some(aperture) if aperture.contains_iova(iova) => return Ok(()),
                Some(aperture) if silent && iova > aperture.last() => return Err(None),
                _ => EventCode::OUTSIDE_APERTURE,
            },
            None if silent => return Err(None),
            None => EventCode::INVALID_ADDRESS_SPACE,
        };
        Err(Some(self.fail(code, iova)))
    }

    /// MPCIFC with the FIB that the request names; what is to be done comes with the answer. If the VMM cannot do it, it
    /// [takes the instruction back](Self::take_back).
    ///
    /// The format of the FIB is 0; directed interrupts are not for guests. Its GISA designation is not looked at: that of a
    /// guest says nothing to a host.
    pub fn modify(&mut self, request: &Mpcifc, fib: &Fib) -> (Answer, Effect) {
        let register = request.register;
        self.before = None;
        if request.handle != self.handle || !self.is_operational() {
            return (Answer::not_there(register), Effect::None);
        }
        if fib.format != 0 {
            return (Answer::program_check(register, ProgramInterruption::Operand), Effect::None);
        }
        self.keep(register);
        let rules = self.configuration.rules;
        let control = u8::try_from(request.control & rules.control_mask).map(FunctionControl);
        let result = match control {
            Ok(FunctionControl::REGISTER_INTERRUPTS) => self.register_interrupts(fib),
            Ok(FunctionControl::DEREGISTER_INTERRUPTS) => match self.interrupts.take() {
                Some(_) => Ok(Effect::InterruptsDeregistered),
                None => Err(Refusal::Status(Status::SEQUENCE)),
            },
            Ok(
                control @ (FunctionControl::REGISTER_IOAT
                | FunctionControl::DEREGISTER_IOAT
                | FunctionControl::REREGISTER_IOAT),
            ) => self.translate(control, request.address_space, fib),
            Ok(FunctionControl::RESET_ERROR) => self.reset(State::Enabled),
            Ok(FunctionControl::RESET_BLOCK) => self.reset(State::Blocked),
            Ok(FunctionControl::SET_MEASUREMENT) => self.measure(fib.measurement_block.get()),
            _ => Err(Refusal::Operand(Effect::None)),
        };
        match result {
            Ok(effect) => (Answer::done(register), effect),
            Err(Refusal::Status(status)) => (Answer::status(register, status), Effect::None),
            Err(Refusal::Busy) => (Answer::condition(register, ConditionCode::Two), Effect::None),
            Err(Refusal::Operand(effect)) => (Answer::program_check(register, ProgramInterruption::Operand), effect),
            Err(Refusal::Measurement(event)) => {
                // The status is as it was (QEMU).
                let answer = Answer::condition(register, ConditionCode::One).with_event(event);
                (answer, Effect::Measure(None))
            }
        }
    }

    /// STPCIFC: the FIB to store, if the condition code is 0.
    pub fn store(&self, request: &Stpcifc) -> (Answer, Option<Fib>) {
        let mask = self.configuration.rules.store_mask;
        if (request.handle.0 ^ self.handle.0) & mask != 0 {
            return (Answer::not_there(request.register), None);
        }
        let (error, blocked) = match self.state {
            State::Disabled if request.handle.is_enabled() => return (Answer::not_there(request.register), None),
            State::Disabled => return (Answer::done(request.register), Some(Fib::ZERO)),
            State::PermanentError => return (Answer::status(request.register, Status::IN_ERROR), None),
            State::Enabled => (false, false),
            State::Blocked => (true, false),
            State::Error => (true, true),
        };
        let mut fib = Fib {
            state: FunctionState::new()
                .with_enabled(true)
                .with_error(error)
                .with_blocked(blocked)
                .with_registered(self.registration.is_some()),
            interrupts: self.interrupts.unwrap_or(Fib::ZERO.interrupts),
            ..Fib::ZERO
        };
        if let Some(Registration { aperture, iota }) = self.registration {
            fib.first.set(aperture.start().get());
            fib.last.set(aperture.last().get());
            fib.iota.set(iota.into_bits());
        }
        fib.measurement_block.set(self.measurement.map_or(0, AbsoluteAddress::get));
        // Who asked by the handle of a disabled function is told that it is enabled.
        let enabled = u64::from(FunctionHandle::ENABLED) << 32;
        (Answer::done(request.register | enabled), Some(fib))
    }

    /// Whether instructions find the function.
    const fn is_operational(&self) -> bool {
        matches!(self.state, State::Enabled | State::Blocked | State::Error)
    }

    /// Whether the state lets the device at what is registered.
    const fn does_dma(&self) -> bool {
        match self.state {
            State::Enabled => true,
            State::Blocked => self.configuration.rules.translates_blocked,
            State::Disabled | State::Error | State::PermanentError => false,
        }
    }

    fn register_interrupts(&mut self, fib: &Fib) -> Result<Effect, Refusal> {
        if self.interrupts.is_some() {
            return Err(Refusal::Status(Status::SEQUENCE));
        }
        let interrupts = InterruptParameters {
            word: InterruptWord::from_bits(fib.interrupts.word.get()).without_reserved().into_bits().into(),
            directed_vector_offset: Fib::ZERO.interrupts.directed_vector_offset,
            reserved_46: Fib::ZERO.interrupts.reserved_46,
            ..fib.interrupts
        };
        if self.configuration.rules.checks_interrupts {
            // Also what QEMU answers where it cannot reach a vector (read).
            let vector = InterruptVector::new(&interrupts).map_err(|_| Refusal::Status(Status::NO_RESOURCE))?;
            if vector.count() > self.configuration.max_interrupts {
                return Err(Refusal::Status(Status::NO_RESOURCE));
            }
        }
        self.interrupts = Some(interrupts);
        Ok(Effect::InterruptsRegistered(interrupts))
    }

    fn translate(&mut self, control: FunctionControl, address_space: u8, fib: &Fib) -> Result<Effect, Refusal> {
        if address_space != 0 {
            return Err(Refusal::Status(Status::ADDRESS_SPACE));
        }
        if self.registration.is_some() == (control == FunctionControl::REGISTER_IOAT) {
            return Err(Refusal::Status(Status::SEQUENCE));
        }
        if self.refresh.is_some() {
            return Err(Refusal::Busy);
        }
        if control == FunctionControl::DEREGISTER_IOAT {
            self.registration = None;
            return Ok(Effect::Deregistered);
        }
        let registered = self.check(fib);
        let replaces = control == FunctionControl::REREGISTER_IOAT;
        match registered {
            Some(registration) => {
                self.registration = Some(registration);
                Ok(if replaces { Effect::Reregistered(registration) } else { Effect::Registered(registration) })
            }
            None if replaces && self.configuration.rules.deregisters_first => {
                self.registration = None;
                Err(Refusal::Operand(Effect::Deregistered))
            }
            None => Err(Refusal::Operand(Effect::None)),
        }
    }

    /// The parameters in `fib`, rounded; `None` if they are an operand exception.
    fn check(&self, fib: &Fib) -> Option<Registration> {
        let Configuration { limits, rules, .. } = &self.configuration;
        let (first, last) = (Iova::new(fib.first.get()), Iova::new(fib.last.get()));
        let (first, last) = (IovaRange::page(first), IovaRange::page(last));
        let aperture = IovaRange::new(first.start(), last.last()).ok()?;
        if !limits.window.contains(self.effective(aperture)?) {
            return None;
        }
        let iota = fib.iota();
        let fits = if iota.translation() {
            let designation_type = iota.designation_type();
            Root::ALL.iter().any(|root| root.designation_type() == designation_type)
                && limits.designation_types.supports(designation_type)
        } else {
            limits.relaxed_translation && (!rules.refreshes_identity || iota == Iota::IDENTITY)
        };
        fits.then_some(Registration { aperture, iota })
    }

    /// What of a registered aperture is used: an ISM function is given its last address one page too high.
    ///
    /// Linux: `arch/s390/pci/pci.c`.
    fn effective(&self, aperture: IovaRange) -> Option<IovaRange> {
        let Configuration { limits, rules, .. } = &self.configuration;
        if !rules.has_ism_quirk || limits.function_type != FunctionType::ISM {
            return Some(aperture);
        }
        let last = aperture.last().get().checked_sub(PAGE_SIZE)?;
        IovaRange::new(aperture.start(), Iova::new(last)).ok()
    }

    fn reset(&mut self, to: State) -> Result<Effect, Refusal> {
        match (self.state, to) {
            (State::Error, _) | (State::Blocked, State::Enabled) => {
                self.state = to;
                Ok(if self.does_dma() { Effect::Reset } else { Effect::Unblocked })
            }
            _ => Err(Refusal::Status(Status::SEQUENCE)),
        }
    }

    fn measure(&mut self, address: u64) -> Result<Effect, Refusal> {
        if address & MEASUREMENT_KEY != 0 {
            self.measurement = None;
            self.refreshes = 0;
            return Err(Refusal::Measurement(self.fail(EventCode::MEASUREMENT_PROTECTION, Iova::new(address))));
        }
        if !self.configuration.has_measurement && address != 0 {
            return Err(Refusal::Status(Status::NO_RESOURCE));
        }
        if address == 0 || self.configuration.rules.counts_anew {
            self.refreshes = 0;
        }
        self.measurement = (address != 0).then_some(AbsoluteAddress::new(address));
        Ok(Effect::Measure(self.measurement))
    }
}

/// Why MPCIFC does not do it.
enum Refusal {
    Status(Status),
    /// An operand exception, and what was done in spite of it.
    Operand(Effect),
    /// Condition code 2.
    Busy,
    /// Condition code 1, and an event.
    Measurement(ErrorEvent),
}
