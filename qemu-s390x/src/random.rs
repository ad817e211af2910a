// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The bare-metal image that issues random instructions; on any other target, a program that says how to boot it.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(
    target_os = "none",
    expect(clippy::result_large_err, reason = "without a heap the message of a failure has no other place")
)]

#[cfg(target_os = "none")]
mod image;
#[cfg(target_os = "none")]
mod trial;
#[cfg(target_os = "none")]
mod variable;

#[cfg(target_os = "none")]
use trial::trial as program;

#[cfg(not(target_os = "none"))]
fn main() {
    println!(
        "This is a bare-metal program for s390x: `cargo xtask vmm` builds it and boots it with two programs that emulate \
         a machine."
    );
}
