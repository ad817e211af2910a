// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Operands of instructions, right and wrong.

use clp::FunctionHandle;
use s390_iommu::guest::State;
use s390_iommu::{Fib, IovaRange};

use super::choice::Choice;
use super::model::WRAP;
use super::tables::{FIRST, FRAME, PAGES, QUEUE};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Operation controls of MPCIFC.
mod control {
    pub(super) const REGISTER_INTERRUPTS: u8 = 2;
    pub(super) const DEREGISTER_INTERRUPTS: u8 = 3;
    pub(super) const REGISTER: u8 = 4;
    pub(super) const DEREGISTER: u8 = 5;
    pub(super) const REREGISTER: u8 = 6;
    pub(super) const RESET_ERROR: u8 = 7;
    pub(super) const RESET_BLOCK: u8 = 9;
    pub(super) const MEASURE: u8 = 10;
}

/// Translation is on, with a region-third table as root.
const ANCHOR: u64 = 0x804;

/// What to do next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Enable,
    Disable,
    Mpcifc { kind: &'static str, register: u64, fib: Fib, displacement: usize },
    Stpcifc { kind: &'static str, register: u64, displacement: usize },
    Rpcit { kind: &'static str, register: u64, is_odd: bool, start: u64, length: u64 },
}

/// What operands are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) handle: FunctionHandle,
    pub(super) state: State,
    pub(super) aperture: Option<IovaRange>,
    pub(super) window: IovaRange,
    pub(super) root: u64,
    /// A page for interrupt vectors and the measurement block.
    pub(super) page: u64,
}

impl Facts {
    /// The next operation, likely to get on.
    pub(super) fn next(&self, choice: &mut Choice) -> Operation {
        match self.state {
            State::Disabled if !choice.once_in(8) => return Operation::Enable,
            State::Error if choice.once_in(2) => return self.reset(control::RESET_ERROR, choice),
            State::Error if choice.once_in(3) => return self.reset(control::RESET_BLOCK, choice),
            State::Blocked if choice.once_in(4) => return self.reset(control::RESET_ERROR, choice),
            _ if choice.once_in(120) => return Operation::Disable,
            _ => {}
        }
        if self.aperture.is_none() && choice.once_in(2) {
            return self.register(control::REGISTER, choice);
        }
        match choice.below(20) {
            0..=4 => self.mpcifc(choice),
            5 => {
                let displacement = self.displacement(choice);
                Operation::Stpcifc { kind: kind(displacement != 0), register: self.request(choice, 0), displacement }
            }
            _ => self.rpcit(choice),
        }
    }

    /// RPCIT of the page of the device's queue.
    pub(super) const fn queue(&self) -> Operation {
        let register = (self.handle.0 as u64) << 32;
        Operation::Rpcit { kind: "queue", register, is_odd: false, start: QUEUE, length: FRAME }
    }

    /// MPCIFC that resets the error, for the device or for loads and stores alone.
    pub(super) fn recover(&self, to: State) -> Operation {
        let control = if to == State::Blocked { control::RESET_BLOCK } else { control::RESET_ERROR };
        let register = u64::from(self.handle.0) << 32 | u64::from(control);
        Operation::Mpcifc { kind: "recovery", register, fib: Fib::ZERO, displacement: 0 }
    }

    fn reset(&self, control: u8, choice: &mut Choice) -> Operation {
        let register = self.request(choice, u16::from(control));
        Operation::Mpcifc { kind: "reset", register, fib: Fib::ZERO, displacement: 0 }
    }

    /// A registration that is mostly right.
    fn register(&self, control: u8, choice: &mut Choice) -> Operation {
        let mut fib = Fib::ZERO;
        let (mut first, mut last) = (self.window.start().get(), self.window.last().get());
        let mut iota = self.root | ANCHOR;
        let kind = match choice.below(24) {
            0 => {
                first = FIRST + FRAME * choice.below(PAGES);
                "aperture without queue"
            }
            1 => {
                last = FIRST + FRAME * choice.below(PAGES) + choice.below(FRAME);
                first += choice.below(FRAME);
                "aperture that ends early"
            }
            2 => {
                first -= 1 + choice.below(2 * FRAME);
                "below the window"
            }
            3 => {
                last = last.saturating_add(1 + choice.below(2 * FRAME));
                "above the window"
            }
            4 => {
                (first, last) = (last, first);
                "reversed"
            }
            5 => {
                iota = self.root | 0x800 | choice.below(8) << 2;
                "any designation"
            }
            6 => {
                iota = choice.of(&[0, self.root, self.root | 0x4]);
                "no translation"
            }
            7 => {
                iota |= choice.of(&[0x200, 0x20, 0x1, 0x3e0, 0x400, 0x3]);
                "low bits of the anchor"
            }
            8 => {
                iota = 0x7000_0000_0000 | ANCHOR;
                "root without storage"
            }
            9 => {
                fib.format = 1 + choice.below(255) as u8;
                "format"
            }
            _ => "registration",
        };
        fib.first.set(first);
        fib.last.set(last);
        fib.iota.set(iota);
        let register = self.request(choice, u16::from(control));
        Operation::Mpcifc { kind, register, fib, displacement: self.displacement(choice) }
    }

    fn mpcifc(&self, choice: &mut Choice) -> Operation {
        let mut fib = Fib::ZERO;
        let (kind, control) = match choice.below(16) {
            0..=3 => return self.register(control::REREGISTER, choice),
            4 => return self.register(control::REGISTER, choice),
            5 => ("deregistration", control::DEREGISTER),
            6 => ("reset", control::RESET_ERROR),
            7 => ("reset", control::RESET_BLOCK),
            8..=10 => {
                let count = choice.below(128) as u32;
                // Each with the reserved bits before it.
                fib.interrupts.word.set(
                    (choice.below(16) as u32) << 28
                        | count << 16
                        | (choice.below(256) as u32) << 8
                        | (choice.below(2) as u32) << 7
                        | choice.below(128) as u32,
                );
                fib.interrupts.vector.set(self.page);
                fib.interrupts.summary.set(self.page + 512);
                ("interrupts", control::REGISTER_INTERRUPTS)
            }
            11 | 12 => ("interrupts", control::DEREGISTER_INTERRUPTS),
            13 => {
                let odd = choice.below(16);
                let block = choice.of(&[0, self.page + 1024, self.page + 2048, self.page + 1024 + odd]);
                fib.measurement_block.set(block);
                ("measurement", control::MEASURE)
            }
            _ => ("any operation", choice.below(256) as u8),
        };
        // Only its first byte is looked at.
        let other = if choice.once_in(8) { (choice.below(256) as u16) << 8 } else { 0 };
        let register = self.request(choice, other | u16::from(control));
        Operation::Mpcifc { kind, register, fib, displacement: self.displacement(choice) }
    }

    fn rpcit(&self, choice: &mut Choice) -> Operation {
        let page = FIRST + FRAME * choice.below(PAGES);
        let some = FRAME * (1 + choice.below(64));
        let window = self.aperture.unwrap_or(self.window);
        let (kind, start, length) = match choice.below(32) {
            0..=9 => ("pages", page, some),
            10..=12 => ("segments", page & !(MIB - 1), MIB * (1 + choice.below(4))),
            13..=15 => ("all pages", FIRST, PAGES * FRAME),
            16 => ("everything", QUEUE, 16 * GIB),
            17 => ("regions", 0x2_0000_0000, 4 * GIB),
            18 => ("from within a region", 0x2_0000_0000 + FRAME * choice.below(1 << 18), 4 * GIB),
            19 => ("from within a region below", 0x1_8000_0000 + FRAME * choice.below(1 << 19), 4 * GIB),
            20 => ("from within a segment", page, MIB * (1 + choice.below(4))),
            21 => ("wrapped pages", page + WRAP, some),
            22 => ("wrapped segments", (page & !(MIB - 1)) + WRAP, MIB * (1 + choice.below(4))),
            23 => ("no bytes", page, 0),
            24 => ("bytes", page + choice.below(FRAME), choice.below(4 * FRAME)),
            25 => ("bytes at the start of a page", page, choice.below(4 * FRAME)),
            26 => ("below the aperture", window.start().get().saturating_sub(64 * FRAME), some),
            27 => {
                let start = window.start().get().saturating_sub(64 * FRAME);
                ("up to the aperture", start, window.start().get() - start + choice.below(2))
            }
            28 => ("behind the aperture", window.last().get().saturating_add(choice.below(2)), some),
            29 => ("past 2^64", u64::MAX - choice.below(2 * FRAME), some),
            30 => ("from below up to all", window.start().get().saturating_sub(FRAME), some),
            _ => ("any number", choice.number(), choice.below(1 << 16)),
        };
        let is_odd = choice.once_in(64);
        let kind = if is_odd { "odd register" } else { kind };
        Operation::Rpcit { kind, register: self.request(choice, 0), is_odd, start, length }
    }

    /// A request register with `low` in its last halfword; rarely another address space, or another handle.
    fn request(&self, choice: &mut Choice, low: u16) -> u64 {
        let handle = match choice.below(64) {
            0 => self.handle.0 ^ FunctionHandle::ENABLED,
            1 => self.handle.0 ^ 1 << choice.below(31),
            2 => u32::MAX,
            _ => self.handle.0,
        };
        // What is there for the status says nothing.
        let status = if choice.once_in(4) { choice.below(256) << 24 } else { 0 };
        let space = if choice.once_in(24) { choice.below(256) << 16 } else { 0 };
        u64::from(handle) << 32 | status | space | u64::from(low)
    }

    /// Mostly 0; else a number of bytes by which an operand is not aligned.
    fn displacement(&self, choice: &mut Choice) -> usize {
        if choice.once_in(32) {
            1 + choice.below(7) as usize
        } else {
            0
        }
    }
}

const fn kind(is_displaced: bool) -> &'static str {
    if is_displaced {
        "not aligned"
    } else {
        "any"
    }
}
