// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Refreshing translations of one function.

use ::clp::FunctionHandle;
use s390_iommu::{Action, Iova, IovaRange, Refresh, RefreshError};

use crate::errno;
use crate::function::ForeignFunction;
use crate::kernel::{pause_rpcit, KernelZpci};
use crate::table::ForeignTable;

/// Refreshes what changed between `start` and `last`, inclusive, for the function with `handle`.
///
/// An entry changed at `start`, as `zpci_rust_map`, `zpci_rust_unmap` or `zpci_rust_reclaim` said. 0; -EINVAL if this is
/// no range of pages, with nothing refreshed; -ENOMEM if the machine is out of resources; -EIO.
#[no_mangle]
pub extern "C" fn zpci_rust_refresh(handle: u32, start: u64, last: u64) -> i32 {
    match range(start, last) {
        Some(range) => issue(handle, Refresh::of_change(range), errno::of_refresh),
        None => errno::EINVAL,
    }
}

/// Refreshes everything between `start` and `last`, inclusive, for the function with `handle`, changed or not.
///
/// Results as for `zpci_rust_refresh`.
#[no_mangle]
pub extern "C" fn zpci_rust_refresh_all(handle: u32, start: u64, last: u64) -> i32 {
    match range(start, last) {
        Some(range) => refresh_everything(handle, range),
        None => errno::EINVAL,
    }
}

/// Refreshes what was mapped between `start` and `last`, inclusive, for the function with `handle`.
///
/// When the machine is out of resources, everything between `first` and `end`, inclusive, is refreshed: that shows a
/// hypervisor the entries that are not valid any more, so that it gives back what they held. 1 if that was done with
/// success; else results as for `zpci_rust_refresh`.
#[no_mangle]
pub extern "C" fn zpci_rust_refresh_mapped(handle: u32, start: u64, last: u64, first: u64, end: u64) -> i32 {
    let Some(mapped) = range(start, last) else {
        return errno::EINVAL;
    };
    issue(handle, Refresh::of_change(mapped), |error| match error.action {
        Action::FreeResources => match zpci_rust_refresh_all(handle, first, end) {
            0 => 1,
            error => error,
        },
        _ => errno::of_refresh(error),
    })
}

/// Refreshes the window of `function`, which was just registered with `table`, if anything is mapped there already.
///
/// Only for functions that need a refresh when a translation becomes valid: a hypervisor that shadows the tables
/// learns of no mapping that was made before the registration. Results as for `zpci_rust_refresh`.
///
/// # Safety
///
/// `function` must be valid; `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_refresh_attached(
    function: *const ForeignFunction,
    aperture: u64,
    table: *const ForeignTable,
) -> i32 {
    // SAFETY: by the contract both are valid and stay so. Nothing is allocated, so the flags do not matter.
    let (function, table) = unsafe { (&*function, (*table).borrow(0)) };
    let Some(choice) = function.choice(aperture) else {
        return errno::EINVAL;
    };
    if !function.needs_refresh_when_mapped() || !table.maps_any(choice.aperture) {
        return 0;
    }
    refresh_everything(function.handle().0, choice.aperture)
}

/// Refreshes all of `range`, whatever changed there.
#[inline(never)]
fn refresh_everything(handle: u32, range: IovaRange) -> i32 {
    issue(handle, Refresh::of(range), errno::of_refresh)
}

fn range(start: u64, last: u64) -> Option<IovaRange> {
    IovaRange::new(Iova::new(start), Iova::new(last)).ok()
}

/// 0, or what `otherwise` makes of an error.
#[inline]
fn issue(handle: u32, refresh: Refresh, otherwise: impl FnOnce(RefreshError) -> i32) -> i32 {
    match refresh.issue_or(&KernelZpci::ANY, FunctionHandle(handle), pause_rpcit, otherwise) {
        Ok(()) => 0,
        Err(error) => error,
    }
}
