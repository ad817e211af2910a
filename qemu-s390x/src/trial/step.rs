// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is said of each instruction, for the program that compares machines.

use core::fmt;

use clp::ConditionCode;
use qemu_s390x::json::Object;
use s390_iommu::{ErrorEvent, Fib};
use zerocopy::IntoBytes;

use super::instruction::Ended;

/// An instruction and what the guest saw of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Which of all.
    pub(super) number: u32,
    pub(super) instruction: &'static str,
    /// What the operands are about.
    pub(super) kind: &'static str,
    pub(super) ended: Ended,
    /// The request register afterwards.
    pub(super) register: u64,
    pub(super) event: Option<ErrorEvent>,
    /// What STPCIFC stores then, if anything.
    pub(super) controls: Option<Fib>,
    /// Where a page led the device to, if that was tried.
    pub(super) sample: Option<Sample>,
}

/// A page, and where the device came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sample {
    pub(super) iova: u64,
    pub(super) reached: Reached,
}

/// Where a write of the device came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reached {
    /// To the frame of this number.
    Frame(u64),
    /// Nowhere: it was refused, with this event.
    Refused(Option<(u16, u64)>),
    /// Nowhere, and nobody was told.
    Nowhere,
    /// To several frames, or in spite of an error.
    Elsewhere,
}

impl Step {
    /// Hash of the block that STPCIFC stored (FNV-1a); 0 without one.
    fn digest(&self) -> u64 {
        let Some(fib) = &self.controls else { return 0 };
        let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        fib.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, add)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("zpci-step: ")?;
        let mut object = Object::new(f)?;
        object.raw("number", self.number)?;
        object.text("instruction", self.instruction)?;
        object.text("kind", self.kind)?;
        object.text("end", self.ended)?;
        let is_status = self.ended == Ended::Condition(ConditionCode::One);
        object.raw_or_null("status", is_status.then_some(self.register >> 24 & 0xff))?;
        object.hexadecimal("register", self.register)?;
        object.raw_or_null("event", self.event.map(|event| event.code().0))?;
        object.text_or_null("event_iova", self.event.map(|event| heapless_hexadecimal(event.iova().get())))?;
        object.raw_or_null("state", self.controls.map(|fib| u8::from(fib.state)))?;
        object.hexadecimal("controls", self.digest())?;
        if let Some(sample) = &self.sample {
            object.hexadecimal("sampled", sample.iova)?;
            object.text("reached", sample.reached)?;
        }
        object.end()
    }
}

fn heapless_hexadecimal(value: u64) -> heapless::String<18> {
    heapless::format!(18; "{value:#x}").unwrap_or_default()
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(cc) => write!(f, "cc {}", *cc as u8),
            Self::ProgramCheck(code) => write!(f, "program interruption {code:#06x}"),
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(number) => write!(f, "frame {number}"),
            Self::Refused(Some((code, iova))) => write!(f, "event {code:#x} at {iova:#x}"),
            Self::Refused(None) => f.write_str("refused"),
            Self::Nowhere => f.write_str("nowhere"),
            Self::Elsewhere => f.write_str("elsewhere"),
        }
    }
}
