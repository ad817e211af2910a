// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Registering a domain for a function.

use ::clp::FunctionHandle;
use s390_iommu::{AbsoluteAddress, Choice, Iota, MsiWindow, RegisterError};

use crate::errno;
use crate::function::ForeignFunction;
use crate::kernel::{pause_mpcifc, KernelZpci};
use crate::table::ForeignTable;

/// What of the function's window is used when at most `aperture` bytes are wanted: first and last byte, inclusive.
///
/// -EINVAL if nothing can be used.
///
/// # Safety
///
/// `function` must be valid; `window` must have room for two numbers.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_window(function: *const ForeignFunction, aperture: u64, window: *mut u64) -> i32 {
    // SAFETY: by the contract `function` is valid.
    match unsafe { &*function }.choice(aperture) {
        Some(Choice { aperture, .. }) => {
            // SAFETY: by the contract `window` has room.
            unsafe { window.cast::<[u64; 2]>().write([aperture.start().get(), aperture.last().get()]) };
            0
        }
        None => errno::EINVAL,
    }
}

/// The ranges that nobody may use, first and last byte, inclusive; their number, at most 2.
///
/// # Safety
///
/// `function` must be valid; `reserved` must have room for two ranges.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reserved(
    function: *const ForeignFunction,
    aperture: u64,
    reserved: *mut [u64; 2],
) -> u32 {
    // SAFETY: by the contract `function` is valid.
    let Some(choice) = (unsafe { &*function }).choice(aperture) else {
        return 0;
    };
    let mut next = reserved;
    let mut count = 0;
    for range in choice.reserved().into_iter().flatten() {
        // SAFETY: by the contract there is room for two, and there are at most two.
        unsafe {
            next.write([range.start().get(), range.last().get()]);
            next = next.add(1);
        }
        count += 1;
    }
    count
}

/// Whether interrupts are written to addresses that are used otherwise: first and last byte, inclusive, in `interrupts`.
///
/// They cannot be mapped like the others. Of QEMU's functions none are.
///
/// # Safety
///
/// `function` must be valid; `interrupts` must have room for two numbers.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_interrupts(
    function: *const ForeignFunction,
    aperture: u64,
    interrupts: *mut u64,
) -> bool {
    // SAFETY: by the contract `function` is valid.
    let function = unsafe { &*function };
    let window = MsiWindow::of_group(&function.group());
    let used = function.choice(aperture).zip(window);
    let Some(range) = used.and_then(|(choice, window)| choice.aperture.intersection(window.range)) else {
        return false;
    };
    // SAFETY: by the contract `interrupts` has room.
    unsafe { interrupts.cast::<[u64; 2]>().write([range.start().get(), range.last().get()]) };
    true
}

/// Whether `function` can use `table`, or no table where that is null: 0 or -EINVAL. Nothing is issued.
///
/// # Safety
///
/// `function` must be valid; `table` must be as `zpci_rust_table_init` left it, or null.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_can_attach(
    function: *const ForeignFunction,
    aperture: u64,
    table: *const ForeignTable,
) -> i32 {
    // SAFETY: by the contract both are valid.
    let (function, iota) = unsafe { (&*function, anchor(table)) };
    let (Some(limits), Some(choice)) = (function.limits(), function.choice(aperture)) else {
        return errno::EINVAL;
    };
    s390_iommu::check_registration(&limits, choice.aperture, iota).map_or(errno::EINVAL, |()| 0)
}

/// Registers `table`, or no translation where that is null, for `function`.
///
/// The number that the instruction's answer amounts to: 0, also for a function that is gone or being recovered;
/// -EINVAL if the function cannot use the table, with nothing issued; -EIO. `answer` receives the condition code and
/// the status; both 0 where nothing was issued.
///
/// # Safety
///
/// `function` must be valid; `answer` must have room for two bytes; `table` must be as `zpci_rust_table_init` left it,
/// or null, and stay so until the function is deregistered. May sleep.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_register(
    function: *const ForeignFunction,
    aperture: u64,
    table: *const ForeignTable,
    answer: *mut u8,
) -> i32 {
    let answer = answer.cast::<[u8; 2]>();
    // SAFETY: by the contract all are valid.
    let (function, iota) = unsafe {
        answer.write([0, 0]);
        (&*function, anchor(table))
    };
    let (Some(limits), Some(choice)) = (function.limits(), function.choice(aperture)) else {
        return errno::EINVAL;
    };
    let result =
        s390_iommu::register(&function.zpci(), function.handle(), &limits, choice.aperture, iota, pause_mpcifc);
    match result {
        Ok(()) => 0,
        Err(error) => {
            match error {
                // SAFETY: by the contract `answer` is valid.
                RegisterError::Refused { outcome, .. } => unsafe {
                    answer.write([outcome.cc as u8, outcome.status.0]);
                },
                // What the machine would say of a handle that is not enabled: not operational.
                // SAFETY: as above.
                RegisterError::NotEnabled(_) => unsafe { answer.write([3, 0]) },
                _ => {}
            }
            errno::of_registration(error)
        }
    }
}

/// Ends translation for the function with `handle`; 0, also if there was none or the function is gone; -EIO.
///
/// May sleep.
#[no_mangle]
pub extern "C" fn zpci_rust_deregister(handle: u32, gisa: u32) -> i32 {
    let zpci = KernelZpci { gisa, ..KernelZpci::ANY };
    s390_iommu::deregister(&zpci, FunctionHandle(handle), pause_mpcifc).map_or_else(errno::of_registration, |()| 0)
}

/// The anchor of `table`; none where it is null.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, or null.
unsafe fn anchor(table: *const ForeignTable) -> Iota {
    // SAFETY: by the contract `table` is valid or null.
    match unsafe { table.as_ref() } {
        Some(table) => Iota::designating(table.root, AbsoluteAddress::new(table.origin)),
        None => Iota::IDENTITY,
    }
}
