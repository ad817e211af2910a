// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Measurement blocks of format 0, as QEMU has them, on the fake machine.

use std::cell::RefCell;
use std::collections::BTreeMap;

use zpci_tests::fake::Fake;

use crate::sabotage::Sabotage;

/// What a function has done, in the order of the block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Counter {
    Load,
    Store,
    BlockStore,
    Refresh,
}

#[derive(Debug, Default)]
struct Block {
    address: u64,
    /// In microseconds.
    next: u64,
    sample: u32,
    counters: [u64; 4],
}

/// Every function by the low half of its handle.
#[derive(Debug, Default)]
pub(crate) struct Measurement(RefCell<BTreeMap<u32, Block>>);

impl Measurement {
    pub(crate) fn count(&self, handle: u32, counter: Counter) {
        self.0.borrow_mut().entry(handle & 0xffff).or_default().counters[counter as usize] += 1;
    }

    /// MPCIFC with operation control 10, and a reset with address 0.
    pub(crate) fn set(&self, handle: u32, address: u64, next: u64) {
        let mut blocks = self.0.borrow_mut();
        let block = blocks.entry(handle & 0xffff).or_default();
        match address {
            0 => *block = Block::default(),
            _ => (block.address, block.next) = (address, next),
        }
    }

    /// Stores what is due at `now`, every `interval` microseconds.
    pub(crate) fn update(&self, fake: &Fake, now: u64, interval: u64, sabotage: Sabotage) {
        for block in self.0.borrow_mut().values_mut().filter(|block| block.address != 0 && block.next <= now) {
            let counted = |index: usize| match (sabotage, index) {
                (Sabotage::Miscounted(which), _) if which as usize == index => block.counters[index] + 4,
                _ => block.counters[index],
            };
            fake.write_data(block.address + 4, &block.sample.to_be_bytes());
            for index in 0..4 {
                fake.write_data(block.address + 16 + 8 * index as u64, &counted(index).to_be_bytes());
            }
            let updating = u64::from(sabotage == Sabotage::TornSample);
            fake.write_data(block.address + 8, &(now << 13 | updating).to_be_bytes());
            if sabotage == Sabotage::StoreBehindBlock {
                fake.write_data(block.address + 48, &[0; 8]);
            }
            block.sample += 1;
            block.next = now + interval;
        }
    }
}
