// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The groups of a guest, with identifiers that do not clash.

use super::{GuestGroup, Virtualization};
use crate::id::FunctionGroupId;
use crate::value::{FunctionGroup, FunctionGroupError};
use core::fmt;

/// The groups of a guest, `N` at most; 256 identifiers are all there are.
///
/// Groups meet from several sources: the host that a function comes from, another host after a migration, the VMM for
/// its emulated functions. A group keeps its identifier where it can. Where a group with other values has it already, the
/// guest gets to know the group by an identifier that is free.
#[derive(Clone, Copy, Debug)]
pub struct Groups<const N: usize> {
    groups: [Option<GuestGroup>; N],
    /// The identifier that the group in the same place has where it comes from.
    origins: [FunctionGroupId; N],
}

impl<const N: usize> Groups<N> {
    /// No group.
    pub const fn new() -> Self {
        Self { groups: [None; N], origins: [FunctionGroupId(0); N] }
    }

    /// Adds a group that is known as `origin` where it comes from, and returns the identifier that the guest knows it by:
    /// what goes into [`Passthrough::group`](super::Passthrough::group), or the group of an emulated function.
    ///
    /// `virtualization` is what the VMM does itself for the functions of the group. A group with the same origin of which the
    /// guest is told the same values is the same group, and is there once.
    ///
    /// # Errors
    ///
    /// [`GroupsError::Group`], [`GroupsError::Full`] with nothing changed.
    pub fn add(
        &mut self,
        origin: FunctionGroupId,
        group: &FunctionGroup,
        virtualization: &Virtualization,
    ) -> Result<FunctionGroupId, GroupsError> {
        let wanted = GuestGroup::new(origin, group, virtualization)?;
        let known = self.groups.iter().zip(&self.origins).find_map(|(present, &from)| {
            present.filter(|present| from == origin && present.response() == wanted.response())
        });
        if let Some(known) = known {
            return Ok(known.id());
        }
        let id = self.free_id(origin).ok_or(GroupsError::Full { capacity: N })?;
        let mut places = self.groups.iter_mut().zip(&mut self.origins);
        let (place, from) = places.find(|(place, _)| place.is_none()).ok_or(GroupsError::Full { capacity: N })?;
        *place = Some(wanted.renamed(id));
        *from = origin;
        Ok(id)
    }

    /// Takes the group out that the guest knows as `id`, when no function of the guest is in it any more; returns whether
    /// there was one.
    pub fn remove(&mut self, id: FunctionGroupId) -> bool {
        let place = self.groups.iter_mut().find(|place| place.is_some_and(|group| group.id() == id));
        place.and_then(Option::take).is_some()
    }

    /// The groups, for [`Responder::groups`](super::Responder::groups).
    pub const fn as_slice(&self) -> &[Option<GuestGroup>] {
        &self.groups
    }

    /// `wanted`, or else the highest identifier that is free.
    fn free_id(&self, wanted: FunctionGroupId) -> Option<FunctionGroupId> {
        let others = (0..=u8::MAX).rev().map(FunctionGroupId);
        core::iter::once(wanted).chain(others).find(|&id| self.groups.iter().flatten().all(|group| group.id() != id))
    }
}

impl<const N: usize> Default for Groups<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a group was not added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum GroupsError {
    /// The group has a value that no group can have.
    Group(FunctionGroupError),
    /// There is no place or no identifier left.
    Full {
        /// Number of places.
        capacity: usize,
    },
}

impl From<FunctionGroupError> for GroupsError {
    fn from(error: FunctionGroupError) -> Self {
        Self::Group(error)
    }
}

impl fmt::Display for GroupsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(error) => error.fmt(f),
            Self::Full { capacity } => write!(f, "no place for another group beside {capacity}"),
        }
    }
}

impl core::error::Error for GroupsError {}
