// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The model: which page leads where.

use std::collections::BTreeMap;

/// Where a page leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// Absolute address of its first byte.
    pub absolute: u64,
    /// Read only.
    pub read_only: bool,
}

/// All mapped pages, by the address of their first byte.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pages(BTreeMap<u64, Page>);

impl Pages {
    /// Where the page of `iova` leads.
    pub fn get(&self, iova: u64) -> Option<Page> {
        self.0.get(&(iova & !0xfff)).copied()
    }

    /// The first mapped page from `first` to `last`.
    pub fn first_in(&self, first: u64, last: u64) -> Option<(u64, Page)> {
        self.range(first, last).next()
    }

    /// The mapped pages from `first` to `last`.
    pub fn range(&self, first: u64, last: u64) -> impl DoubleEndedIterator<Item = (u64, Page)> + '_ {
        self.0.range(first..=last).map(|(iova, page)| (*iova, *page))
    }

    /// All mapped pages.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, Page)> + '_ {
        self.range(0, u64::MAX)
    }

    /// Maps the pages from `first` to `last` to storage from `absolute` on.
    pub fn map(&mut self, first: u64, last: u64, absolute: u64, read_only: bool) {
        for offset in (0..=last - first).step_by(4096) {
            self.0.insert(first + offset, Page { absolute: absolute + offset, read_only });
        }
    }

    /// Unmaps all pages from `first` to `last`; how many there were, and the first and the last of them.
    pub fn unmap(&mut self, first: u64, last: u64) -> (u64, Option<(u64, u64)>) {
        let there = || self.range(first, last).map(|(iova, _)| iova);
        let (pages, ends) = (there().count() as u64, there().next().zip(there().next_back()));
        self.0.retain(|iova, _| *iova < first || last < *iova);
        (pages, ends.map(|(start, end)| (start, end | 0xfff)))
    }
}
