// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which addresses may be mapped in all of several domains, and why the others may not.
//!
//! Nothing is stored: the runs follow from the domains alone, so there is no list that an attach could leave half
//! changed or a detach could leave too short, and no number of ranges that is too many.

use crate::format::address::Iova;
use crate::format::range::IovaRange;
use crate::user::domain::{Domain, DomainFunction};
use crate::user::reserved::Reasons;

/// Addresses that have the same reasons not to be mapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IovaRun {
    /// The addresses.
    pub range: IovaRange,
    /// Why they may not be mapped; none if they may.
    pub reasons: Reasons,
}

/// The runs of all 2^64 addresses, lowest first; two that touch differ in their reasons.
///
/// Addresses may be mapped when they lie in the aperture of every function and in no reserved region, of whatever kind.
/// Each run takes a look at every aperture and every region.
#[derive(Clone, Debug)]
pub struct IovaRuns<D> {
    domains: D,
    rest: Option<IovaRange>,
}

impl<'a, D, F> IovaRuns<D>
where
    D: Iterator<Item = Domain<'a, F>> + Clone,
    F: Iterator<Item = DomainFunction> + Clone,
{
    /// Returns no runs at all.
    pub(crate) const fn none(domains: D) -> Self {
        Self { domains, rest: None }
    }

    /// Returns the runs of `domains`, in any order; without any, all addresses are one run without a reason.
    pub const fn new(domains: D) -> Self {
        Self { domains, rest: Some(IovaRange::ALL) }
    }

    /// Cuts `rest` where a reason may come or go; the first part and the reasons of its first byte, and what remains.
    fn cut(&self, rest: IovaRange) -> (IovaRun, Option<IovaRange>) {
        let mut step = Step { at: rest.start(), last: rest.last(), reasons: Reasons::NONE };
        for domain in self.domains.clone() {
            for function in domain.functions.clone() {
                if !step.meet(function.aperture) {
                    step.reasons = step.reasons | Reasons::OUTSIDE;
                }
            }
            for region in domain.reserved_regions() {
                if step.meet(region.range) {
                    step.reasons = step.reasons | region.reasons;
                }
            }
        }
        let (range, rest) = rest.split_after(step.last);
        (IovaRun { range, reasons: step.reasons }, rest)
    }
}

/// How far from an address nothing changes.
struct Step {
    at: Iova,
    last: Iova,
    reasons: Reasons,
}

impl Step {
    /// Ends the step where `range` starts or ends; whether the range holds the address.
    fn meet(&mut self, range: IovaRange) -> bool {
        let inside = range.contains_iova(self.at);
        if inside {
            self.last = self.last.min(range.last());
        } else if self.at < range.start() {
            // A range that starts behind an address does not start at 0.
            self.last = self.last.min(Iova::new(range.start().get().wrapping_sub(1)));
        }
        inside
    }
}

impl<'a, D, F> Iterator for IovaRuns<D>
where
    D: Iterator<Item = Domain<'a, F>> + Clone,
    F: Iterator<Item = DomainFunction> + Clone,
{
    type Item = IovaRun;

    fn next(&mut self) -> Option<IovaRun> {
        let (mut run, mut rest) = self.cut(self.rest?);
        while let Some(following) = rest {
            let (next, after) = self.cut(following);
            if next.reasons != run.reasons {
                break;
            }
            run.range = run.range.hull(next.range);
            rest = after;
        }
        self.rest = rest;
        Some(run)
    }
}
