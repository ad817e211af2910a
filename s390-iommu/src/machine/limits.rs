// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function takes for translation, and how much of it is used.

use clp::{DesignationTypes, Function, FunctionGroup, FunctionType};

use crate::format::address::{Iova, PAGE_SIZE};
use crate::format::fib::Fib;
use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::format::table_type::Root;

/// What a function takes for translation, as CLP reports it; nothing that a domain decides changes it.
#[doc(alias("SDMA", "EDMA"))]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Limits {
    /// All addresses that the function can put on the bus (SDMA..EDMA).
    pub window: IovaRange,
    /// The kinds of roots that it understands.
    pub designation_types: DesignationTypes,
    /// Whether it may do without translation (RTR).
    pub relaxed_translation: bool,
    /// Whether a translation that becomes valid has to be refreshed too (the group's refresh bit).
    pub refresh_on_map: bool,
    /// Type of the function (PFT), which some rules depend on.
    pub function_type: FunctionType,
}

impl Limits {
    /// The limits of a function and its group; `None` if the function has no whole page to address.
    ///
    /// A group that names none of the roots is taken to have the region-third table, which all machines have: Linux
    /// used it for years before it read the field.
    pub fn new(function: &Function, group: &FunctionGroup) -> Option<Self> {
        let window = IovaRange::within(Iova::new(function.start_dma), Iova::new(function.end_dma))?;
        let limits = Self {
            window,
            designation_types: group.designation_types,
            relaxed_translation: group.relaxed_translation,
            refresh_on_map: group.refresh,
            function_type: function.function_type,
        };
        Some(limits.with_some_root())
    }

    /// The limits with the region-third table if they name no root.
    pub fn with_some_root(self) -> Self {
        if Root::ALL.iter().any(|root| self.designation_types.supports(root.designation_type())) {
            return self;
        }
        let region_third = 0x80 >> Root::RegionThird.designation_type();
        Self { designation_types: DesignationTypes(self.designation_types.0 | region_third), ..self }
    }

    /// The same limits, with only those of the roots that `roots` has too; none may be left.
    pub const fn with_roots(self, roots: DesignationTypes) -> Self {
        Self { designation_types: DesignationTypes(self.designation_types.0 & roots.0), ..self }
    }

    /// The addresses to use when at most `bytes` are wanted, and the shallowest root that translates them.
    ///
    /// A shallow tree costs less to walk and to refresh, so the window is not used further than wanted. If no supported
    /// root reaches that far, the deepest one is used as far as it goes. The last page of 2^64 is left out: an RPCIT
    /// that includes it would end at 0. Returns `None` if `bytes` is less than a page or no supported root reaches the
    /// start of the window; such a function can only be attached without translation.
    ///
    /// The result depends on the function and on `bytes` alone, so it is the same before, during and after any
    /// attachment.
    pub fn plan(&self, bytes: u64) -> Option<Plan> {
        let wanted = self.wanted(bytes)?;
        let supported = |root: &Root| self.designation_types.supports(root.designation_type());
        let root = Root::ALL
            .into_iter()
            .find(|root| supported(root) && wanted.last() <= root.last())
            .or_else(|| Root::ALL.into_iter().rev().find(supported))?;
        let aperture = wanted.intersection(IovaRange::up_to(root.last()))?;
        Some(Plan { root, aperture })
    }

    /// The first `bytes` bytes of the window, or all of it if it has no more, in whole pages.
    pub(crate) fn wanted(&self, bytes: u64) -> Option<IovaRange> {
        let start = self.window.start();
        let bytes = bytes / PAGE_SIZE * PAGE_SIZE;
        let reach = start.get().saturating_add(bytes.checked_sub(1)?).min(LAST_REFRESHED);
        self.window.intersection(IovaRange::up_to(Iova::new(reach)))
    }

    /// The parameters that register translation through `iota` for `aperture`, as this type of function takes them.
    pub(crate) fn registration(&self, aperture: IovaRange, iota: Iota) -> Fib {
        let mut fib = Fib::translation(aperture, iota);
        if self.function_type == FunctionType::ISM {
            // ISM takes the last address for one page less than it is (Linux: arch/s390/pci/pci.c).
            fib.last.set(aperture.last().get().saturating_add(PAGE_SIZE));
        }
        fib
    }

    /// Whether the refresh after an unmap may be put off, so that one of everything takes its place.
    ///
    /// ISM looks at its tables itself, at each refresh, and goes into an error state if it uses any of the addresses. So it is
    /// told at once, and of nothing but what was unmapped (Linux: commit 53f8e9ad7653, "iommu/s390: Disable deferred flush for
    /// ISM devices").
    pub fn may_defer(&self) -> bool {
        self.function_type != FunctionType::ISM
    }
}

/// The last address that a refresh can name the end of.
const LAST_REFRESHED: u64 = u64::MAX - PAGE_SIZE;

/// The addresses of a function that are used, and the root for them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Plan {
    /// The root of a table that translates the aperture.
    pub root: Root,
    /// The addresses.
    pub aperture: IovaRange,
}

