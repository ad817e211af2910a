// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One function: its states and what MPCIFC and STPCIFC do to it.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::configuration::{FunctionConfiguration, GroupConfiguration};
use super::fib::Operand;
use super::tlb::Tlb;

/// Bit of the handle of an enabled function.
pub(super) const ENABLED: u32 = 0x8000_0000;

/// State of a function that is configured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Not usable until it is enabled.
    Disabled,
    /// In use.
    Enabled,
    /// In use but for loads and stores; DMA works.
    Blocked,
    /// An event happened; nothing works until the error is reset.
    Error,
}

/// An error event that a function reported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Event {
    /// PCI event code, such as 4 for a missing translation.
    pub code: u16,
    /// Address that the function used.
    pub address: u64,
}

/// What an instruction answers: condition code and status.
pub(super) type Answer = (u8, u8);

/// Success.
pub(super) const DONE: Answer = (0, 0);

/// An operand with which the instruction ends in a program check, and why.
#[derive(Debug)]
pub(super) struct Trap(pub(super) String);

/// A function and all that the machine holds about it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) configuration: FunctionConfiguration,
    pub(super) group: GroupConfiguration,
    pub(super) handle: u32,
    /// The last DMA address that it takes.
    pub(super) true_edma: u64,
    pub(super) state: State,
    /// Registered translation: pba, pal, iota.
    pub(super) ioat: Option<Ioat>,
    /// Registered interrupts: the word, aibv, aisb.
    interrupts: Option<(u32, u64, u64)>,
    fmb: u64,
    pub(super) tlb: Tlb,
    pub(super) events: Vec<Event>,
    /// Busy answers to give before the next SET works.
    pub(super) busy: u32,
}

/// Registered parameters of the I/O address translation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ioat {
    /// First byte of the aperture.
    pub(super) pba: u64,
    /// Last byte of the aperture.
    pub(super) pal: u64,
    pub(super) iota: u64,
}

impl Function {
    pub(super) fn new(configuration: FunctionConfiguration, group: GroupConfiguration, handle: u32, busy: u32) -> Self {
        Self {
            true_edma: configuration.edma,
            configuration,
            group,
            handle,
            state: State::Disabled,
            ioat: None,
            interrupts: None,
            fmb: 0,
            tlb: Tlb::default(),
            events: Vec::new(),
            busy,
        }
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.state != State::Disabled
    }

    /// Enables the function; it answers to `handle` from now on.
    pub(super) fn enable(&mut self, handle: u32) {
        self.state = State::Enabled;
        self.handle = handle | ENABLED;
    }

    /// Disables the function and forgets all that was registered.
    pub(super) fn disable(&mut self, handle: u32) {
        self.state = State::Disabled;
        self.handle = handle & !ENABLED;
        self.ioat = None;
        self.interrupts = None;
        self.fmb = 0;
        self.tlb = Tlb::default();
    }

    /// Reports an error event and leaves the function in its error state.
    pub(super) fn fail(&mut self, code: u16, address: u64) -> Event {
        let event = Event { code, address };
        self.events.push(event);
        self.state = State::Error;
        event
    }

    /// MPCIFC for address space 0.
    pub(super) fn modify(&mut self, control: u8, fib: &[u8; 80]) -> Result<Answer, Trap> {
        if !self.is_enabled() {
            return Ok((3, 0));
        }
        let operand = Operand::read(fib);
        if operand.format != 0 {
            return Err(Trap(format!("FIB format {}", operand.format)));
        }
        match control {
            2 => Ok(self.register_interrupts(operand)),
            3 => Ok(take(&mut self.interrupts)),
            4 => self.register(operand),
            5 => Ok(self.deregister()),
            6 => match self.deregister() {
                DONE => self.register(operand),
                refused => Ok(refused),
            },
            7 => Ok(self.reset(&[State::Error, State::Blocked], State::Enabled)),
            9 => Ok(self.reset(&[State::Error], State::Blocked)),
            10 => Ok(self.measure(operand.fmb)),
            other => Err(Trap(format!("operation control {other}"))),
        }
    }

    /// STPCIFC: the stored block.
    pub(super) fn store(&self) -> [u8; 80] {
        let state = match self.state {
            State::Disabled => return [0; 80],
            State::Enabled => 0x80,
            State::Blocked => 0xc0,
            State::Error => 0xe0,
        };
        let registered = if self.ioat.is_some() { 0x10 } else { 0 };
        let ioat = self.ioat.unwrap_or(Ioat { pba: 0, pal: 0, iota: 0 });
        let (interrupts, aibv, aisb) = self.interrupts.unwrap_or_default();
        let operand =
            Operand { format: 0, pba: ioat.pba, pal: ioat.pal, iota: ioat.iota, interrupts, aibv, aisb, fmb: self.fmb };
        operand.stored(state | registered)
    }

    fn register(&mut self, operand: Operand) -> Result<Answer, Trap> {
        if self.ioat.is_some() {
            return Ok((1, 24));
        }
        let ioat = Ioat { pba: operand.pba & !0xfff, pal: operand.pal | 0xfff, iota: operand.iota };
        self.check(ioat).map_err(Trap)?;
        self.ioat = Some(ioat);
        self.tlb = Tlb::default();
        Ok(DONE)
    }

    /// Whether MPCIFC takes these parameters; if not, why.
    fn check(&self, ioat: Ioat) -> Result<(), String> {
        let (sdma, edma) = (self.configuration.sdma, self.true_edma);
        let Ioat { pba, pal, iota } = ioat;
        if pba > pal {
            return Err(format!("PBA {pba:#x} lies behind PAL {pal:#x}"));
        }
        if pba < sdma {
            return Err(format!("aperture from PBA {pba:#x} starts before the first DMA address {sdma:#x}"));
        }
        if pal > edma {
            return Err(format!("aperture to PAL {pal:#x} ends behind the last DMA address {edma:#x}"));
        }
        if iota & 0x800 == 0 {
            return if self.group.relaxed && iota == 0 {
                Ok(())
            } else {
                Err(format!("IOTA {iota:#x} without translation"))
            };
        }
        let designation_type = iota >> 2 & 7;
        if self.group.dtsm & (0x80 >> designation_type) == 0 {
            return Err(format!("designation type {designation_type} in IOTA {iota:#x} is not supported"));
        }
        if iota & 0x37e3 != 0 {
            return Err(format!("IOTA {iota:#x} has bits that QEMU adds to the table origin"));
        }
        Ok(())
    }

    fn deregister(&mut self) -> Answer {
        self.tlb = Tlb::default();
        take(&mut self.ioat)
    }

    fn register_interrupts(&mut self, operand: Operand) -> Answer {
        if self.interrupts.is_some() {
            return (1, 24);
        }
        self.interrupts = Some((operand.interrupts, operand.aibv, operand.aisb));
        DONE
    }

    fn reset(&mut self, from: &[State], to: State) -> Answer {
        if !from.contains(&self.state) {
            return (1, 24);
        }
        self.state = to;
        DONE
    }

    fn measure(&mut self, fmb: u64) -> Answer {
        if fmb & 0xf != 0 {
            // An event about the block leaves the function at work.
            self.events.push(Event { code: 0x2c, address: fmb });
            self.fmb = 0;
            return (1, 0);
        }
        self.fmb = fmb;
        DONE
    }
}

/// Ends a registration; the answer where there was none is that of a wrong sequence.
fn take<T>(registration: &mut Option<T>) -> Answer {
    match registration.take() {
        Some(_) => DONE,
        None => (1, 24),
    }
}
