// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How a case ends early.

use core::fmt::Display;

use zpci_tests::{Message, Stop};

/// Something is not as it should be.
pub(crate) fn fail(what: impl Display) -> Stop {
    Stop::Fail(Message::new(format_args!("{what}")))
}

/// The case cannot be run.
pub(crate) fn skip(why: impl Display) -> Stop {
    Stop::Skip(Message::new(format_args!("{why}")))
}
