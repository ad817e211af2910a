// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capabilities of a container.

use super::array::{Array, Entry};
use super::sink::Sink;
use super::{
    FunctionEntry, GapEntry, GroupEntry, IovaRangeEntry, IovaRanges, MsiCapability, MsiWindowEntry, TableFormatEntry,
};
use crate::user::container::Container;
use crate::user::domain::{Domain, DomainFunction};

impl<'a, D, F> Container<D>
where
    D: Iterator<Item = Domain<'a, F>> + Clone,
    F: Iterator<Item = DomainFunction> + Clone,
{
    /// Adds what VFIO_IOMMU_GET_INFO reports of the container to `sink`.
    ///
    /// The addresses that may be mapped, and all of [`Self::append_own_to`], which is optional. An empty container adds
    /// nothing.
    ///
    /// # Errors
    ///
    /// The first error of `sink`.
    pub fn append_to<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if !self.is_empty() {
            let usable = self.usable().map(IovaRangeEntry::from);
            sink.append_with(IovaRanges::of(usable.clone()), usable)?;
        }
        sink.begin_optional();
        self.append_own_to(sink)
    }

    /// Adds what type1 does not report by itself, which is all but the addresses that may be mapped, to `sink`.
    ///
    /// In this order, so that what grows with the number of functions comes last: the table formats, the interrupts, the
    /// gaps, the groups, the functions. Each is one capability. What does not apply is left out; an empty container adds
    /// nothing. Only functions of the container are in it.
    ///
    /// # Errors
    ///
    /// The first error of `sink`.
    pub fn append_own_to<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if self.is_empty() {
            return Ok(());
        }
        append_array(sink, self.formats().map(|format| TableFormatEntry::new(&format)))?;
        let page_sizes = self.formats().map(|format| format.frame_sizes.bitmap());
        let interrupts = MsiCapability::new(self.msi_windows(), page_sizes);
        if interrupts.nr_windows != 0 {
            sink.append_with(interrupts, self.msi_windows().map(MsiWindowEntry::from))?;
        }
        append_array(sink, self.gaps().map(GapEntry::from))?;
        append_array(sink, self.groups().map(|(id, group)| GroupEntry::new(id, &group)))?;
        append_array(sink, self.function_entries())
    }

    /// Encodes the functions, with the index of their format in the array of formats.
    fn function_entries(&self) -> FunctionEntries<D, F> {
        FunctionEntries { container: self.clone(), domains: self.domains(), current: None }
    }
}

/// The entries of all functions; a type with a name for a short symbol, see [`members`](crate::user::members).
#[derive(Clone, Debug)]
struct FunctionEntries<D, F> {
    container: Container<D>,
    domains: D,
    /// The functions of a domain, and the index of its format.
    current: Option<(F, u16)>,
}

impl<'a, D, F> Iterator for FunctionEntries<D, F>
where
    D: Iterator<Item = Domain<'a, F>> + Clone,
    F: Iterator<Item = DomainFunction> + Clone,
{
    type Item = FunctionEntry;

    fn next(&mut self) -> Option<FunctionEntry> {
        loop {
            if let Some((functions, index)) = &mut self.current {
                if let Some(function) = functions.next() {
                    return Some(FunctionEntry::new(&function, *index));
                }
            }
            let Domain { format, functions, .. } = self.domains.next()?;
            let index = self.container.formats().position(|known| known == format).unwrap_or(0);
            self.current = Some((functions, u16::try_from(index).unwrap_or(u16::MAX)));
        }
    }
}

/// Adds an array, unless it has no entries.
fn append_array<S: Sink, E: Entry>(sink: &mut S, entries: impl Iterator<Item = E> + Clone) -> Result<(), S::Error> {
    let array = Array::of(entries.clone());
    if array.nr_entries == 0 {
        return Ok(());
    }
    sink.append_with(array, entries)
}
