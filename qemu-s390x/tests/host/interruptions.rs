// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What becomes of a message of a device, as QEMU has it, on the fake machine: MSI-X, the bits, the interruption; and channel
//! reports of events. It shares nothing with the code under test: tables and blocks are taken apart by their offsets.

use std::cell::{Cell, RefCell};

use qemu_s390x::{Processor, Taken};
use zpci_machine::interruption::{Subclasses, Suppression};
use zpci_machine::ChannelReport;
use zpci_tests::fake::Fake;

use crate::sabotage::Sabotage;

/// Entries of the table of messages.
const ENTRIES: usize = 65;

/// The capability in configuration space, and the offsets of table and pending bits in BAR 0.
pub(crate) const CAPABILITY: u64 = 0x40;
pub(crate) const TABLE: u64 = 0x2000;
const PENDING: u64 = 0x3000;

/// The device's side.
pub(crate) struct Msix {
    control: Cell<u16>,
    table: RefCell<[u32; 4 * ENTRIES]>,
    pending: RefCell<[bool; ENTRIES]>,
}

impl Msix {
    pub(crate) fn new() -> Self {
        Self { control: Cell::new(0), table: RefCell::new([0; 4 * ENTRIES]), pending: RefCell::new([false; ENTRIES]) }
    }

    /// A word of the capability.
    pub(crate) fn configuration(&self, offset: u64) -> u64 {
        match offset - CAPABILITY {
            0 => 0x0011 | (u64::from(self.control.get()) | (ENTRIES as u64 - 1)) << 16,
            4 => TABLE,
            8 => PENDING,
            _ => 0,
        }
    }

    pub(crate) fn set_control(&self, value: u64) {
        self.control.set(value as u16 & 0xc000);
    }

    /// A word of table or pending bits.
    pub(crate) fn load(&self, offset: u64) -> u64 {
        match offset {
            PENDING.. => {
                let first = (offset - PENDING) as usize * 8;
                let pending = self.pending.borrow();
                let bits = pending.iter().skip(first).take(32).zip(0..);
                bits.map(|(pending, bit)| u64::from(*pending) << bit).sum()
            }
            _ => u64::from(self.table.borrow()[(offset - TABLE) as usize / 4]),
        }
    }

    /// Stores a word of the table; the entry whose message is to be sent now, if one was pending.
    pub(crate) fn store(&self, offset: u64, value: u64) -> Option<u16> {
        let word = (offset - TABLE) as usize / 4;
        self.table.borrow_mut()[word] = value as u32;
        let entry = word / 4;
        let is_sent = word % 4 == 3 && value & 1 == 0 && std::mem::take(&mut self.pending.borrow_mut()[entry]);
        is_sent.then_some(entry as u16)
    }

    /// What the device writes for entry `vector`, and where to; nothing while it is masked.
    pub(crate) fn message(&self, vector: u16, sabotage: Sabotage) -> Option<(u64, u32)> {
        let entry = usize::from(vector);
        let table = self.table.borrow();
        let [low, high, data, control] = table[4 * entry..][..4] else { unreachable!("four words") };
        // What was never set is not sent, whatever is broken.
        let broken = |wanted| sabotage == wanted && high != 0;
        if self.control.get() & 0x8000 == 0 && !broken(Sabotage::NoEndOfInterrupts) {
            return None;
        }
        if (control & 1 != 0 || self.control.get() & 0x4000 != 0) && !broken(Sabotage::NoMask) {
            self.pending.borrow_mut()[entry] = true;
            return None;
        }
        Some((u64::from(high) << 32 | u64::from(low), data))
    }
}

/// The machine's side.
#[derive(Debug)]
pub(crate) struct Interruptions {
    sabotage: Sabotage,
    /// Subclasses that are enabled, those in single mode, and those of them that were presented.
    enabled: Cell<Subclasses>,
    single: Cell<u8>,
    suppressed: Cell<u8>,
    pending: RefCell<Vec<u8>>,
    presented: Cell<u32>,
    reports: Cell<u32>,
    machine_check: Cell<bool>,
    /// The next report makes a machine check.
    is_armed: Cell<bool>,
    /// Events were announced, and nobody has asked for one.
    is_announced: Cell<bool>,
    /// What was registered last.
    last: Cell<(u32, u64, u64)>,
}

