// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Giving back the storage of tables that an unmap emptied.

use s390_iommu::{IovaRange, Reclaimed};

use crate::kernel::KernelStorage;
use crate::table::ForeignTable;

/// Takes out the empty tables whose whole span lies between `start` and `last`, inclusive: a list of them, or 0.
///
/// `span` receives first and last byte, inclusive, of what has to be refreshed before the list is freed.
///
/// # Safety
///
/// `table` must be as `zpci_rust_table_init` left it, and not be freed meanwhile; `span` must have room for two
/// numbers. The
/// range must have been unmapped and refreshed, and nobody may map or unmap in it meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reclaim(table: *const ForeignTable, start: u64, last: u64, span: *mut u64) -> u64 {
    let Ok(range) = IovaRange::new(s390_iommu::Iova::new(start), s390_iommu::Iova::new(last)) else {
        return 0;
    };
    // SAFETY: by the contract `table` is valid and stays so. Nothing is allocated, so the flags do not matter.
    let table = unsafe { (*table).borrow(0) };
    let Some(reclaimed) = table.reclaim(range) else {
        return 0;
    };
    let refresh = reclaimed.refresh();
    // SAFETY: by the contract `span` has room.
    unsafe { span.cast::<[u64; 2]>().write([refresh.range().start().get(), refresh.range().last().get()]) };
    refresh.forgo("C issues it to every function of the domain before it frees the list");
    reclaimed.into_raw()
}

/// Gives back the storage of a list of tables.
///
/// # Safety
///
/// `list` must come from `zpci_rust_reclaim` and be freed once; what it said to refresh must have been refreshed for
/// every function of the domain, and a grace period must have passed since.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reclaimed_free(list: u64, base: u64) {
    // SAFETY: by the contract `list` comes from `into_raw` and is taken once.
    let reclaimed = unsafe { Reclaimed::from_raw(list, IovaRange::ALL, 0) };
    // SAFETY: all storage of C is one; by the contract everything else holds.
    unsafe { reclaimed.free(&KernelStorage { base, gfp: 0 }) };
}
