// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What every program for the bare machine has: its first instruction, its console, its end.
//!
//! The crate has a function `program`, which gets the console and the load parameter and does the rest.

mod lowcore;
mod sclp;
mod stop;
mod storage;

use core::fmt::{Display, Write};
use core::panic::PanicInfo;

use self::stop::{stop, FAILED, PASSED};

pub(crate) use self::sclp::Console;
pub(crate) use self::storage::{frames, tables};

core::arch::global_asm!(include_str!("image/start.S"));

/// Called by `start.S` on the program's stack.
#[no_mangle]
extern "C" fn image() -> ! {
    match crate::program(&mut Console::open(), sclp::load_parameter()) {
        Ok(true) => stop(PASSED),
        Ok(false) => stop(FAILED),
        Err(why) => bail_out(why),
    }
}

/// Says why there is no use in going on.
fn bail_out(why: impl Display) -> ! {
    // Whether that is heard or not, the end tells that the run failed.
    let _ = writeln!(Console::open(), "\nBail out! {why}");
    stop(FAILED)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    bail_out(info)
}
