// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The machine that the image runs on: s390x under QEMU, one processor, no interruptions, addresses that are absolute.

mod clock;
mod event;
mod facility;
mod load_store;
mod lowcore;
mod platform;
mod sclp;
mod stop;
mod storage;

pub(crate) use facility::is_installed as has_facility;
pub(crate) use platform::QemuMachine;
pub(crate) use sclp::Console;
pub(crate) use stop::{stop, FAILED, PASSED};

core::arch::global_asm!(include_str!("machine/start.S"));
