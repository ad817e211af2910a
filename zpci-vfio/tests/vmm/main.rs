// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! From the answers of a host to what a guest reads, and from a guest's tables to what is mapped on the host.
#![cfg(target_os = "linux")]

mod example;
mod files;
mod guest;
mod hosts;
mod random;
mod shadow;
mod space;
