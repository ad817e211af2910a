// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function remembers of its tables.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::walker::{Leaf, Step};

/// Entries of every level: pages, frames of 1 MiB, and the tables through which the machine came to them.
#[derive(Debug, Default)]
pub(super) struct Tlb {
    /// By number of the page of I/O virtual addresses.
    pages: BTreeMap<u64, Entry>,
    /// Frames of 1 MiB, each from one entry, by number of the MiB.
    frames: BTreeMap<u64, Entry>,
    /// A machine may start its next walk at any of these.
    steps: Vec<Step>,
}

/// Translation of one page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Absolute address of the frame.
    pub(super) page: u64,
    /// Read only.
    pub(super) protected: bool,
}

impl From<Leaf> for Entry {
    fn from(leaf: Leaf) -> Self {
        Self { page: leaf.page, protected: leaf.protected }
    }
}

impl Tlb {
    pub(super) fn get(&self, iova: u64) -> Option<Entry> {
        match self.frames.get(&(iova >> 20)) {
            Some(frame) => Some(Entry { page: frame.page | iova & 0xf_f000, ..*frame }),
            None => self.pages.get(&(iova / 4096)).copied(),
        }
    }

    /// Remembers the entry of a frame of 1 MiB that `iova` lies in; `entry` is what the page of `iova` is.
    pub(super) fn insert_frame(&mut self, iova: u64, entry: Entry) {
        self.frames.insert(iova >> 20, Entry { page: entry.page & !0xf_ffff, ..entry });
    }

    pub(super) fn insert(&mut self, iova: u64, entry: Entry) {
        self.pages.insert(iova / 4096, entry);
    }

    /// Forgets the pages from `first` to `last`, both inclusive.
    pub(super) fn remove_pages(&mut self, first: u64, last: u64) {
        let stale: Vec<u64> = self.pages.range(first / 4096..=last / 4096).map(|(page, _)| *page).collect();
        for page in stale {
            self.pages.remove(&page);
        }
    }

    /// Forgets the frames of 1 MiB of which all that the function can use, `aperture`, lies in `refreshed`; all
    /// inclusive. A part of one is not enough: it is one entry.
    pub(super) fn remove_frames(&mut self, refreshed: (u64, u64), aperture: (u64, u64)) {
        self.frames.retain(|mib, _| {
            let used = ((mib << 20).max(aperture.0), (mib << 20 | 0xf_ffff).min(aperture.1));
            used.0 < refreshed.0 || refreshed.1 < used.1
        });
    }

    /// Forgets the tables of whose span all that the function can use, `aperture`, lies in `refreshed`; all inclusive.
    ///
    /// No refresh covers more of a table than that.
    pub(super) fn remove_steps(&mut self, refreshed: (u64, u64), aperture: (u64, u64)) {
        self.steps.retain(|step| {
            let used = (step.first.max(aperture.0), step.last.min(aperture.1));
            used.0 < refreshed.0 || refreshed.1 < used.1
        });
    }

    /// Remembers tables.
    pub(super) fn note(&mut self, steps: &[Step]) {
        for step in steps {
            if !self.steps.contains(step) {
                self.steps.push(*step);
            }
        }
    }

    /// Whether the next walk may go through `table`.
    pub(super) fn reaches(&self, table: u64) -> bool {
        self.steps.iter().any(|step| step.table == table)
    }
}
