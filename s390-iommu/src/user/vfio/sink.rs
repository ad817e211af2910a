// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where capabilities go to, one after the other.

use core::iter;

use zerocopy::{Immutable, IntoBytes};

use super::byte_order::SwapBytes;

/// A structure of which every byte has a field, so that it can be handed out as bytes.
pub trait Bytes: IntoBytes + Immutable + SwapBytes {}

impl<T: IntoBytes + Immutable + SwapBytes> Bytes for T {}

/// Takes capabilities in the order of the chain: a [`Chain`](super::Chain) in memory, or a kernel.
pub trait Sink {
    /// Why a capability is not taken.
    type Error;

    /// Takes a capability, which starts with its header, and the entries that belong to it.
    ///
    /// The field [`next`](super::CapabilityHeader::next) of the header is the sink's affair.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the capability is not taken.
    fn append_with<C: Bytes, E: Bytes>(
        &mut self,
        capability: C,
        entries: impl Iterator<Item = E> + Clone,
    ) -> Result<(), Self::Error>;

    /// Takes a capability without entries.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the capability is not taken.
    fn append<C: Bytes>(&mut self, capability: C) -> Result<(), Self::Error> {
        self.append_with(capability, iter::empty::<C>())
    }

    /// Declares that a caller whose buffer does not hold what comes from now on gets what came before.
    fn begin_optional(&mut self) {}
}