impl Plan {
    /// The addresses that nobody may use, lowest first: what lies below the aperture, and what lies above it.
    pub fn reserved(&self) -> [Option<IovaRange>; 2] {
        let below = self.aperture.start().get().checked_sub(1).map(|last| IovaRange::up_to(Iova::new(last)));
        let (_, above) = IovaRange::ALL.split_after(self.aperture.last());
        [below, above]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn limits(start: u64, last: u64, designation_types: u8) -> Limits {
        let limits = Limits {
            window: IovaRange::within(Iova::new(start), Iova::new(last)).unwrap(),
            designation_types: DesignationTypes(designation_types),
            relaxed_translation: false,
            refresh_on_map: true,
            function_type: FunctionType(0),
        };
        limits.with_some_root()
    }

    fn plan(limits: Limits, bytes: u64) -> Option<(Root, u64, u64)> {
        limits.plan(bytes).map(|plan| (plan.root, plan.aperture.start().get(), plan.aperture.last().get()))
    }

    #[test]
    fn qemu_with_a_gibibyte() {
        let qemu = limits(0x1_0000_0000, 0x1ff_ffff_ffff_ffff, 0x40);
        assert_eq!(plan(qemu, GIB), Some((Root::RegionThird, 0x1_0000_0000, 0x1_3fff_ffff)));
        let [below, above] = qemu.plan(GIB).unwrap().reserved();
        assert_eq!(below, Some(IovaRange::new(Iova::new(0), Iova::new(0xffff_ffff)).unwrap()));
        assert_eq!(above, Some(IovaRange::new(Iova::new(0x1_4000_0000), Iova::new(u64::MAX)).unwrap()));
        // Without a limit the only root that QEMU supports ends the aperture.
        assert_eq!(plan(qemu, u64::MAX), Some((Root::RegionThird, 0x1_0000_0000, 0x3ff_ffff_ffff)));
    }

    #[test]
    fn the_shallowest_root_that_reaches() {
        let all = limits(0x1_0000_0000, u64::MAX, 0x70);
        assert_eq!(plan(all, (1 << 42) - 4 * GIB).map(|c| c.0), Some(Root::RegionThird));
        assert_eq!(plan(all, (1 << 42) - 4 * GIB + 0x1000).map(|c| c.0), Some(Root::RegionSecond));
        assert_eq!(plan(all, (1 << 53) - 4 * GIB).map(|c| c.0), Some(Root::RegionSecond));
        assert_eq!(plan(all, (1 << 53) - 4 * GIB + 0x1000).map(|c| c.0), Some(Root::RegionFirst));
        assert_eq!(plan(all, u64::MAX), Some((Root::RegionFirst, 0x1_0000_0000, 0xffff_ffff_ffff_efff)));
        let without_second = limits(0, u64::MAX, 0x50);
        assert_eq!(plan(without_second, 1 << 43).map(|c| c.0), Some(Root::RegionFirst));
    }

    #[test]
    fn a_window_beyond_every_root() {
        let high = limits(1 << 42, (1 << 43) - 1, 0x40);
        assert_eq!(plan(high, GIB), None);
        let high = limits(1 << 42, (1 << 43) - 1, 0x60);
        assert_eq!(plan(high, GIB), Some((Root::RegionSecond, 1 << 42, (1 << 42) + GIB - 1)));
    }

    #[test]
    fn not_all_roots() {
        let region_third = DesignationTypes(0x40);
        let all = limits(0x1_0000_0000, u64::MAX, 0x78).with_roots(region_third);
        assert_eq!(all.designation_types, DesignationTypes(0x40));
        assert_eq!(plan(all, u64::MAX), Some((Root::RegionThird, 0x1_0000_0000, 0x3ff_ffff_ffff)));
        assert_eq!(plan(limits(0, GIB, 0x20).with_roots(region_third), GIB), None);
        let two = limits(0x1_0000_0000, u64::MAX, 0x70).with_roots(DesignationTypes(0x60));
        assert_eq!(plan(two, u64::MAX), Some((Root::RegionSecond, 0x1_0000_0000, (1 << 53) - 1)));
    }

    #[test]
    fn the_whole_space() {
        let whole = limits(0, u64::MAX, 0x10);
        // The last page is left out, whatever is wanted.
        assert_eq!(plan(whole, u64::MAX), Some((Root::RegionFirst, 0, 0xffff_ffff_ffff_efff)));
        assert_eq!(plan(whole, u64::MAX - 0xfff), Some((Root::RegionFirst, 0, 0xffff_ffff_ffff_efff)));
        assert_eq!(plan(whole, 0xfff), None);
    }

    #[test]
    fn a_group_that_names_no_root_has_the_region_third_table() {
        for silent in [0, 0x0c, 0x8f] {
            assert_eq!(limits(0, GIB, silent).designation_types, DesignationTypes(silent | 0x40));
        }
        assert_eq!(limits(0, GIB, 0x10).designation_types, DesignationTypes(0x10));
    }
}
