// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Compiles the C side of the tests, and nothing for a guest, whose kernel is the C side.

use std::env;
use std::path::Path;

const SOURCES: [&str; 10] = [
    "kernel/chain.c",
    "tests/c/dma.c",
    "tests/c/events.c",
    "tests/c/fault.c",
    "tests/c/machine.c",
    "tests/c/shim_clp.c",
    "tests/c/shim_container.c",
    "tests/c/shim_iommu.c",
    "tests/c/shim_vfio.c",
    "tests/c/storage.c",
];

const LIBRARY: &str = "zpci_stand_in";

fn main() {
    println!("cargo::rerun-if-changed=include");
    println!("cargo::rerun-if-changed=kernel");
    println!("cargo::rerun-if-changed=tests/c");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        return;
    }
    // Without the instructions to cargo, which would link the library into whoever uses this crate.
    cc::Build::new()
        .files(SOURCES)
        .include("include")
        // What the files of the kernel include.
        .include("tests/c")
        .std("gnu11")
        .extra_warnings(true)
        .cargo_metadata(false)
        .compile(LIBRARY);
    let directory = env::var_os("OUT_DIR").unwrap_or_default();
    let library = Path::new(&directory).join(format!("lib{LIBRARY}.a"));
    println!("cargo::rustc-link-arg={}", library.display());
    // For tests that run the compiler themselves.
    println!("cargo::rustc-env=ZPCI_GLUE_TARGET={}", env::var("TARGET").unwrap_or_default());
}
