// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Domains that are mapped together: what is mapped for one is mapped for all.

use core::fmt;

use clp::FunctionId;

use crate::format::range::IovaRange;
use crate::user::attribute::{GroupFacts, MsiWindow, RefreshOnMap};
use crate::user::domain::{AttachedFunction, Domain, DomainId};
use crate::user::table_format::{FormatError, TableFormat};
use crate::user::windows::{Run, Runs};

/// The domains of a container, in storage of the caller, whose length is how many there can be.
///
/// What user space is told follows from the domains that are attached, each time it asks. The table format is that of
/// the first domain, and as long as one is attached, none of another format is let in.
#[derive(Debug)]
pub struct Container<'s, 'a> {
    domains: &'s mut [Option<Domain<'a>>],
}

impl<'s, 'a> Container<'s, 'a> {
    /// A container of the domains that `domains` holds, usually none; it can hold as many as there are elements.
    pub const fn new(domains: &'s mut [Option<Domain<'a>>]) -> Self {
        Self { domains }
    }

    /// Attaches `domain`, unless something that user space was told or has mapped would no longer hold.
    ///
    /// `mapped` is what user space has mapped.
    ///
    /// # Errors
    ///
    /// Nothing is changed by an error.
    ///
    /// * [`AttachError::Attached`] if there is a domain of that name.
    /// * [`AttachError::Full`] if there is no room for one more.
    /// * [`AttachError::Window`] if the aperture is not all within what each of its functions can address.
    /// * [`AttachError::Function`] if one of its functions does not take the format of the domain.
    /// * [`AttachError::Format`] if the format of the domain is not that of the container.
    /// * [`AttachError::Mapped`] if addresses that are mapped could not be mapped any longer.
    /// * [`AttachError::NoAddress`] if no address could be mapped at all.
    pub fn attach(&mut self, domain: Domain<'a>, mapped: &[IovaRange]) -> Result<(), AttachError> {
        if self.domains().any(|attached| attached.id == domain.id) {
            return Err(AttachError::Attached(domain.id));
        }
        check_functions(&domain)?;
        if let Some(format) = self.format() {
            format.check_same(&domain.format).map_err(AttachError::Format)?;
        }
        if let Some(&lost) = mapped.iter().find(|&&range| !may_be_mapped(&domain, range)) {
            return Err(AttachError::Mapped(lost));
        }
        let most = self.domains.len();
        let slot = self.domains.iter_mut().find(|slot| slot.is_none()).ok_or(AttachError::Full(most))?;
        *slot = Some(domain);
        if self.usable().next().is_none() {
            self.detach(domain.id);
            return Err(AttachError::NoAddress);
        }
        Ok(())
    }

    /// Detaches the domain `id` and returns it; nothing where there is none of that name.
    ///
    /// What only this domain could not map can be mapped again.
    #[inline(never)]
    pub fn detach(&mut self, id: DomainId) -> Option<Domain<'a>> {
        self.domains.iter_mut().find(|slot| slot.is_some_and(|domain| domain.id == id)).and_then(Option::take)
    }

    /// The domains, in no order that means anything.
    pub fn domains(&self) -> impl Iterator<Item = &Domain<'a>> + Clone + '_ {
        self.domains.iter().filter_map(Option::as_ref)
    }

    /// The functions of all domains.
    pub fn functions(&self) -> impl Iterator<Item = &'a AttachedFunction> + Clone + '_ {
        self.domains().flat_map(|domain| domain.functions)
    }

    /// The groups of the functions, each once, and whether it wants a refresh when a translation becomes valid.
    pub fn groups(&self) -> impl Iterator<Item = (GroupFacts, RefreshOnMap)> + Clone + use<'_, 's, 'a> {
        self.distinct(|function| Some((function.get_attr()?, function.get_attr()?)))
    }

    /// Where the functions write interrupts to, each window once.
    pub fn msi_windows(&self) -> impl Iterator<Item = MsiWindow> + Clone + use<'_, 's, 'a> {
        self.distinct(|function| function.get_attr())
    }

    /// What the functions have, each value once.
    fn distinct<T, F>(&self, value: F) -> impl Iterator<Item = T> + Clone + use<'_, 's, 'a, T, F>
    where
        T: PartialEq,
        F: Fn(&AttachedFunction) -> Option<T> + Copy,
    {
        self.functions().enumerate().filter_map(move |(before, function)| {
            let found = value(function)?;
            let is_known = self.functions().take(before).filter_map(value).any(|known| known == found);
            (!is_known).then_some(found)
        })
    }

    /// The tables that every domain may use, the same for all; nothing where there is no domain.
    pub fn format(&self) -> Option<TableFormat> {
        self.domains().next().map(|domain| domain.format)
    }

    /// All addresses by the reasons not to map them, lowest first; nothing where there is no domain.
    pub fn runs(&self) -> Runs<'_> {
        if self.format().is_some() {
            Runs::new(self.domains)
        } else {
            Runs::NONE
        }
    }

    /// The addresses that may be mapped, lowest first, no two of which touch.
    pub fn usable(&self) -> impl Iterator<Item = IovaRange> + Clone + '_ {
        self.runs().filter(|run| run.reasons.is_none()).map(|run| run.range)
    }

    /// The addresses that may not be mapped and why, lowest first: all that [`Self::usable`] leaves out.
    pub fn gaps(&self) -> impl Iterator<Item = Run> + Clone + '_ {
        self.runs().filter(|run| !run.reasons.is_none())
    }
}

#[inline(never)]
fn check_functions(domain: &Domain<'_>) -> Result<(), AttachError> {
    for attached in domain.functions {
        let function = attached.function.id;
        if !attached.limits().is_some_and(|limits| limits.window.contains(domain.aperture)) {
            return Err(AttachError::Window(function));
        }
        if let Some(found) = attached.get_attr::<TableFormat>() {
            domain.format.check_within(&found).map_err(|error| AttachError::Function { function, error })?;
        }
    }
    Ok(())
}

fn may_be_mapped(domain: &Domain<'_>, range: IovaRange) -> bool {
    domain.aperture.contains(range) && domain.reserved_regions().all(|it| it.range.intersection(range).is_none())
}

/// Why a domain was not attached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AttachError {
    /// A domain of that name is attached.
    Attached(DomainId),
    /// There are as many domains as there can be.
    Full(usize),
    /// The function cannot address all of the aperture.
    Window(FunctionId),
    /// The function does not take the format of the domain.
    Function {
        /// Which one.
        function: FunctionId,
        /// What it does not take.
        error: FormatError,
    },
    /// The format of the domain is not that of the container, which user space was told.
    Format(FormatError),
    /// Addresses that are mapped, but could not be any longer.
    Mapped(IovaRange),
    /// No address could be mapped for all domains.
    NoAddress,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attached(id) => write!(f, "domain {:#x} is attached", id.0),
            Self::Full(most) => write!(f, "{most} domains are attached, and there is no room for more"),
            Self::Window(function) => write!(f, "function {function} cannot address all of the aperture"),
            Self::Function { function, error } => write!(f, "function {function} does not suit the domain: {error}"),
            Self::Format(error) => write!(f, "the domain does not suit the container: {error}"),
            Self::Mapped(range) => write!(f, "{range} is mapped, and the domain cannot map it"),
            Self::NoAddress => f.write_str("no address could be mapped for all domains"),
        }
    }
}

impl core::error::Error for AttachError {}
