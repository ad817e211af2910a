// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The program, from the first instruction of Rust to the last.

mod lowcore;
mod sclp;
mod stop;
mod storage;

use core::fmt::{Arguments, Write};
use core::panic::PanicInfo;

use qemu_s390x::machine::{has_facility, Hardware, RealMachine};
use qemu_s390x::{has_zpci, list, run};

use self::sclp::Console;
use self::stop::{stop, FAILED, PASSED};
use self::storage::{frames, tables};

core::arch::global_asm!(include_str!("image/start.S"));

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
    // SAFETY: The linker script keeps both regions free, translation is off and the prefix zero, so that addresses are
    // absolute, this is the only machine, and its facilities are those of zPCI.
    let machine = unsafe { RealMachine::new(tables(), frames(), spare.map(|entry| entry.id), at_once) };
    let Some(machine) = machine else {
        bail_out(format_args!("no storage behind the image"));
    };
    match run(&machine, functions.as_deref(), &mut console) {
        Ok(true) => stop(PASSED),
        Ok(false) => stop(FAILED),
        Err(error) => bail_out(format_args!("the console failed: {error}")),
    }
}

/// There is one stack, and it is large; a panic ends everything.
fn at_once(case: &mut dyn FnMut()) -> bool {
    case();
    true
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
