// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is done with tables: calls that map, and calls that unmap the same again.

use crate::subject::PAGE;

/// The first address that is mapped.
pub(crate) const START: u64 = 0x1_0000_0000;
/// Where it is mapped to; a multiple of 1 MiB.
pub(crate) const STORAGE: u64 = 0x20_0000_0000;
/// Pages of 1 GiB.
pub(crate) const GIB_PAGES: u64 = 1 << 18;
/// Pages that a sample maps at least, so that the clock does not matter.
const SAMPLE_PAGES: u64 = 4096;
/// Any number; the same one gives the same work.
const SEED: u64 = 390;

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) iova: u64,
    pub(crate) storage: u64,
    pub(crate) pages: u64,
}

/// The calls of one sample.
pub(crate) struct Workload {
    /// What people call it.
    pub(crate) name: String,
    /// Pages a call, where all calls have the same number.
    pub(crate) pages: Option<u64>,
    /// Whether the tables are new at the start of each sample.
    pub(crate) cold: bool,
    pub(crate) map: Vec<Call>,
    pub(crate) unmap: Vec<Call>,
    /// Addresses to translate in between.
    pub(crate) translate: Vec<u64>,
}

impl Workload {
    /// Everything that is measured.
    pub(crate) fn all() -> Vec<Self> {
        let sizes = [1, 8, 64, 256, 2048, GIB_PAGES];
        let mut all: Vec<Self> = sizes.into_iter().map(Self::run).collect();
        all.push(Self::random());
        all.push(Self::scatter());
        all.extend([1, 256, GIB_PAGES].into_iter().map(Self::cold));
        all
    }

    /// Calls of `pages` pages each, one behind the other.
    pub(crate) fn run(pages: u64) -> Self {
        let calls = SAMPLE_PAGES.div_ceil(pages);
        let map: Vec<Call> = (0..calls).map(|call| Self::call(call * pages, pages)).collect();
        // Every size maps the same pages or more, so that there is nothing new to translate in larger ones.
        let translate = if pages == 1 { map.iter().map(|call| call.iova).collect() } else { Vec::new() };
        Self { name: name(pages), pages: Some(pages), cold: false, unmap: map.clone(), map, translate }
    }

    /// Single pages, anywhere in 1 GiB.
    fn random() -> Self {
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut pages: Vec<u64> = (0..GIB_PAGES).collect();
        random.shuffle(&mut pages);
        pages.truncate(SAMPLE_PAGES as usize);
        let map: Vec<Call> = pages.iter().map(|page| Self::call(*page, 1)).collect();
        random.shuffle(&mut pages);
        let unmap: Vec<Call> = pages.iter().map(|page| Self::call(*page, 1)).collect();
        let translate = unmap.iter().map(|call| call.iova).collect();
        Self { name: "random page".into(), pages: None, cold: false, map, unmap, translate }
    }

    /// Lists of 16 to 64 segments of 1 to 16 pages: mapped segment by segment, unmapped by one call a list.
    fn scatter() -> Self {
        let mut random = fastrand::Rng::with_seed(SEED);
        let (mut map, mut unmap, mut next) = (Vec::new(), Vec::new(), 0);
        while next < SAMPLE_PAGES {
            let first = next;
            for _ in 0..random.u64(16..=64) {
                let pages = random.u64(1..=16);
                let storage = STORAGE + random.u64(0..GIB_PAGES) * PAGE;
                map.push(Call { iova: START + next * PAGE, storage, pages });
                next += pages;
            }
            unmap.push(Self::call(first, next - first));
        }
        Self { name: "scatter list".into(), pages: None, cold: false, map, unmap, translate: Vec::new() }
    }

    /// Calls of `pages` pages each in new tables, 1 MiB apart or more, so that each one makes a page table.
    fn cold(pages: u64) -> Self {
        let stride = pages.next_multiple_of(256);
        let calls = (64 * 256 / stride).max(1);
        let map: Vec<Call> = (0..calls).map(|call| Self::call(call * stride, pages)).collect();
        let name = format!("{}, new tables", name(pages));
        Self { name, pages: None, cold: true, unmap: map.clone(), map, translate: Vec::new() }
    }

    fn call(page: u64, pages: u64) -> Call {
        Call { iova: START + page * PAGE, storage: STORAGE + page * PAGE, pages }
    }

    /// Pages that a sample maps.
    pub(crate) fn total_pages(&self) -> u64 {
        self.map.iter().map(|call| call.pages).sum()
    }
}

fn name(pages: u64) -> String {
    match pages {
        1 => "1 page".into(),
        pages => format!("{pages} pages"),
    }
}
