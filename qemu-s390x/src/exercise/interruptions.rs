// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Interruptions, counted where they are taken.
//!
//! Assigned storage locations: Principles of Operation, "Assigned Storage Locations".

use core::sync::atomic::{AtomicU32, Ordering};

use qemu_s390x::{Processor, Taken};
use zpci_machine::interruption::{
    enable_channel_reports, enable_subclasses, set_suppression, take_pending, IoInterruption, MachineCheck, Subclasses,
    Suppression,
};
use zpci_machine::ChannelReport;

core::arch::global_asm!(include_str!("interruptions.S"));

extern "C" {
    // Entered by an interruption, and never called.
    fn io_entry();
    fn machine_check_entry();
}

/// New PSWs, at absolute addresses.
const MACHINE_CHECK_NEW_PSW: usize = 0x1e0;
const IO_NEW_PSW: usize = 0x1f0;

/// A PSW without any mask that would let an interruption in, in 64-bit addressing mode.
const PSW_MASK: u64 = 0x0000_0001_8000_0000;

static ADAPTER: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];
static SUBCHANNEL: AtomicU32 = AtomicU32::new(0);
static CHANNEL_REPORTS: AtomicU32 = AtomicU32::new(0);
static MACHINE_CHECKS: AtomicU32 = AtomicU32::new(0);

/// Called by the entry in `interruptions.S`, which goes on with what was interrupted.
#[no_mangle]
extern "C" fn io_interruption() {
    let location = core::ptr::without_provenance::<IoInterruption>(IoInterruption::LOCATION as usize);
    // SAFETY: The machine has just stored it there, and nothing else uses the location while the handler runs.
    let interruption = unsafe { location.read_volatile() };
    let counter = match interruption.is_adapter() {
        true => ADAPTER.get(usize::from(interruption.subclass())),
        false => Some(&SUBCHANNEL),
    };
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Called by the entry in `interruptions.S`, likewise.
#[no_mangle]
extern "C" fn machine_check_interruption() {
    let location = core::ptr::without_provenance::<MachineCheck>(MachineCheck::LOCATION as usize);
    // SAFETY: As above.
    let code = unsafe { location.read_volatile() };
    let counter = if code.is_channel_report() { &CHANNEL_REPORTS } else { &MACHINE_CHECKS };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The processor of the image.
#[derive(Debug)]
pub(crate) struct Interruptions(());

static INTERRUPTIONS: Interruptions = Interruptions(());

impl Interruptions {
    /// Sets the new PSWs, lets machine checks through that announce a channel report, and returns the way to all
    /// interruptions.
    ///
    /// # Safety
    ///
    /// The prefix is zero, and nothing else changes these PSWs and control registers 6 and 14, or enables the processor.
    pub(crate) unsafe fn open() -> &'static dyn Processor {
        let entries: [(usize, unsafe extern "C" fn()); 2] =
            [(IO_NEW_PSW, io_entry), (MACHINE_CHECK_NEW_PSW, machine_check_entry)];
        for (location, entry) in entries {
            let psw = core::ptr::without_provenance_mut::<[u64; 2]>(location);
            // SAFETY: The locations are the machine's to read when an interruption is taken, and none is meanwhile.
            unsafe { psw.write_volatile([PSW_MASK, entry as usize as u64]) };
        }
        // SAFETY: There is a handler now.
        unsafe { enable_channel_reports(true) };
        &INTERRUPTIONS
    }
}

impl Processor for Interruptions {
    fn enable(&self, subclasses: Subclasses) {
        // SAFETY: As for `open`, which made this one.
        unsafe { enable_subclasses(subclasses) };
    }

    fn set_suppression(&self, subclass: u8, suppression: Suppression) {
        let is_one = set_suppression(subclass, suppression);
        debug_assert!(is_one, "subclass {subclass}");
    }

    fn take(&self) -> Taken {
        // SAFETY: As for `open`; the entries in `interruptions.S` leave all registers as they were.
        unsafe { take_pending() };
        let mut taken = Taken::NOTHING;
        for (count, counter) in taken.adapter.iter_mut().zip(&ADAPTER) {
            *count = counter.swap(0, Ordering::Relaxed);
        }
        taken.subchannel = SUBCHANNEL.swap(0, Ordering::Relaxed);
        taken.channel_reports = CHANNEL_REPORTS.swap(0, Ordering::Relaxed);
        taken.machine_checks = MACHINE_CHECKS.swap(0, Ordering::Relaxed);
        taken
    }

    fn channel_report(&self) -> Option<ChannelReport> {
        ChannelReport::take()
    }
}
