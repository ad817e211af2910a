// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How a case ends early.

use core::fmt::Display;

use zpci_tests::{Message, Stop};

use crate::platform::Platform;

/// Something is not as it should be.
pub(crate) fn fail(what: impl Display) -> Stop {
    Stop::Fail(Message::new(format_args!("{what}")))
}

/// The case cannot be run.
pub(crate) fn skip(why: impl Display) -> Stop {
    Stop::Skip(Message::new(format_args!("{why}")))
}

/// Skips what a device must be refused where that ends the program.
pub(crate) fn must_survive(platform: &impl Platform) -> Result<(), Stop> {
    match platform.survives_refusals() {
        true => Ok(()),
        false => Err(skip("the machine stops where a device is refused an access")),
    }
}

/// Runs a case apart from the others; one that does not come to its end has failed.
pub(crate) fn attempt(platform: &impl Platform, mut case: impl FnMut() -> Result<(), Stop>) -> Result<(), Stop> {
    let mut result = Ok(());
    match platform.apart(&mut || result = case()) {
        true => result,
        false => Err(fail("the case did not come to its end")),
    }
}
