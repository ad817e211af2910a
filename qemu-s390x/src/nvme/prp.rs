// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the data of a command lies: physical region pages.
//!
//! NVM Express Base Specification 1.4, section 4.3. "Physical" is the specification's word; behind an IOMMU the addresses
//! are I/O virtual ones.

use s390_iommu::{Iova, IovaRange, PAGE_SIZE};

/// The two fields of a command that lead to its data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct DataPointer {
    /// The first page.
    pub(super) prp_1: u64,
    /// Unused, the second page, or the list of all pages after the first.
    pub(super) prp_2: u64,
}

impl DataPointer {
    /// For a command without data.
    pub(super) const NONE: Self = Self { prp_1: 0, prp_2: 0 };

    /// Leads to `data`; `list` is where the list will be, which is one page at most.
    ///
    /// Nothing if there are more pages than a list of one page can name.
    pub(super) fn new(data: IovaRange, list: Iova) -> Option<Self> {
        let prp_1 = data.start().get();
        let prp_2 = match data.pages() {
            1 => 0,
            2 => prp_1 + PAGE_SIZE,
            3..=LARGEST_PAGES => list.get(),
            _ => return None,
        };
        Some(Self { prp_1, prp_2 })
    }
}

/// Pages of the largest transfer: one in the command and as many as a list of one page has entries.
pub(super) const LARGEST_PAGES: u64 = 1 + PAGE_SIZE / 8;

/// Entries of the list for `data`: every page after the first.
pub(super) fn list(data: IovaRange) -> impl Iterator<Item = u64> {
    (1..data.pages()).map(move |page| data.start().get() + page * PAGE_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Iova = Iova::new(0x1_0000_4000);

    fn data(pages: u64) -> IovaRange {
        IovaRange::with_size(Iova::new(0x1_000f_e000), pages * 0x1000).unwrap()
    }

    #[test]
    fn few_pages_need_no_list() {
        let (prp_1, prp_2) = (0x1_000f_e000, 0);
        assert_eq!(DataPointer::new(data(1), LIST), Some(DataPointer { prp_1, prp_2 }));
        let prp_2 = 0x1_000f_f000;
        assert_eq!(DataPointer::new(data(2), LIST), Some(DataPointer { prp_1, prp_2 }));
    }

    #[test]
    fn many_pages_need_a_list() {
        let (prp_1, prp_2) = (0x1_000f_e000, 0x1_0000_4000);
        assert_eq!(DataPointer::new(data(3), LIST), Some(DataPointer { prp_1, prp_2 }));
        assert!(list(data(4)).eq([0x1_000f_f000, 0x1_0010_0000, 0x1_0010_1000]));
    }

    #[test]
    fn one_page_of_list_is_the_limit() {
        assert!(DataPointer::new(data(513), LIST).is_some());
        assert_eq!(list(data(513)).count(), 512);
        assert_eq!(DataPointer::new(data(514), LIST), None);
    }
}
