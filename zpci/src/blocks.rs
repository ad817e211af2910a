// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Command blocks of a machine, as a person can send them to others.
//!
//! [`inquire`] issues the commands of `zpci list` and hands out each block as the machine left it; a [`Transcript`] is a block
//! as text, also one that cannot be decoded; [`StandIns`] take the place of what identifies the machine.

mod comment;
mod exchange;
mod inquiry;
mod mask;
mod recorder;
mod stand_ins;
mod transcript;

pub(crate) use comment::comment;
pub use exchange::{Exchange, Wrong};
pub use inquiry::inquire;
pub use stand_ins::StandIns;
pub use transcript::Transcript;
