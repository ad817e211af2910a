// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What can be done to a table.

/// One step of a trial; every value of every field means something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Maps pages.
    Map {
        /// First page.
        at: Place,
        /// Number of pages less one.
        more: u16,
        /// Page of the data that it is mapped to, counted from its start.
        storage: u16,
        /// Read only.
        read_only: bool,
    },
    /// Maps whole MiB, to storage that is aligned like that.
    MapMib {
        /// A page of the first MiB.
        at: Place,
        /// Number of MiB less one.
        more: u8,
        /// MiB of the data that it is mapped to.
        storage: u8,
        /// Read only.
        read_only: bool,
    },
    /// Unmaps pages.
    Unmap {
        /// First page.
        at: Place,
        /// Number of pages less one.
        more: u16,
    },
    /// Splits the large frame of a page.
    Split {
        /// The page.
        at: Place,
    },
    /// Translates an address.
    Translate {
        /// Page of the address.
        at: Place,
        /// Byte within the page.
        offset: u16,
    },
    /// Lets the device read or write a byte.
    Dma {
        /// Page of the byte.
        at: Place,
        /// Byte within the page.
        offset: u16,
        /// Write.
        write: bool,
    },
    /// Walks over pages.
    Walk {
        /// First page.
        at: Place,
        /// Number of pages less one.
        more: u16,
    },
    /// Refreshes what was changed since the last time.
    Refresh,
    /// Refreshes pages, whether they were changed or not.
    RefreshRange {
        /// First page.
        at: Place,
        /// Number of pages less one.
        more: u16,
    },
    /// Gives the empty tables of a naturally aligned range back.
    Reclaim {
        /// A page of the range.
        at: Place,
        /// log2 of its size in bytes.
        size_log2: u8,
        /// Unmap it before.
        unmap: bool,
    },
    /// Lets so many tables be allocated and no more.
    Limit {
        /// Number of tables.
        tables: u8,
    },
    /// Lets any number of tables be allocated.
    Lift,
}

/// A page near one of the addresses at which tables end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Which address, counted round.
    pub anchor: u8,
    /// Pages from there, onward or back.
    pub page: i16,
}

impl Place {
    /// Where things get interesting: the start, and the first byte behind a page table, a segment table, a
    /// region-third table and a region-second table. The last one stands for the end of the aperture.
    const ANCHORS: [u64; 6] = [0, 0x1_4010_0000, 0x1_8000_0000, 1 << 42, 1 << 53, u64::MAX];

    /// The first byte of the page, where the aperture ends with `last`.
    pub fn iova(self, last: u64) -> u64 {
        let anchor = Self::ANCHORS[usize::from(self.anchor) % Self::ANCHORS.len()].min(last) & !0xfff;
        let distance = u64::from(self.page.unsigned_abs()) * 4096;
        if self.page < 0 {
            anchor.wrapping_sub(distance)
        } else {
            anchor.wrapping_add(distance)
        }
    }
}
