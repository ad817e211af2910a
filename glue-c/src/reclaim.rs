// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Giving back tables that became empty.

use s390_iommu::{Iova, IovaRange, Reclaimed};
use static_assertions::const_assert_eq;

use crate::kernel::KernelStorage;
use crate::range::ForeignRange;
use crate::table::ForeignTable;

/// C: `struct zpci_rust_reclaimed`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignReclaimed {
    /// The tables, in a form of Rust's own; 0 if there are none.
    pub list: u64,
    /// What they covered; empty if there are none.
    pub span: ForeignRange,
}

const_assert_eq!(size_of::<ForeignReclaimed>(), 24);

/// Takes the tables out that are empty after an unmap from `start` to `last`, inclusive, which has been refreshed.
///
/// `reclaimed` receives them. What they covered has to be refreshed for every function before they are freed.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile; `reclaimed` must be valid for writes.
/// The range must belong to the caller: nobody else maps or unmaps in it until this returns.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reclaim(
    table: *const ForeignTable,
    start: u64,
    last: u64,
    reclaimed: *mut ForeignReclaimed,
) {
    let mut found = ForeignReclaimed { list: 0, span: ForeignRange::EMPTY };
    if let Ok(range) = IovaRange::new(Iova::new(start), Iova::new(last)) {
        // SAFETY: by the contract `table` is valid and stays so.
        let table = unsafe { &*table };
        // SAFETY: by the contract the range belongs to the caller; who looks across it holds the RCU read side.
        let (list, span) = unsafe { table.reclaim(range) }.into_raw();
        found = ForeignReclaimed { list, span: ForeignRange::of_any(span) };
    }
    // SAFETY: by the contract `reclaimed` is valid for writes.
    unsafe { reclaimed.write(found) };
}

/// Gives back the storage of tables that were taken out.
///
/// # Safety
///
/// `reclaimed` must be as `zpci_rust_reclaim` left it and be freed once. Since then every function of the domain that is
/// registered must have been refreshed for what the tables covered, with success, and a grace period must have passed.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reclaimed_free(reclaimed: *const ForeignReclaimed, base: u64) {
    // SAFETY: by the contract `reclaimed` is valid.
    let ForeignReclaimed { list, span } = unsafe { *reclaimed };
    let span = IovaRange::new(Iova::new(span.start), Iova::new(span.last)).ok();
    // SAFETY: by the contract both come from one call of `into_raw` and are taken once.
    let reclaimed = unsafe { Reclaimed::from_raw(list, span) };
    // SAFETY: all storage of C is one; by the contract everything else holds.
    unsafe { reclaimed.free(&KernelStorage { base }) };
}
