// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! DMA of a source of random numbers.

use core::fmt::{self, Write};

use s390_iommu::{Iova, Protection, PAGE_SIZE};
use zpci_tests::Stop;

use super::places::Places;
use super::recovery::{recover, recover_after_failure, Way};
use super::refusal::must_be_refused;
use crate::address_space::{AddressSpace, Mapped};
use crate::dma::Order;
use crate::facts::DeviceFact;
use crate::frames::Frames;
use crate::pci::PciFunction;
use crate::platform::Platform;
use crate::report::Report;
use crate::stop::{attempt, fail, must_survive};
use crate::virtio::Entropy;

const PAGE: usize = PAGE_SIZE as usize;

/// Bytes to ask for; less than a page, so that a write of too much is seen.
const REQUEST: usize = 256;

/// How many results a source gives.
pub(super) const PLAN: usize = 3;

/// A source that is up.
pub(super) struct EntropyCheck<'s, 'e, 'p, 'm, P: Platform, F, M: Frames> {
    space: &'s AddressSpace<'e, 'p, P>,
    /// What the driver shares with the device.
    memory: &'s Mapped<'s, 'e, 'p, P>,
    places: Places,
    source: Entropy<'e, 'm, F, M>,
}

type Case<'s, 'e, 'p, 'm, P, F, M> = (&'static str, fn(&mut EntropyCheck<'s, 'e, 'p, 'm, P, F, M>) -> Result<(), Stop>);

impl<'s, 'e, 'p, 'm, P: Platform, F: PciFunction, M: Frames> EntropyCheck<'s, 'e, 'p, 'm, P, F, M> {
    const CASES: [Case<'s, 'e, 'p, 'm, P, F, M>; PLAN] = [
        ("read-into-first-page", Self::read_into_first_page),
        ("read-into-last-page", Self::read_into_last_page),
        ("read-only-page-is-refused", Self::read_only_page),
    ];

    /// Reports one case after the other.
    pub(super) fn run<W: Write>(
        space: &'s AddressSpace<'e, 'p, P>,
        memory: &'s Mapped<'s, 'e, 'p, P>,
        source: Entropy<'e, 'm, F, M>,
        report: &mut Report<W>,
    ) -> fmt::Result {
        let mut check = Self { space, memory, places: Places::of(space.aperture()), source };
        report.diagnostic(DeviceFact { id: space.function().function().id, kind: "virtio-rng", identity: None })?;
        for (name, case) in Self::CASES {
            let result = attempt(space.function().platform(), || case(&mut check));
            if result.is_err() {
                recover_after_failure(space, memory, || check.source.restart());
            }
            report.case(name, result)?;
        }
        Ok(())
    }

    fn read_into_first_page(&mut self) -> Result<(), Stop> {
        self.read_twice(self.places.first_page)
    }

    fn read_into_last_page(&mut self) -> Result<(), Stop> {
        self.read_twice(self.places.last_page)
    }

    /// Two answers are not alike, and neither reaches further than the device says.
    fn read_twice(&mut self, start: Iova) -> Result<(), Stop> {
        let page = self.page(start, Protection::ReadWrite)?;
        let (one, other) = (self.read(&page)?, self.read(&page)?);
        if one == other {
            return Err(fail("the device gave the same random numbers twice"));
        }
        page.release()
    }

    fn read_only_page(&mut self) -> Result<(), Stop> {
        must_survive(self.space.function().platform())?;
        let page = self.page(self.places.pages, Protection::ReadOnly)?;
        // What is pending is of something else.
        let _ = self.space.function().error_event();
        let result = self.source.read(page.iova(0), REQUEST as u32).map(drop);
        must_be_refused(self.space, &page, "a read-only page", result)?;
        recover(self.space, self.memory, Way::ResetError, || self.source.restart())?;
        page.release()?;
        self.read_into_last_page()
    }

    fn read(&mut self, page: &Mapped<'s, 'e, 'p, P>) -> Result<[u8; REQUEST], Stop> {
        page.fill(0xa5).map_err(fail)?;
        let written = self
            .source
            .read(page.iova(0), REQUEST as u32)
            .map_err(|error| self.space.explain("random numbers", page.range(), error))?;
        let mut answer = [0; REQUEST];
        page.read(0, &mut answer).map_err(fail)?;
        let (random, behind) = answer.split_at_mut((written as usize).min(REQUEST));
        // Sixteen bytes that all happen to be 0xa5 do not happen.
        if random.len() < 16 || random.iter().all(|byte| *byte == 0xa5) {
            return Err(fail(format_args!(
                "the device says that it wrote {written} bytes, and the page says otherwise"
            )));
        }
        let mut untouched = written as usize <= REQUEST && behind.iter().all(|byte| *byte == 0xa5);
        behind.fill(0);
        let mut piece = [0; REQUEST];
        for at in (REQUEST..PAGE).step_by(REQUEST) {
            page.read(at, &mut piece).map_err(fail)?;
            untouched &= piece == [0xa5; REQUEST];
        }
        if !untouched {
            return Err(fail(format_args!("the device wrote more than the {REQUEST} bytes it was asked for")));
        }
        Ok(answer)
    }

    fn page(&self, start: Iova, protection: Protection) -> Result<Mapped<'s, 'e, 'p, P>, Stop> {
        self.space.buffer(start, PAGE, Order::Descending, protection)
    }
}
