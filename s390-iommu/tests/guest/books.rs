// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A host that keeps books of every page, and takes nothing that a real one would not.

use std::collections::BTreeMap;

use s390_iommu::guest::{Exhausted, Mapped, Mappings, RefreshNumber, Run};
use s390_iommu::{AbsoluteAddress, Iova, IovaRange, Protection};

#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// By I/O virtual address: absolute address, read only, refresh.
    pub(crate) pages: BTreeMap<u64, (u64, bool, u64)>,
    /// Pages that may be mapped.
    pub(crate) limit: Option<usize>,
    /// Whether mappings that go on are told as one.
    pub(crate) joins: bool,
    /// Calls that changed something: what, first address, number of pages.
    pub(crate) calls: Vec<(Call, u64, u64)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Map,
    Unmap,
    Protect,
}

impl Books {
    /// What leads where.
    pub(crate) fn view(&self) -> BTreeMap<u64, (u64, bool)> {
        self.pages.iter().map(|(iova, (absolute, read_only, _))| (*iova, (*absolute, *read_only))).collect()
    }

    fn note(&mut self, call: Call, range: IovaRange) {
        self.calls.push((call, range.start().get(), range.pages()));
    }
}

fn run(iova: u64, absolute: u64, read_only: bool, pages: u64) -> Run {
    Run {
        range: IovaRange::with_size(Iova::new(iova), pages * 4096).unwrap(),
        absolute: AbsoluteAddress::new(absolute),
        protection: if read_only { Protection::ReadOnly } else { Protection::ReadWrite },
    }
}

impl Mappings for Books {
    fn first_in(&self, range: IovaRange) -> Option<Mapped> {
        let (&iova, &(absolute, read_only, number)) =
            self.pages.range(range.start().get()..=range.last().get()).next()?;
        let (mut first, mut pages) = (iova, 1);
        if self.joins {
            let goes_on = |from: u64, by: i64| {
                let wanted = (absolute.wrapping_add_signed(from.wrapping_sub(iova) as i64), read_only, number);
                self.pages.get(&from) == Some(&wanted) && by != 0
            };
            while first >= 4096 && goes_on(first - 4096, -1) {
                first -= 4096;
                pages += 1;
            }
            // Behind the last page of 2^64 there is none.
            while first.checked_add(pages * 4096).is_some_and(|next| goes_on(next, 1)) {
                pages += 1;
            }
        }
        let absolute = absolute.wrapping_sub(iova - first);
        Some(Mapped { run: run(first, absolute, read_only, pages), refresh: RefreshNumber(number) })
    }

    fn map(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
        assert!(run.absolute.is_aligned(4096), "{run:?}");
        let pages = run.range.pages() as usize;
        if self.limit.is_some_and(|limit| self.pages.len() + pages > limit) {
            return Err(Exhausted);
        }
        for offset in (0..run.range.pages()).map(|page| page * 4096) {
            let page = (run.absolute.get().wrapping_add(offset), run.protection == Protection::ReadOnly, refresh.0);
            let before = self.pages.insert(run.range.start().get() + offset, page);
            assert_eq!(before, None, "mapped twice: {run:?}");
        }
        self.note(Call::Map, run.range);
        Ok(())
    }

    fn unmap(&mut self, range: IovaRange) {
        let before = self.pages.len();
        self.pages.retain(|iova, _| !range.contains_iova(Iova::new(*iova)));
        assert_ne!(self.pages.len(), before, "nothing to unmap in {range}");
        self.note(Call::Unmap, range);
    }

    fn protect(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
        for offset in (0..run.range.pages()).map(|page| page * 4096) {
            let page = self.pages.get_mut(&(run.range.start().get() + offset)).unwrap();
            assert_eq!((page.0, page.2), (run.absolute.get() + offset, refresh.0));
            page.1 = run.protection == Protection::ReadOnly;
        }
        self.note(Call::Protect, run.range);
        Ok(())
    }
}
