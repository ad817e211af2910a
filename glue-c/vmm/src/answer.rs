// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How an instruction ends, and what is to be done.

use s390_iommu::guest;
use zerocopy::IntoBytes;

/// How an instruction ends.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ForeignAnswer {
    /// R1 afterwards; as it was, after a program interruption.
    pub r1: u64,
    /// Code of a program interruption; 0 if the instruction ends with a condition code.
    pub program_interruption: u16,
    /// Condition code, 0 to 3.
    pub condition_code: u8,
    /// Whether there is an error event for the guest.
    pub has_event: bool,
    /// The event, as `zpci_event_answer()` takes it with `ZPCI_EVENT_ERROR`.
    pub event: [u8; 32],
}

impl From<guest::Answer> for ForeignAnswer {
    fn from(answer: guest::Answer) -> Self {
        let (program_interruption, condition_code) = match answer.end {
            guest::End::Condition(cc) => (0, cc as u8),
            guest::End::ProgramCheck(code) => (code as u16, 0),
        };
        let mut event = [0; 32];
        if let Some(found) = &answer.event {
            event.iter_mut().zip(found.as_bytes()).for_each(|(to, from)| *to = *from);
        }
        Self { r1: answer.register, program_interruption, condition_code, has_event: answer.event.is_some(), event }
    }
}

/// What a VMM does after MPCIFC, before the guest goes on.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ForeignEffect {
    /// `ZPCI_EFFECT_*`: bits.
    pub what: u32,
    /// Number of interrupts, offset of the vector, subclass, offset of the summary bit: as the guest gave them, in the word at
    /// byte 40 of the FIB, reserved bits 0; with `ZPCI_EFFECT_INTERRUPTS`.
    pub interrupt_word: u32,
    /// First address that is translated; with `ZPCI_EFFECT_REGISTERED`.
    pub first: u64,
    /// Last address, inclusive.
    pub last: u64,
    /// The anchor. Without 0x800, there is no translation: map all of the guest from the start of the window.
    pub iota: u64,
    /// Address of the interrupt bit vector.
    pub aibv: u64,
    /// Address of the summary bit.
    pub aisb: u64,
    /// Address of the measurement block, 0 for none; with `ZPCI_EFFECT_MEASURE`.
    pub fmb: u64,
}

/// Unmap everything.
pub const ZPCI_EFFECT_DEREGISTERED: u32 = 1;
/// Translation is registered: nothing is mapped yet.
pub const ZPCI_EFFECT_REGISTERED: u32 = 2;
/// Deliver no more interrupts.
pub const ZPCI_EFFECT_NO_INTERRUPTS: u32 = 4;
/// Deliver interrupts by the vectors.
pub const ZPCI_EFFECT_INTERRUPTS: u32 = 8;
/// Write the measurement block there from now on. Counters start from 0; as `ZPCI_RULES_QEMU` where it ends alone.
pub const ZPCI_EFFECT_MEASURE: u32 = 16;
/// The error state was left: loads, stores and, after `zpci_function_refresh_all()`, DMA may go on. What was unmapped of a
/// function without translation, all of the guest, is mapped again as for `ZPCI_EFFECT_REGISTERED`.
pub const ZPCI_EFFECT_RESET: u32 = 32;
/// Loads and stores may go on, DMA may not.
pub const ZPCI_EFFECT_UNBLOCKED: u32 = 64;

impl From<guest::Effect> for ForeignEffect {
    fn from(effect: guest::Effect) -> Self {
        let registered = |it: guest::Registration, what| Self {
            what,
            first: it.aperture.start().get(),
            last: it.aperture.last().get(),
            iota: it.iota.into_bits(),
            ..Self::default()
        };
        match effect {
            guest::Effect::None => Self::default(),
            guest::Effect::Registered(it) => registered(it, ZPCI_EFFECT_REGISTERED),
            guest::Effect::Deregistered => Self { what: ZPCI_EFFECT_DEREGISTERED, ..Self::default() },
            guest::Effect::Reregistered(it) => registered(it, ZPCI_EFFECT_DEREGISTERED | ZPCI_EFFECT_REGISTERED),
            guest::Effect::InterruptsRegistered(it) => Self {
                what: ZPCI_EFFECT_INTERRUPTS,
                interrupt_word: it.word.get(),
                aibv: it.vector.get(),
                aisb: it.summary.get(),
                ..Self::default()
            },
            guest::Effect::InterruptsDeregistered => Self { what: ZPCI_EFFECT_NO_INTERRUPTS, ..Self::default() },
            guest::Effect::Measure(at) => {
                Self { what: ZPCI_EFFECT_MEASURE, fmb: at.map_or(0, |at| at.get()), ..Self::default() }
            }
            guest::Effect::Unblocked => Self { what: ZPCI_EFFECT_UNBLOCKED, ..Self::default() },
            guest::Effect::Reset => Self { what: ZPCI_EFFECT_RESET, ..Self::default() },
        }
    }
}
