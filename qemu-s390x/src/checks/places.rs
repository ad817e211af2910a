// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where in an aperture the checks map what.

use s390_iommu::{Iova, IovaRange, PAGE_SIZE};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Addresses in an aperture, far enough from each other.
///
/// An aperture may be too small for all of them; then a mapping says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Places {
    /// The first page.
    pub(super) first_page: Iova,
    /// The last page.
    pub(super) last_page: Iova,
    /// What the driver shares with the device.
    pub(super) driver: Iova,
    /// Single pages.
    pub(super) pages: Iova,
    /// The start of a MiB that nothing else is in.
    pub(super) large_frame: Iova,
    /// Half a MiB before a boundary of 2 GiB: a MiB and more from here lies in three page tables, below two
    /// segment tables.
    pub(super) across_tables: Iova,
}

impl Places {
    pub(super) fn of(aperture: IovaRange) -> Self {
        let start = aperture.start().get();
        let after = |bytes: u64| Iova::new(start.saturating_add(bytes));
        let boundary = start.saturating_add(4 * GIB) & !(2 * GIB - 1);
        Self {
            first_page: aperture.start(),
            last_page: Iova::new(aperture.last().get() & !(PAGE_SIZE - 1)),
            driver: after(16 * MIB),
            pages: after(32 * MIB),
            large_frame: Iova::new(start.saturating_add(64 * MIB) & !(MIB - 1)),
            across_tables: Iova::new(boundary.saturating_sub(MIB / 2)),
        }
    }

    /// A page in the same page table as the first of [`pages`](Self::pages).
    pub(super) const fn beside_pages(&self) -> Iova {
        Iova::new(self.pages.get() ^ PAGE_SIZE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aperture_of_qemu() {
        let aperture = IovaRange::new(Iova::new(0x1_0000_0000), Iova::new(0x3ff_ffff_ffff)).unwrap();
        let places = Places::of(aperture);
        assert_eq!(places.first_page.get(), 0x1_0000_0000);
        assert_eq!(places.last_page.get(), 0x3ff_ffff_f000);
        assert_eq!(places.driver.get(), 0x1_0100_0000);
        assert_eq!(places.pages.get(), 0x1_0200_0000);
        assert_eq!(places.beside_pages().get(), 0x1_0200_1000);
        assert_eq!(places.large_frame.get(), 0x1_0400_0000);
        assert_eq!(places.across_tables.get(), 0x1_fff8_0000);
    }
}
