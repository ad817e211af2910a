// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tests that run on a host.
#![expect(clippy::result_large_err, reason = "without a heap the message of a failure has no other place")]

mod cases;
mod clp;
mod fib;
mod fixture;
mod instructions;
mod ktap;
mod layout;
mod properties;
mod races;
mod sabotage;
mod strictness;
mod threads;
