// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The header against the implementation: both sides declare the same.
//!
//! `include/zpci_rust.h` is written by hand. Prototypes are made from the source of the exports, and compiled together
//! with it; `kernel/layout.c` is compared with the layout that the Rust compiler chose, and so is
//! `include/uapi/linux/vfio_zpci.h`, the header for user space. With `ZPCI_KERNEL_SOURCE`, the path of a Linux source
//! tree, the headers of that tree are compiled too.

#[path = "../host/binding.rs"]
#[expect(dead_code, reason = "only its structures are compared here, and its functions as text")]
mod binding;
mod compiler;
mod constant;
mod kernel_source;
mod layout;
mod name;
mod prototype;
mod user_api;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let source = kernel_source::path();
    let wants_source = |test: &str| match source {
        Some(_) => test.to_owned(),
        None => format!("{test} (needs ZPCI_KERNEL_SOURCE)"),
    };
    let trials = vec![
        trial("prototype::exports_and_imports", prototype::exports_and_imports),
        trial("prototype::each_is_compared", prototype::each_is_compared),
        trial("prototype::none_is_missing", prototype::none_is_missing),
        trial("prototype::undefined_symbols", prototype::undefined_symbols),
        trial("prototype::compared_by_the_kernel", prototype::compared_by_the_kernel),
        trial("prototype::c_side_of_the_tests", prototype::c_side_of_the_tests),
        trial("constant::all", constant::all),
        trial("layout::of_the_header", layout::of_the_header),
        trial("layout::of_the_tests", layout::of_the_tests),
        trial("layout::every_byte_has_a_member", layout::every_byte_has_a_member),
        trial("layout::what_the_kernel_asserts", layout::what_the_kernel_asserts),
        trial("user_api::layout", user_api::layout),
        trial("user_api::nothing_is_left_out", user_api::nothing_is_left_out),
        trial("user_api::constants", user_api::constants),
        trial("user_api::linux", user_api::linux),
        trial(wants_source("kernel_source::layout"), kernel_source::layout).with_ignored_flag(source.is_none()),
        trial(wants_source("name::all"), name::all).with_ignored_flag(source.is_none()),
        trial(wants_source("kernel_source::constants"), kernel_source::constants).with_ignored_flag(source.is_none()),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: impl Into<String>, run: fn()) -> Trial {
    Trial::test(name, move || -> Result<(), Failed> {
        run();
        Ok(())
    })
}
