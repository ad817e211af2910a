// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Random tables and refreshes, beside a model of two maps.

use std::collections::BTreeMap;

use s390_iommu::guest::Answer;
use s390_iommu::Protection;
use zpci_vfio::Shadow;

use crate::guest::{refresh, Guest, IOVA};
use crate::space::Space;

const PAGES: u64 = 256;

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn the_host_has_what_was_refreshed() {
    for seed in 1..=20 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
        let (mut guest, space) = (Guest::new(false), Space::default());
        guest.register();
        let mut controls = guest.controls.clone();
        // SAFETY: nobody has a reference into the guest's storage, which stays until the end of the test.
        let mut shadow = unsafe { Shadow::new(&guest.memory, &space) };
        // What the table says, and what the host should have.
        let (mut table, mut mapped) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..60 {
            for _ in 0..random.below(40) {
                let index = random.below(PAGES);
                match random.below(4) {
                    0 => {
                        guest.set_page(index, 0x400);
                        table.remove(&index);
                    }
                    kind => {
                        // Some frames are beyond the guest's storage.
                        let frame = 0x1_0000 + random.below(0x110) * 4096;
                        let protection = if kind == 1 { Protection::ReadOnly } else { Protection::ReadWrite };
                        guest.set_page(index, frame | if kind == 1 { 0x200 } else { 0 });
                        table.insert(index, (frame, protection));
                    }
                }
            }
            let first = random.below(PAGES);
            let count = 1 + random.below(PAGES - first);
            let answer = refresh(&mut controls, &mut shadow, &guest.memory, first, count);
            assert_eq!(answer, Answer::done(0x8001_0001_0000_0000));
            for index in first..first + count {
                match table.get(&index).filter(|(frame, _)| *frame < 1 << 20) {
                    Some(entry) => _ = mapped.insert(index, *entry),
                    None => _ = mapped.remove(&index),
                }
            }
            for index in 0..PAGES {
                let expected = mapped.get(&index).map(|(frame, protection)| (guest.host(*frame), *protection));
                assert_eq!(space.at(IOVA + index * 4096), expected, "seed {seed}, page {index}");
            }
            assert_eq!(space.ranges().len(), mapped.len());
        }
    }
}
