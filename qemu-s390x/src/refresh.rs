// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The bare-metal image that issues RPCIT for ranges of one size; on any other target, a program that says how to boot it.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(
    target_os = "none",
    expect(clippy::result_large_err, reason = "without a heap the message of a failure has no other place")
)]

#[cfg(target_os = "none")]
mod image;
#[cfg(target_os = "none")]
mod refreshes;
#[cfg(target_os = "none")]
mod variable;

#[cfg(target_os = "none")]
use refreshes::refresh as program;

#[cfg(not(target_os = "none"))]
fn main() {
    println!(
        "This is a bare-metal program for s390x: `cargo xtask vmm --only speed` builds it and counts what its instructions \
         take in two programs that emulate a machine."
    );
}
