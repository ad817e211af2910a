// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Compiles the C side of the tests, and nothing for a guest, whose kernel is the C side.

use std::path::PathBuf;
use std::{env, fs};

/// What a kernel compiles of functions and domains, and a kernel that stands in for it.
const SHIM: [&str; 13] = [
    "kernel/attach.c",
    "kernel/registration.c",
    "kernel/function.c",
    "kernel/gate.c",
    "kernel/iommu.c",
    "kernel/reclaim.c",
    "kernel/refresh.c",
    "tests/c/shim_clp.c",
    "tests/c/shim_iommu.c",
    // What includes kernel/clp.c.
    "tests/linux/clp.c",
    "tests/linux/kernel.c",
    // What includes kernel/measurement.c.
    "tests/linux/measurement.c",
    "tests/linux/rwlock.c",
];

/// The machine, and the rest of the shim.
const SOURCES: [&str; 8] = [
    "kernel/chain.c",
    "tests/c/dma.c",
    "tests/c/events.c",
    "tests/c/fault.c",
    "tests/c/machine.c",
    "tests/c/shim_container.c",
    "tests/c/shim_vfio.c",
    "tests/c/storage.c",
];

/// Headers of the kernel that the shim includes; all of them lead to `tests/linux/kernel.h`.
const HEADERS: [&str; 33] = [
    "arch/s390/pci/pci_bus.h",
    "asm/clp.h",
    "asm/machine.h",
    "asm/pci_clp.h",
    "asm/pci_debug.h",
    "asm/pci_dma.h",
    "asm/pci_insn.h",
    "asm/sclp.h",
    "asm/setup.h",
    "drivers/iommu/dma-iommu.h",
    "linux/gfp.h",
    "linux/hashtable.h",
    "linux/io.h",
    "linux/iommu.h",
    "linux/kmemleak.h",
    "linux/moduleparam.h",
    "linux/mutex.h",
    "linux/overflow.h",
    "linux/pci.h",
    "linux/printk.h",
    "linux/ratelimit.h",
    "linux/rculist.h",
    "linux/refcount.h",
    "linux/slab.h",
    "linux/spinlock.h",
    "linux/string.h",
    "linux/workqueue.h",
    "linux/jiffies.h",
    "linux/processor.h",
    "linux/list.h",
    "linux/mm.h",
    "linux/init.h",
    "linux/module.h",
];

/// What the kernel's Makefile finds in Linux 7.2.
const DEFINES: [&str; 5] = [
    "ZPCI_HAS_OLD_DOMAIN",
    "ZPCI_HAS_HW_INFO_TYPE",
    "ZPCI_HAS_RELAXED_TRANSLATION",
    "ZPCI_HAS_FIDPARM",
    "ZPCI_HAS_DFL_WQ",
];

fn main() {
    println!("cargo::rerun-if-changed=include");
    println!("cargo::rerun-if-changed=kernel");
    println!("cargo::rerun-if-changed=tests/c");
    println!("cargo::rerun-if-changed=tests/linux");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        return;
    }
    let directory = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let headers = directory.join("include");
    // What an earlier version of this program wrote; that there is nothing is no error.
    let _ = fs::remove_dir_all(&headers);
    for name in HEADERS {
        let header = headers.join(name);
        fs::create_dir_all(header.parent().unwrap_or(&headers)).expect("a folder for headers");
        fs::write(header, "#include \"kernel.h\"\n").expect("a header");
    }
    // From where the shim finds "../dma-iommu.h".
    let own = headers.join("drivers/iommu/zpci-rust");
    fs::create_dir_all(&own).expect("a folder for headers");
    let mut shim = library();
    for define in DEFINES {
        shim.define(define, None);
    }
    shim.files(SHIM)
        .include(&own)
        .include(&headers)
        .include("tests/linux")
        .include("tests/c")
        .include("kernel")
        // As the kernel's own flags have it.
        .flag("-Wno-sign-compare")
        .flag("-Wno-unused-parameter")
        .compile("zpci_shim");
    // The files of the kernel include "linux/..." from here.
    library().files(SOURCES).include("tests/c").compile("zpci_stand_in");
    // In this order, and once more: each of the two uses the other.
    for name in ["zpci_shim", "zpci_stand_in", "zpci_shim"] {
        println!("cargo::rustc-link-arg={}", directory.join(format!("lib{name}.a")).display());
    }
    // For tests that run the compiler themselves.
    println!("cargo::rustc-env=ZPCI_GLUE_TARGET={}", env::var("TARGET").unwrap_or_default());
}

/// A library without the instructions to cargo, which would link it into whoever uses this crate.
fn library() -> cc::Build {
    let mut build = cc::Build::new();
    build.include("include").std("gnu11").extra_warnings(true).cargo_metadata(false);
    build
}
