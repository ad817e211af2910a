// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The program that exercises every function of the machine.

mod interruptions;

use qemu_s390x::machine::RealMachine;
use qemu_s390x::{has_zpci, list, refuse, run, Selection};
use zpci_machine::{has_facility, Hardware};

use self::interruptions::Interruptions;
use crate::image::{frames, tables, Console};

/// Does what the load parameter says, which is in EBCDIC, and tells whether nothing failed.
///
/// # Errors
///
/// Why there is no use in going on.
pub(crate) fn exercise(console: &mut Console, load_parameter: [u8; 8]) -> Result<bool, &'static str> {
    if !has_zpci(has_facility) {
        return Err("this processor has no PCI instructions: facilities 69, 71 and 72 are needed");
    }
    let Some(selection) = Selection::of_load_parameter(load_parameter) else {
        return Err("the load parameter names nothing that there is to do");
    };
    let functions = list(&Hardware);
    // The shared cases get a function before the image itself turns to it.
    let spare = functions.iter().flatten().find(|entry| entry.configured && !entry.handle.is_enabled());
    // SAFETY: The prefix is zero, and nothing else takes interruptions.
    let processor = unsafe { Interruptions::open() };
    // SAFETY: The linker script keeps both regions free, translation is off and the prefix zero, so that addresses are
    // absolute, this is the only machine, and its facilities are those of zPCI.
    let machine =
        unsafe { RealMachine::new(tables(), frames(), spare.map(|entry| entry.id), at_once, Some(processor)) };
    let Some(machine) = machine else {
        return Err("no storage behind the image");
    };
    let functions = functions.as_deref();
    let passed = match selection {
        Selection::Everything => run(&machine, functions, console),
        Selection::WithoutRefusals => run(&machine.ended_by_refusals(), functions, console),
        Selection::Refusal(refusal) => refuse(&machine, functions, refusal, console),
    };
    passed.map_err(|_| "the console failed")
}

/// There is one stack, and it is large; a panic ends everything.
fn at_once(case: &mut dyn FnMut()) -> bool {
    case();
    true
}
