// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tests that run on a host.

mod cases;
mod clp;
mod fib;
mod fixture;
mod instructions;
mod layout;
