// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What asks the machine that it runs on.

use std::env::consts::{ARCH, OS};

/// Refuses where there is nobody to ask: `what` needs Linux on s390x, and `instead` is what can be done elsewhere.
pub(super) fn check(what: &str, instead: &str) -> Result<(), String> {
    if cfg!(all(target_os = "linux", target_arch = "s390x")) {
        Ok(())
    } else {
        Err(format!("{what} asks Linux on s390x, and this is {OS} on {ARCH}; elsewhere give {instead}"))
    }
}
