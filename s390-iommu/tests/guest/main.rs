// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The guest's side, against what QEMU was measured to do and against models that share nothing with it.

mod books;
mod events;
mod exhausted;
mod fixture;
mod hostile;
mod instructions;
mod interrupts;
mod model;
mod random;
mod recovery;
mod refresh;
mod storage;
mod taken_back;
mod walks;
