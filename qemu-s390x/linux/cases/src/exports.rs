// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the module calls; C: `cases.h`.

use core::ffi::c_void;
use core::fmt::Write;
use core::mem::offset_of;

use clp::{Client, FunctionId};
use qemu_s390x::machine::{RealMachine, Region};
use qemu_s390x::{run, Platform};
use s390_iommu::AbsoluteAddress;
use static_assertions::const_assert_eq;
use zpci_machine::Hardware;
use zpci_tests::{Machine, Message};

use crate::output::Output;
use crate::thread::apart;

/// What a run is given; C: `struct zpci_cases`.
#[derive(Debug)]
#[repr(C)]
struct Given {
    /// Handed to `zpci_cases_write` with every text.
    out: *mut c_void,
    /// Pointer to absolute address 0.
    base: u64,
    /// Absolute address of storage for tables, a multiple of 1 MiB.
    tables: u64,
    /// Absolute address of storage for what devices reach, a multiple of 1 MiB.
    frames: u64,
    /// Size of either, in bytes.
    size: u64,
    /// The function.
    fid: u32,
    /// Its handle afterwards, 0 if it is not listed.
    handle: u32,
}

const_assert_eq!(size_of::<Given>(), 48);
const_assert_eq!(offset_of!(Given, base), 8);
const_assert_eq!(offset_of!(Given, tables), 16);
const_assert_eq!(offset_of!(Given, frames), 24);
const_assert_eq!(offset_of!(Given, size), 32);
const_assert_eq!(offset_of!(Given, fid), 40);
const_assert_eq!(offset_of!(Given, handle), 44);

/// More events than can be pending.
const MOST_EVENTS: usize = 4096;

impl Given {
    /// The machine, with nothing of its storage in use.
    ///
    /// # Safety
    ///
    /// As [`zpci_cases_run`].
    unsafe fn machine(&self) -> Option<RealMachine> {
        let region =
            |start| Region { start: AbsoluteAddress::new(start), bytes: self.size as usize, base: self.base as usize };
        // SAFETY: the caller says so of the storage, and that there is one machine at a time; a kernel runs in
        // supervisor state, and has found the function by the instructions of zPCI. Interruptions are Linux's.
        unsafe { RealMachine::new(region(self.tables), region(self.frames), Some(FunctionId(self.fid)), apart, None) }
    }
}

/// Runs everything on the function and writes KTAP.
///
/// # Safety
///
/// The storage that is given is used by nobody else, and mapped at `base` with the rest of storage. Nobody else uses the
/// function, which is disabled. No other call of a function of this file is under way.
#[no_mangle]
unsafe extern "C" fn zpci_cases_run(given: &Given) {
    let mut output = Output::open(given.out);
    // SAFETY: the caller says so.
    let Some(machine) = (unsafe { given.machine() }) else {
        panic!("{:#x} bytes are too little storage", given.size);
    };
    let id = FunctionId(given.fid);
    let functions = match Client::new(&Hardware, &mut machine.block()).find(id) {
        Ok(Some(entry)) => Ok([entry]),
        Ok(None) => Err(Message::new(format_args!("function {id} is not listed"))),
        Err(error) => Err(Message::new(format_args!("{error}"))),
    };
    if run(&machine, functions.as_ref().map(<[_; 1]>::as_slice), &mut output).is_err() {
        // The output takes everything.
        let _ = writeln!(output, "\nBail out! the run did not come to its end");
    }
}

/// Says which handle the function has after a run, and takes what the machine still wants to report of it.
///
/// # Safety
///
/// As [`zpci_cases_run`], which was called before and may have ended in a panic.
#[no_mangle]
unsafe extern "C" fn zpci_cases_end(given: &mut Given) {
    // SAFETY: the caller says so.
    let Some(machine) = (unsafe { given.machine() }) else { return };
    let events = core::iter::from_fn(|| machine.error_event()).take(MOST_EVENTS);
    events.for_each(drop);
    let found = Client::new(&Hardware, &mut machine.block()).find(FunctionId(given.fid));
    given.handle = found.ok().flatten().map_or(0, |entry| entry.handle.0);
}
