// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Giving back tables that became empty.

use s390_iommu::{Iova, IovaRange, Reclaimed};
use static_assertions::const_assert_eq;

use crate::kernel::KernelStorage;
use crate::range::ForeignRange;
use crate::table::ForeignTable;

/// C: `struct zpci_rust_reclaimed`; without tables if all of it is zero.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignReclaimed {
    /// The tables, in a form of Rust's own; zeros if there are none.
    pub list: [u64; 2],
    /// What they covered, if there are any.
    pub span: ForeignRange,
}

const_assert_eq!(size_of::<ForeignReclaimed>(), 32);

impl ForeignReclaimed {
    fn of(reclaimed: Reclaimed) -> Self {
        let (list, span) = reclaimed.into_raw();
        Self { list, span: ForeignRange::of_any(span) }
    }

    /// The tables.
    ///
    /// # Safety
    ///
    /// `self` must be as [`of`](Self::of) made it, or zero, and be taken once.
    unsafe fn take(self) -> Reclaimed {
        let span = IovaRange::new(Iova::new(self.span.start), Iova::new(self.span.last)).ok();
        // SAFETY: by the contract both come from one call of `into_raw` and are taken once.
        unsafe { Reclaimed::from_raw(self.list, span.filter(|_| self.list[0] != 0)) }
    }
}

/// Takes the tables out that are empty after an unmap from `start` to `last`, inclusive, which has been refreshed.
///
/// `reclaimed` receives them. What they covered has to be refreshed for every function before they are freed. Nothing is
/// allocated.
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
    let found = match IovaRange::new(Iova::new(start), Iova::new(last)) {
        // SAFETY: by the contract `table` is valid and stays so, and the range belongs to the caller; who looks across it
        // holds the RCU read side.
        Ok(range) => unsafe { (*table).reclaim(range) },
        Err(_) => Reclaimed::NONE,
    };
    // SAFETY: by the contract `reclaimed` is valid for writes.
    unsafe { reclaimed.write(ForeignReclaimed::of(found)) };
}

/// Adds the tables of `from` to those of `into`, whichever has any; `from` must not be used again.
///
/// Nothing is allocated, and it takes as long for many tables as for one.
///
/// # Safety
///
/// Both must be as `zpci_rust_reclaim` or this function left them, or zero, of tables with `base`, and nobody else use
/// them meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reclaimed_join(
    into: *mut ForeignReclaimed,
    from: *const ForeignReclaimed,
    base: u64,
) {
    // SAFETY: by the contract both are valid, and `into` is written below.
    let (mut all, more) = unsafe { ((*into).take(), (*from).take()) };
    // SAFETY: all storage of C is one.
    unsafe { all.join(more, &KernelStorage { base }) };
    // SAFETY: by the contract `into` is valid for writes.
    unsafe { into.write(ForeignReclaimed::of(all)) };
}

/// Gives back the storage of at most `most` of the tables that were taken out; `reclaimed` is the rest then. Whether none
/// is left.
///
/// # Safety
///
/// `reclaimed` must be valid for writes, and as `zpci_rust_reclaim`, `zpci_rust_reclaimed_join` or this function left it, or
/// zero. Since the tables were taken out every function of the domain that is registered must have been refreshed for what
/// they covered, with success, and a grace period must have passed.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reclaimed_free(reclaimed: *mut ForeignReclaimed, base: u64, most: u32) -> bool {
    // SAFETY: by the contract `reclaimed` is valid, and what is taken is written below.
    let mut rest = unsafe { (*reclaimed).take() };
    // SAFETY: all storage of C is one; by the contract everything else holds.
    unsafe { rest.free_some(&KernelStorage { base }, most as usize) };
    let rest = ForeignReclaimed::of(rest);
    // SAFETY: by the contract `reclaimed` is valid for writes.
    unsafe { reclaimed.write(rest) };
    rest.list[0] == 0
}
