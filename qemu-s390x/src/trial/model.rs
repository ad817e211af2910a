// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What `s390_iommu::guest` makes of the same instructions: a function of a guest, and what is mapped for it.

use clp::{ConditionCode, FunctionHandle};
use s390_iommu::guest::{
    Answer, Configuration, Effect, End, Exhausted, FunctionControls, Mapped, Mappings, Mpcifc, RefreshNumber,
    Refreshed, Rpcit, Run, Stpcifc,
};
use s390_iommu::{AbsoluteAddress, Fib, Iova, IovaRange, Protection};

use super::tables::{Storage, FIRST, FRAME, PAGES, QUEUE};

/// Addresses that differ by this lead through the same entries of a region-third table.
pub(super) const WRAP: u64 = 1 << 42;

/// Pages behind those that entries lead to: a refresh that starts within a frame of 1 MiB goes on behind it under QEMU.
const BEHIND: u64 = 512;

/// First addresses of the pages that can be mapped, and how many there are.
const BANKS: [(u64, u64); 3] = [(QUEUE, 1), (FIRST, PAGES + BEHIND), (FIRST + WRAP, PAGES + BEHIND)];
const ALL: usize = 1 + 2 * (PAGES + BEHIND) as usize;

/// A function of a guest.
#[derive(Debug)]
pub(super) struct Model {
    controls: FunctionControls,
    pages: Pages,
}

/// Where a page leads: the absolute address and, in the bits that it does not have, that it is mapped and that it is
/// protected. The stack is small.
#[derive(Clone, Copy, Debug)]
struct Page(u64);

impl Page {
    const NOT_MAPPED: Self = Self(0);
    const MAPPED: u64 = 1;
    const PROTECTED: u64 = 2;

    fn of(absolute: u64, protection: Protection) -> Self {
        let protected = if protection == Protection::ReadOnly { Self::PROTECTED } else { 0 };
        Self(absolute & !(FRAME - 1) | protected | Self::MAPPED)
    }

    fn get(self) -> Option<(u64, Protection)> {
        let is_protected = self.0 & Self::PROTECTED != 0;
        let protection = if is_protected { Protection::ReadOnly } else { Protection::ReadWrite };
        (self.0 & Self::MAPPED != 0).then_some((self.0 & !(FRAME - 1), protection))
    }
}

/// What is mapped, page by page.
#[derive(Debug)]
struct Pages {
    pages: [Page; ALL],
    /// Pages that were to be mapped and have no place.
    lost: u64,
}

impl Model {
    pub(super) const fn new(handle: FunctionHandle, configuration: Configuration) -> Self {
        let pages = Pages { pages: [Page::NOT_MAPPED; ALL], lost: 0 };
        Self { controls: FunctionControls::new(handle, configuration), pages }
    }

    pub(super) const fn controls(&self) -> &FunctionControls {
        &self.controls
    }

    /// Pages that were mapped where none can be.
    pub(super) const fn lost(&self) -> u64 {
        self.pages.lost
    }

    pub(super) fn enable(&mut self, handle: FunctionHandle) {
        self.controls.enable(handle);
    }

    pub(super) fn disable(&mut self, handle: FunctionHandle) {
        if self.controls.disable(handle) == Effect::Deregistered {
            self.pages.clear();
        }
    }

    /// Takes over an error that the device made.
    pub(super) fn fail(&mut self, event: &s390_iommu::ErrorEvent) -> s390_iommu::ErrorEvent {
        self.controls.fail(event.code(), event.iova())
    }

    pub(super) fn mpcifc(&mut self, register: u64, fib: &Fib, address: u64) -> Answer {
        let request = match Mpcifc::decode(register, address) {
            Ok(request) => request,
            Err(refused) => return refused,
        };
        let (answer, effect) = self.controls.modify(&request, fib);
        if matches!(effect, Effect::Registered(_) | Effect::Deregistered | Effect::Reregistered(_)) {
            self.pages.clear();
        }
        answer
    }

    pub(super) fn stpcifc(&self, register: u64, address: u64) -> (Answer, Option<Fib>) {
        match Stpcifc::decode(register, address) {
            Ok(request) => self.controls.store(&request),
            Err(refused) => (refused, None),
        }
    }

    pub(super) fn rpcit(&mut self, register: u64, is_odd: bool, start: u64, length: u64) -> Answer {
        let request = match Rpcit::decode(register, u8::from(is_odd), [start, length]) {
            Ok(request) => request,
            Err(refused) => return refused,
        };
        let mut progress = self.controls.refresh(&request);
        loop {
            match progress {
                Refreshed::Done(answer) => return answer,
                Refreshed::More(pending) => {
                    progress = self.controls.proceed(pending, &Storage, &mut self.pages, u64::MAX);
                }
            }
        }
    }

    /// Where a page leads the device to, and whether it may write there.
    pub(super) fn translate(&self, iova: u64) -> Option<(u64, Protection)> {
        self.pages.pages.get(place(iova)?)?.get()
    }
}

/// Where the page of an address has its place.
fn place(iova: u64) -> Option<usize> {
    let mut before = 0;
    for (first, count) in BANKS {
        if let Some(page) = iova.checked_sub(first).map(|offset| offset / FRAME).filter(|page| *page < count) {
            return Some((before + page) as usize);
        }
        before += count;
    }
    None
}

impl Pages {
    fn clear(&mut self) {
        self.pages.fill(Page::NOT_MAPPED);
    }

    /// The addresses of pages of `range` that can be mapped, in ascending order.
    fn of(range: IovaRange) -> impl Iterator<Item = u64> {
        BANKS.into_iter().flat_map(move |(first, count)| {
            let start = range.start().get().max(first);
            let last = range.last().get().min(first + count * FRAME - 1);
            let pages = (last + 1).saturating_sub(start) / FRAME;
            (0..pages).map(move |page| start + page * FRAME)
        })
    }
}

impl Mappings for Pages {
    fn first_in(&self, range: IovaRange) -> Option<Mapped> {
        Self::of(range).find_map(|iova| {
            let (absolute, protection) = self.pages.get(place(iova)?)?.get()?;
            let absolute = AbsoluteAddress::new(absolute);
            let run = Run { range: IovaRange::page(Iova::new(iova)), absolute, protection };
            // No refresh is taken back: there is always room.
            Some(Mapped { run, refresh: RefreshNumber(0) })
        })
    }

    fn map(&mut self, run: Run, _: RefreshNumber) -> Result<(), Exhausted> {
        let mut mapped = 0;
        for iova in Self::of(run.range) {
            let absolute = run.absolute.get().wrapping_add(iova - run.range.start().get());
            if let Some(place) = place(iova).and_then(|place| self.pages.get_mut(place)) {
                *place = Page::of(absolute, run.protection);
                mapped += 1;
            }
        }
        self.lost += run.range.pages() - mapped;
        Ok(())
    }

    fn unmap(&mut self, range: IovaRange) {
        for iova in Self::of(range) {
            if let Some(place) = place(iova).and_then(|place| self.pages.get_mut(place)) {
                *place = Page::NOT_MAPPED;
            }
        }
    }
}

/// Whether an answer is condition code 0.
pub(super) fn is_done(answer: &Answer) -> bool {
    answer.end == End::Condition(ConditionCode::Zero)
}
