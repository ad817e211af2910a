// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Addresses, ranges, entries and the blocks of the instructions: bits and geometry, without a loop and without unsafe
//! code.

pub(crate) mod address;
pub(crate) mod availability_event;
pub(crate) mod entry;
pub(crate) mod error_event;
pub(crate) mod event_code;
pub(crate) mod event_information;
pub(crate) mod fib;
pub(crate) mod frame;
pub(crate) mod interrupt_vector;
pub(crate) mod iota;
pub(crate) mod measurement;
pub(crate) mod measurement_block;
pub(crate) mod range;
pub(crate) mod table_type;
