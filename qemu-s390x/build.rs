// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Hands the linker script to the linker when the image is built, and nothing when the host's program is.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let script = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("link.ld");
        println!("cargo::rustc-link-arg-bins=-T{}", script.display());
    }
}
