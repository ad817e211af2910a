// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Domains that are mapped together: what is mapped in one is mapped in all.

use clp::{FunctionGroup, FunctionGroupId};

use crate::format::range::IovaRange;
use crate::user::attribute::MsiWindow;
use crate::user::domain::{Domain, DomainFunction};
use crate::user::gaps::{IovaRun, IovaRuns};
use crate::user::members::{Distinct, Formats, Functions, Groups, Windows};
use crate::user::table_format::{FormatError, TableFormat};

/// The domains of a container, over which `D` iterates.
///
/// Nothing is stored: what user space learns follows from the domains, each time it asks. No domain is refused; a container
/// whose domains have several formats reports all of them. Whether a further domain would add one,
/// [`check_one_format`](Self::check_one_format) reports to those who want to promise that there is none.
#[derive(Clone, Copy, Debug)]
pub struct Container<D> {
    domains: D,
}

impl<'a, D, F> Container<D>
where
    D: Iterator<Item = Domain<'a, F>> + Clone,
    F: Iterator<Item = DomainFunction> + Clone,
{
    /// Makes a container of `domains`.
    pub const fn new(domains: D) -> Self {
        Self { domains }
    }

    /// Returns the domains.
    pub fn domains(&self) -> D {
        self.domains.clone()
    }

    /// Returns the functions of all domains.
    pub fn functions(&self) -> impl Iterator<Item = DomainFunction> + Clone + use<'a, D, F> {
        Functions::of(self.domains())
    }

    /// Returns whether no function is in the container, so that there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.functions().next().is_none()
    }

    /// Returns the formats of the tables, each once, in the order of the domains.
    pub fn formats(&self) -> impl Iterator<Item = TableFormat> + Clone + use<'a, D, F> {
        Distinct::of(Formats(self.domains()))
    }

    /// Checks that a domain of the format `joining` leaves the container with one format.
    ///
    /// # Errors
    ///
    /// The first difference from a format of the container, see [`TableFormat::check_same`].
    pub fn check_one_format(&self, joining: &TableFormat) -> Result<(), FormatError> {
        self.formats().try_for_each(|format| format.check_same(joining))
    }

    /// Returns the groups of the functions, each identifier once.
    pub fn groups(&self) -> impl Iterator<Item = (FunctionGroupId, FunctionGroup)> + Clone + use<'a, D, F> {
        Groups::of(self.domains())
    }

    /// Returns where the functions write interrupts to, each window once.
    pub fn msi_windows(&self) -> impl Iterator<Item = MsiWindow> + Clone + use<'a, D, F> {
        Distinct::of(Windows(Groups::of(self.domains())))
    }

    /// Returns all addresses by the reasons not to map them, lowest first; none if the container is empty.
    pub fn runs(&self) -> IovaRuns<D> {
        if self.is_empty() {
            IovaRuns::none(self.domains())
        } else {
            IovaRuns::new(self.domains())
        }
    }

    /// Returns the addresses that may be mapped, lowest first, no two of which touch.
    pub fn usable(&self) -> impl Iterator<Item = IovaRange> + Clone + use<'a, D, F> {
        self.runs().filter(|run| run.reasons.is_none()).map(|run| run.range)
    }

    /// Returns the addresses that may not be mapped and why, lowest first: all that [`Self::usable`] leaves out.
    pub fn gaps(&self) -> impl Iterator<Item = IovaRun> + Clone + use<'a, D, F> {
        self.runs().filter(|run| !run.reasons.is_none())
    }
}
