// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Regions of I/O virtual addresses that must not be mapped, and why.

use core::fmt;
use core::ops::BitOr;

use crate::format::address::Iova;
use crate::format::range::IovaRange;

/// Why addresses must not be mapped: a set of reasons, since several may hold at once.
///
/// Linux: `enum iommu_resv_type`, `include/linux/iommu.h`, which this set follows from bit 1 on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct Reasons(pub u32);

impl Reasons {
    /// No reason: the addresses may be mapped.
    pub const NONE: Self = Self(0);
    /// They lie outside the aperture of a domain.
    pub const OUTSIDE: Self = Self(1 << 0);
    /// They are mapped to the absolute address of the same number at all times (`IOMMU_RESV_DIRECT`).
    pub const DIRECT: Self = Self(1 << 1);
    /// The same, where a device may be given away in spite of it (`IOMMU_RESV_DIRECT_RELAXABLE`).
    pub const DIRECT_RELAXABLE: Self = Self(1 << 2);
    /// They are not for devices (`IOMMU_RESV_RESERVED`).
    pub const RESERVED: Self = Self(1 << 3);
    /// A write to them is an interrupt and is not translated (`IOMMU_RESV_MSI`).
    pub const MSI: Self = Self(1 << 4);
    /// Software maps the writes that are interrupts there (`IOMMU_RESV_SW_MSI`).
    pub const SOFTWARE_MSI: Self = Self(1 << 5);
    /// Every reason that has a name.
    pub const ALL: Self = Self(0x3f);

    /// Returns whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether there is none, so that the addresses may be mapped.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Reasons {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The names, joined by `+`; what has no name as a number.
impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Reasons, &str); 6] = [
            (Reasons::OUTSIDE, "outside"),
            (Reasons::DIRECT, "direct"),
            (Reasons::DIRECT_RELAXABLE, "direct-relaxable"),
            (Reasons::RESERVED, "reserved"),
            (Reasons::MSI, "msi"),
            (Reasons::SOFTWARE_MSI, "software-msi"),
        ];
        if self.is_none() {
            return f.write_str("none");
        }
        let mut separator = "";
        for (reason, name) in NAMES {
            if self.contains(reason) {
                write!(f, "{separator}{name}")?;
                separator = "+";
            }
        }
        match self.0 & !Self::ALL.0 {
            0 => Ok(()),
            unnamed => write!(f, "{separator}{unnamed:#x}"),
        }
    }
}

/// Addresses that must not be mapped.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ReservedRegion {
    /// The addresses.
    pub range: IovaRange,
    /// Why.
    pub reasons: Reasons,
}

impl ReservedRegion {
    /// Returns the region of every page that holds one of the bytes from `first` to `last`, both inclusive.
    ///
    /// Pages are mapped whole, so a region that takes a part of one takes it all. Returns `None` if `last` is lower than
    /// `first`.
    pub fn covering(first: Iova, last: Iova, reasons: Reasons) -> Option<Self> {
        (first <= last).then(|| Self { range: IovaRange::page(first).hull(IovaRange::page(last)), reasons })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    #[test]
    fn a_region_takes_whole_pages() {
        let covering = |first, last| {
            ReservedRegion::covering(Iova::new(first), Iova::new(last), Reasons::RESERVED)
                .map(|region| (region.range.start().get(), region.range.last().get()))
        };
        assert_eq!(covering(0, 0), Some((0, 0xfff)));
        assert_eq!(covering(0xfff, 0x1000), Some((0, 0x1fff)));
        assert_eq!(covering(u64::MAX, u64::MAX), Some((0xffff_ffff_ffff_f000, u64::MAX)));
        assert_eq!(covering(0, u64::MAX), Some((0, u64::MAX)));
        assert_eq!(covering(1, 0), None);
    }

    #[test]
    fn reasons_have_names() {
        assert_eq!(Reasons::NONE.to_string(), "none");
        assert_eq!(Reasons(0x3f).to_string(), "outside+direct+direct-relaxable+reserved+msi+software-msi");
        assert_eq!((Reasons::MSI | Reasons(0x100)).to_string(), "msi+0x100");
    }
}
