// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The program, from the first instruction of Rust to the last.

use core::fmt::{Arguments, Write};
use core::panic::PanicInfo;

use qemu_s390x::{has_zpci, list, run};

use crate::hardware::Hardware;
use crate::machine::{has_facility, stop, Console, QemuMachine, FAILED, PASSED};

/// Called by `start.S` on the program's stack.
#[no_mangle]
extern "C" fn image() -> ! {
    let mut console = Console::open();
    if !has_zpci(has_facility) {
        bail_out(format_args!("this processor has no PCI instructions: facilities 69, 71 and 72 are needed"));
    }
    let functions = list(&Hardware);
    // The shared cases get a function before the image itself turns to it.
    let spare = functions.iter().flatten().find(|entry| entry.configured && !entry.handle.is_enabled());
    let Some(machine) = QemuMachine::new(spare.map(|entry| entry.id)) else {
        bail_out(format_args!("no storage behind the image"));
    };
    match run(&machine, functions.as_deref(), &mut console) {
        Ok(true) => stop(PASSED),
        Ok(false) => stop(FAILED),
        Err(error) => bail_out(format_args!("the console failed: {error}")),
    }
}

/// Says why there is no use in going on.
fn bail_out(why: Arguments<'_>) -> ! {
    // Whether that is heard or not, the end tells that the run failed.
    let _ = writeln!(Console::open(), "\nBail out! {why}");
    stop(FAILED)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    bail_out(format_args!("{info}"))
}
