// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function takes for translation, and how much of it is used.

use clp::{DesignationTypes, Function, FunctionGroup};

use crate::format::address::{Iova, PAGE_SIZE};
use crate::format::range::IovaRange;
use crate::format::table_type::Root;

/// What a function takes for translation, as CLP told it; nothing that a domain decides changes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// All addresses that the function can put on the bus.
    pub window: IovaRange,
    /// The kinds of roots that it understands.
    pub designation_types: DesignationTypes,
    /// Whether it may do without translation.
    pub relaxed_translation: bool,
}

impl Limits {
    /// The limits of a function and its group; nothing where the function has no whole page to address.
    pub fn new(function: &Function, group: &FunctionGroup) -> Option<Self> {
        Self::of_parts(function.start_dma, function.end_dma, group.designation_types, group.relaxed_translation)
    }

    /// The limits of a function that can address the bytes from `start_dma` to `end_dma`, both inclusive.
    ///
    /// Only whole pages count; nothing is returned where there is none. A group that names none of the roots is taken
    /// to have the region-third table, which all machines have: Linux used it for years before it read the field.
    pub fn of_parts(
        start_dma: u64,
        end_dma: u64,
        designation_types: DesignationTypes,
        relaxed_translation: bool,
    ) -> Option<Self> {
        let names_a_root = Root::ALL.iter().any(|root| designation_types.supports(root.designation_type()));
        let region_third = 0x80 >> Root::RegionThird.designation_type();
        Some(Self {
            window: IovaRange::within(Iova::new(start_dma), Iova::new(end_dma))?,
            designation_types: if names_a_root {
                designation_types
            } else {
                DesignationTypes(designation_types.0 | region_third)
            },
            relaxed_translation,
        })
    }

    /// The same limits, but for one kind of root only; no root is left where the function does not understand it.
    pub const fn with_root(self, root: Root) -> Self {
        let designation_types = DesignationTypes(self.designation_types.0 & 0x80 >> root.designation_type());
        Self { designation_types, ..self }
    }

    /// The addresses to use when at most `bytes` are wanted, and the shallowest root that translates them.
    ///
    /// A shallow tree costs less to walk and to refresh, so the window is not used further than wanted. Where no
    /// supported root reaches that far, the deepest one is used as far as it goes. Nothing is returned where `bytes` is
    /// less than a page or no supported root reaches the start of the window.
    ///
    /// The answer depends on the function and on `bytes` alone, so it is the same before, during and after any
    /// attachment.
    pub fn choose(&self, bytes: u64) -> Option<Choice> {
        let start = self.window.start();
        let wanted = bytes / PAGE_SIZE * PAGE_SIZE;
        let reach = start.get().saturating_add(wanted.checked_sub(1)?);
        let aperture = self.window.intersection(IovaRange::up_to(Iova::new(reach)))?;
        let supported = |root: &Root| self.designation_types.supports(root.designation_type());
        let root = Root::ALL
            .into_iter()
            .find(|root| supported(root) && aperture.last() <= root.last())
            .or_else(|| Root::ALL.into_iter().rev().find(supported))?;
        let aperture = aperture.intersection(IovaRange::up_to(root.last()))?;
        Some(Choice { root, aperture })
    }
}

/// The addresses of a function that are used, and the root for them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Choice {
    /// The root of a table that translates the aperture.
    pub root: Root,
    /// The addresses.
    pub aperture: IovaRange,
}

impl Choice {
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
        Limits::of_parts(start, last, DesignationTypes(designation_types), false).unwrap()
    }

    fn choice(limits: Limits, bytes: u64) -> Option<(Root, u64, u64)> {
        limits.choose(bytes).map(|choice| (choice.root, choice.aperture.start().get(), choice.aperture.last().get()))
    }

    #[test]
    fn qemu_with_a_gibibyte() {
        let qemu = limits(0x1_0000_0000, 0x1ff_ffff_ffff_ffff, 0x40);
        assert_eq!(choice(qemu, GIB), Some((Root::RegionThird, 0x1_0000_0000, 0x1_3fff_ffff)));
        let [below, above] = qemu.choose(GIB).unwrap().reserved();
        assert_eq!(below, Some(IovaRange::new(Iova::new(0), Iova::new(0xffff_ffff)).unwrap()));
        assert_eq!(above, Some(IovaRange::new(Iova::new(0x1_4000_0000), Iova::new(u64::MAX)).unwrap()));
        // Without a limit the only root that QEMU supports ends the aperture.
        assert_eq!(choice(qemu, u64::MAX), Some((Root::RegionThird, 0x1_0000_0000, 0x3ff_ffff_ffff)));
    }

    #[test]
    fn the_shallowest_root_that_reaches() {
        let all = limits(0x1_0000_0000, u64::MAX, 0x70);
        assert_eq!(choice(all, (1 << 42) - 4 * GIB).map(|c| c.0), Some(Root::RegionThird));
        assert_eq!(choice(all, (1 << 42) - 4 * GIB + 0x1000).map(|c| c.0), Some(Root::RegionSecond));
        assert_eq!(choice(all, (1 << 53) - 4 * GIB).map(|c| c.0), Some(Root::RegionSecond));
        assert_eq!(choice(all, (1 << 53) - 4 * GIB + 0x1000).map(|c| c.0), Some(Root::RegionFirst));
        assert_eq!(choice(all, u64::MAX), Some((Root::RegionFirst, 0x1_0000_0000, u64::MAX)));
        let without_second = limits(0, u64::MAX, 0x50);
        assert_eq!(choice(without_second, 1 << 43).map(|c| c.0), Some(Root::RegionFirst));
    }

    #[test]
    fn a_window_beyond_every_root() {
        let high = limits(1 << 42, (1 << 43) - 1, 0x40);
        assert_eq!(choice(high, GIB), None);
        let high = limits(1 << 42, (1 << 43) - 1, 0x60);
        assert_eq!(choice(high, GIB), Some((Root::RegionSecond, 1 << 42, (1 << 42) + GIB - 1)));
    }

    #[test]
    fn one_root_only() {
        let all = limits(0x1_0000_0000, u64::MAX, 0x78).with_root(Root::RegionThird);
        assert_eq!(all.designation_types, DesignationTypes(0x40));
        assert_eq!(choice(all, u64::MAX), Some((Root::RegionThird, 0x1_0000_0000, 0x3ff_ffff_ffff)));
        assert_eq!(choice(limits(0, GIB, 0x20).with_root(Root::RegionThird), GIB), None);
    }

    #[test]
    fn the_whole_space() {
        let whole = limits(0, u64::MAX, 0x10);
        // The largest multiple of a page that a number holds leaves the last page out.
        assert_eq!(choice(whole, u64::MAX - 0xfff), Some((Root::RegionFirst, 0, 0xffff_ffff_ffff_efff)));
        assert_eq!(choice(whole, 0xfff), None);
    }

    #[test]
    fn a_group_that_names_no_root_has_the_region_third_table() {
        for silent in [0, 0x0c, 0x8f] {
            assert_eq!(limits(0, GIB, silent).designation_types, DesignationTypes(silent | 0x40));
        }
        assert_eq!(limits(0, GIB, 0x10).designation_types, DesignationTypes(0x10));
    }
}
