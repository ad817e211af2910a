// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is mapped on the host for a function of the guest.

use core::fmt;

use crate::format::address::AbsoluteAddress;
use crate::format::frame::Protection;
use crate::format::range::IovaRange;

/// What is mapped on the host for one registration of a function: the books that the VMM keeps, and the calls by which it
/// maps and unmaps.
///
/// What the guest's tables say reaches the device through this trait alone. With VFIO, [`map`](Self::map) pins storage of
/// the guest and [`unmap`](Self::unmap) lets go of it. A refresh may unmap a part of what one `map` made. Type1 refuses
/// to cut a mapping, so there a run is mapped page by page.
pub trait Mappings {
    /// Returns the mapping with the lowest address that has a page in `range`; it may reach out of the range.
    fn first_in(&self, range: IovaRange) -> Option<Mapped>;

    /// Maps `run`, of which nothing is mapped, for `refresh`.
    ///
    /// Addresses at which the guest has no storage stay unmapped and are no error: QEMU takes such an entry (measured),
    /// and the device's access fails.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the host cannot map more; nothing of the run is mapped then.
    fn map(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted>;

    /// Unmaps whatever is mapped in `range`. The device reaches nothing there afterwards.
    fn unmap(&mut self, range: IovaRange);

    /// Changes what the device may do with `run`, all of which is mapped to the same storage otherwise.
    ///
    /// VFIO has no call for it: unless it is overridden, the run is unmapped and mapped anew. `refresh` is the number that
    /// the mapping has and keeps.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the host cannot map it again; nothing of the run is mapped then.
    fn protect(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
        self.unmap(run.range);
        self.map(run, refresh)
    }
}

/// Pages with addresses in a row that lead to storage in a row.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Run {
    /// I/O virtual addresses.
    pub range: IovaRange,
    /// Where the first of them leads in the guest's storage, a multiple of 4 KiB.
    pub absolute: AbsoluteAddress,
    /// What the device may do with it.
    pub protection: Protection,
}

impl Run {
    /// What of the run lies in `range`; `None` if that is nothing.
    pub fn within(&self, range: IovaRange) -> Option<Self> {
        let part = self.range.intersection(range)?;
        // The start of the part is not below that of the run.
        let offset = part.start().get().wrapping_sub(self.range.start().get());
        let absolute = AbsoluteAddress::new(self.absolute.get().wrapping_add(offset));
        Some(Self { range: part, absolute, ..*self })
    }
}

/// Which refresh of a function made a mapping; a VMM keeps it with the mapping and does not join mappings in which it
/// differs.
///
/// By it a refresh that the host ends takes back what it mapped, and nothing else.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RefreshNumber(pub u64);

/// A mapping on the host.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Mapped {
    /// What leads where.
    pub run: Run,
    /// What [`Mappings::map`] was given with it.
    pub refresh: RefreshNumber,
}

/// The host cannot map more: its limit of mappings or of pinned storage is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host cannot map more")
    }
}

impl core::error::Error for Exhausted {}
