// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function takes for translation, as it crosses from C.

use ::clp::{DesignationTypes, FunctionType};
use s390_iommu::{Iova, IovaRange, Limits, Plan};
use static_assertions::const_assert_eq;

use crate::range::ForeignRange;

/// C: `struct zpci_rust_limits`; host byte order.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignLimits {
    /// First DMA address that the function can use, as CLP reports it.
    pub start_dma: u64,
    /// Last one, inclusive.
    pub end_dma: u64,
    /// Supported designation types, as the machine stored them.
    pub designation_types: u8,
    /// Type of the function (PFT).
    pub function_type: u8,
    /// What applies; see the constants.
    pub flags: u8,
    /// The roots that may be registered, as `designation_types` has them; not from CLP.
    pub roots: u8,
    /// Zero.
    pub reserved: [u8; 4],
}

const_assert_eq!(size_of::<ForeignLimits>(), 24);

impl ForeignLimits {
    /// Refresh is needed too when a translation becomes valid.
    pub const REFRESH: u8 = 0x01;
    /// The function may be registered without translation.
    pub const RELAXED_TRANSLATION: u8 = 0x02;

    /// The limits; `None` if the function has no whole page to address.
    pub(crate) fn limits(&self) -> Option<Limits> {
        let limits = Limits {
            window: IovaRange::within(Iova::new(self.start_dma), Iova::new(self.end_dma))?,
            designation_types: DesignationTypes(self.designation_types),
            relaxed_translation: self.has(Self::RELAXED_TRANSLATION),
            refresh_on_map: self.has(Self::REFRESH),
            function_type: FunctionType(self.function_type),
        };
        Some(limits.with_roots(DesignationTypes(self.roots)).with_some_root())
    }

    /// What of the window is used when at most `aperture_bytes` are wanted, and with which root.
    #[inline(never)]
    pub(crate) fn plan(&self, aperture_bytes: u64) -> Option<Plan> {
        self.limits()?.plan(aperture_bytes)
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The ranges that nobody may map for the function; their number, at most 2.
///
/// # Safety
///
/// `limits` must be valid; `reserved` must have room for two ranges.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_reserved(
    limits: *const ForeignLimits,
    aperture_bytes: u64,
    reserved: *mut ForeignRange,
) -> u32 {
    // SAFETY: by the contract `limits` is valid.
    let Some(plan) = (unsafe { &*limits }).plan(aperture_bytes) else {
        return 0;
    };
    let mut next = reserved;
    let mut count = 0;
    for range in plan.reserved().into_iter().flatten() {
        // SAFETY: by the contract there is room for two, and there are at most two.
        unsafe {
            next.write(ForeignRange::of(range));
            next = next.add(1);
        }
        count += 1;
    }
    count
}

/// Whether the refresh after an unmap may be put off for a function with `limits`.
///
/// # Safety
///
/// `limits` must be valid.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_may_defer(limits: *const ForeignLimits) -> bool {
    // SAFETY: by the contract `limits` is valid.
    unsafe { &*limits }.limits().is_none_or(|limits| limits.may_defer())
}