impl Interruptions {
    pub(crate) fn new(sabotage: Sabotage) -> Self {
        Self {
            sabotage,
            enabled: Cell::default(),
            single: Cell::new(0),
            suppressed: Cell::new(0),
            pending: RefCell::default(),
            presented: Cell::new(0),
            reports: Cell::new(0),
            machine_check: Cell::new(false),
            is_armed: Cell::new(true),
            is_announced: Cell::new(false),
            last: Cell::default(),
        }
    }

    /// A device of the function with the block `fib` has written `data` to the MSI address.
    pub(crate) fn message(&self, fake: &Fake, fib: &[u8; 80], data: u32) {
        let word = u32::from_be_bytes(fib[40..44].try_into().unwrap());
        let doubleword = |offset: usize| u64::from_be_bytes(fib[offset..offset + 8].try_into().unwrap());
        let mut registered = (word, doubleword(48), doubleword(56));
        if registered == (0, 0, 0) {
            assert_eq!(
                self.sabotage,
                Sabotage::NoEndOfInterrupts,
                "an interrupt of a function that has none registered"
            );
            registered = self.last.get();
        }
        self.last.set(registered);
        let (word, vector, summary) = registered;
        assert!(data < word >> 16 & 0xfff, "interrupt {data} of {}", word >> 16 & 0xfff);
        let bit = u64::from(word >> 8 & 0x3f) + u64::from(data) + u64::from(self.sabotage == Sabotage::WrongVector);
        let subclass = (word >> 28 & 7) as u8 ^ u8::from(self.sabotage == Sabotage::WrongSubclass);
        if self.sabotage != Sabotage::NoBit {
            set(fake, vector, bit);
        }
        if set(fake, summary, u64::from(word & 0x3f)) == 0 {
            self.present(subclass);
        }
    }

    fn present(&self, subclass: u8) {
        let bit = 0x80 >> subclass;
        if self.suppressed.get() & bit != 0 && self.sabotage != Sabotage::NoSuppression {
            return;
        }
        self.suppressed.set(self.suppressed.get() | self.single.get() & bit);
        self.presented.set(self.presented.get() + 1);
        let times = match (self.sabotage, self.presented.get() % 20) {
            (Sabotage::LostInterruption, 0) => 0,
            (Sabotage::TwoInterruptions, 0) => 2,
            _ => 1,
        };
        self.pending.borrow_mut().extend(std::iter::repeat_n(subclass, times));
    }

    /// Announces events, unless that was done and nobody has asked since.
    pub(crate) fn announce(&self) {
        if self.is_announced.replace(true) || self.sabotage == Sabotage::NoChannelReport {
            return;
        }
        self.reports.set(self.reports.get() + 1);
        if self.is_armed.replace(false) {
            self.machine_check.set(true);
        }
    }

    /// Somebody asks for events.
    pub(crate) fn asked(&self) {
        self.is_announced.set(false);
    }
}

/// Sets a bit in storage; the byte as it was.
fn set(fake: &Fake, start: u64, bit: u64) -> u8 {
    let mut byte = [0];
    fake.read_data(start + bit / 8, &mut byte);
    let before = byte[0];
    fake.write_data(start + bit / 8, &[before | 0x80 >> (bit % 8)]);
    before
}

impl Processor for Interruptions {
    fn enable(&self, subclasses: Subclasses) {
        self.enabled.set(subclasses);
    }

    fn set_suppression(&self, subclass: u8, suppression: Suppression) {
        let bit = 0x80 >> subclass;
        self.suppressed.set(self.suppressed.get() & !bit);
        self.single.set(match suppression {
            Suppression::None => self.single.get() & !bit,
            Suppression::Single => self.single.get() | bit,
        });
    }

    fn take(&self) -> Taken {
        let mut taken = Taken { channel_reports: u32::from(self.machine_check.replace(false)), ..Taken::NOTHING };
        self.pending.borrow_mut().retain(|subclass| {
            let is_taken = self.enabled.get().contains(*subclass);
            taken.adapter[usize::from(*subclass)] += u32::from(is_taken);
            !is_taken
        });
        taken
    }

    fn channel_report(&self) -> Option<ChannelReport> {
        let Some(left) = self.reports.get().checked_sub(1) else {
            self.is_armed.set(true);
            return None;
        };
        self.reports.set(left);
        Some(ChannelReport::from_bits(0x0b00_0000))
    }
}
