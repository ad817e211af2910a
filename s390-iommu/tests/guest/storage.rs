// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage of a guest: words where there are any.

use std::cell::Cell;
use std::collections::HashMap;

use s390_iommu::guest::GuestMemory;
use s390_iommu::AbsoluteAddress;

#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) words: HashMap<u64, u64>,
    /// Reads so far.
    pub(crate) reads: Cell<u64>,
}

impl GuestMemory for Storage {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        self.reads.set(self.reads.get() + 1);
        self.words.get(&address.get()).copied()
    }
}

impl Storage {
    /// Puts a table of `entries` words there, each `empty`.
    pub(crate) fn table(&mut self, origin: u64, entries: u64, empty: u64) {
        for index in 0..entries {
            self.words.insert(origin + index * 8, empty);
        }
    }

    /// A region-third table at 0x24000, a segment table at 0x28000, a page table at 0x2c800, all empty.
    pub(crate) fn three_tables() -> Self {
        let mut storage = Self::default();
        storage.table(0x2_4000, 2048, 0x20);
        storage.table(0x2_8000, 2048, 0x20);
        storage.table(0x2_c800, 256, 0x400);
        storage
    }

    /// The same, linked so that the page table is that of 0x100000000.
    pub(crate) fn one_page_table() -> Self {
        let mut storage = Self::three_tables();
        storage.words.insert(0x2_4000 + 2 * 8, 0x2_8007);
        storage.words.insert(0x2_8000, 0x2_c800);
        storage
    }

    /// Sets entry `page` of the page table.
    pub(crate) fn set(&mut self, page: u64, entry: u64) {
        assert!(page < 256);
        self.words.insert(0x2_c800 + page * 8, entry);
    }
}
