// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where capabilities go to, one after the other.

use core::iter;

use zerocopy::{Immutable, IntoBytes};

use super::array::Array;
use super::byte_order::SwapBytes;
use super::{
    CapabilityHeader, DmaAvailable, IovaRanges, Migration, MsiCapability, ProposedZpciBase, ProposedZpciGroup,
    ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString,
};

/// A structure of which every byte has a field, so that it can be handed out as bytes.
pub trait Bytes: IntoBytes + Immutable + SwapBytes {}

impl<T: IntoBytes + Immutable + SwapBytes> Bytes for T {}

/// A capability: a structure that starts with its header.
pub trait Capability: Bytes {
    /// Returns the header.
    fn header(&self) -> &CapabilityHeader;

    /// Returns the bytes behind the header.
    fn data(&self) -> &[u8] {
        self.as_bytes().get(size_of::<CapabilityHeader>()..).unwrap_or_default()
    }
}

/// Implements [`Capability`] for structures whose header is the named field, or that of the named field.
macro_rules! capability {
    ($($name:ty: $front:ident $(. $header:ident)?);* $(;)?) => {
        $(
            static_assertions::const_assert_eq!(core::mem::offset_of!($name, $front $(. $header)?), 0);

            impl Capability for $name {
                fn header(&self) -> &CapabilityHeader {
                    &self.$front $(. $header)?
                }
            }
        )*
    };
}

capability! {
    Array: header;
    DmaAvailable: header;
    IovaRanges: header;
    Migration: header;
    MsiCapability: header;
    ProposedZpciBase: base.header;
    ProposedZpciGroup: group.header;
    ZpciBase: header;
    ZpciGroup: header;
    ZpciPath: header;
    ZpciUtilityString: header;
}

/// Takes capabilities in the order of the chain: a [`Chain`](super::Chain) in memory, or a kernel.
pub trait Sink {
    /// Why a capability is not taken.
    type Error;

    /// Takes a capability, and the entries that belong to it.
    ///
    /// The field [`next`](super::CapabilityHeader::next) of the header is the sink's affair.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the capability is not taken.
    fn append_with<C: Capability, E: Bytes>(
        &mut self,
        capability: C,
        entries: impl Iterator<Item = E> + Clone,
    ) -> Result<(), Self::Error>;

    /// Takes a capability without entries.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the capability is not taken.
    fn append<C: Capability>(&mut self, capability: C) -> Result<(), Self::Error> {
        self.append_with(capability, iter::empty::<C>())
    }

    /// Declares that a caller whose buffer does not hold what comes from now on gets what came before.
    fn begin_optional(&mut self) {}
}
