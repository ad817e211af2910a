// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The static library that a kernel links: the exports of `zpci-glue`, and what to do in a panic.
// A host has a panic handler of its own, which some package of the workspace links.
#![cfg_attr(target_os = "none", no_std)]

extern crate zpci_glue as _;

#[cfg(target_os = "none")]
mod panic {
    use core::panic::PanicInfo;

    unsafe extern "C" {
        /// Stops the kernel; C: `zpci_rust_panic`.
        fn zpci_rust_panic() -> !;
    }

    /// Nothing that is linked refers to this; `cargo xtask test` looks at the object to see that it stays so.
    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        // SAFETY: the function takes nothing and does not return.
        unsafe { zpci_rust_panic() }
    }
}
