// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A case runs on a thread of its own: the stack of a kernel's thread is small, and a panic ends the thread.

use core::ffi::c_void;
use core::fmt::Write;
use core::panic::PanicInfo;

use zpci_tests::Message;

use crate::output::Output;

extern "C" {
    /// Runs a function on a new thread, waits, and returns whether it returned.
    fn zpci_cases_apart(run: unsafe extern "C" fn(*mut c_void), data: *mut c_void) -> bool;
    /// Ends the thread.
    fn zpci_cases_exit() -> !;
}

/// Runs `case` on a thread of its own, and returns whether it came to its end.
pub(crate) fn apart(mut case: &mut dyn FnMut()) -> bool {
    // SAFETY: the data is what the function wants, and lives until the thread has ended, since C waits for that; nobody
    // else uses it meanwhile.
    unsafe { zpci_cases_apart(run, (&raw mut case).cast()) }
}

/// # Safety
///
/// `data` leads to a reference to what is to be run, which nobody else uses.
unsafe extern "C" fn run(data: *mut c_void) {
    // SAFETY: the caller says so.
    let case = unsafe { &mut *data.cast::<&mut dyn FnMut()>() };
    case();
}

/// Says what happened and ends the thread.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut output = Output::again();
    // One line of KTAP; the end of the thread tells that the case failed.
    let _ = output.write_str("\n# ");
    let message = Message::new(format_args!("{info}"));
    for line in message.as_str().lines() {
        let _ = write!(output, "{line} ");
    }
    let _ = output.write_str("\n");
    // SAFETY: this is a thread that C made to run something of ours.
    unsafe { zpci_cases_exit() }
}
