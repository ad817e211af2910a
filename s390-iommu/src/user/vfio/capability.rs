// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Capabilities that are decoded.

use core::marker::PhantomData;

use zerocopy::{FromBytes, IntoBytes};

use super::array::{Array, Entry};
use super::byte_order::{ByteOrder, SwapBytes};
use super::{
    identifier, DmaAvailable, FunctionEntry, GapEntry, GroupEntry, IovaRangeEntry, IovaRanges, Migration,
    MsiCapability, MsiWindowEntry, RawCapability, TableFormatEntry, ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString,
};

/// A decoded capability of VFIO_IOMMU_GET_INFO, in the byte order of this machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum IommuCapability<'a> {
    /// Addresses that may be mapped.
    IovaRanges(Entries<'a, IovaRangeEntry>),
    /// Migration.
    Migration(Migration),
    /// Mappings that may still be made.
    DmaAvailable(DmaAvailable),
    /// Formats of the translation tables.
    TableFormats(Entries<'a, TableFormatEntry>),
    /// Interrupts.
    Msi(MsiCapability, Entries<'a, MsiWindowEntry>),
    /// Addresses that may not be mapped.
    Gaps(Entries<'a, GapEntry>),
    /// Groups of functions.
    Groups(Entries<'a, GroupEntry>),
    /// Functions.
    Functions(Entries<'a, FunctionEntry>),
}

impl<'a> IommuCapability<'a> {
    /// Decodes `raw`, `None` if the identifier or the version is unknown or the bytes are too few.
    ///
    /// Of the project's own capabilities every later version is decoded as far as the first one goes.
    pub fn new(raw: &RawCapability<'a>) -> Option<Self> {
        match (raw.header.id, raw.header.version) {
            (identifier::IOVA_RANGES, 1) => {
                let ranges: IovaRanges = raw.read()?;
                let entry_size = size_of::<IovaRangeEntry>() as u32;
                raw.entries(&ranges, ranges.nr_iovas, entry_size).map(Self::IovaRanges)
            }
            (identifier::MIGRATION, 1) => raw.read().map(Self::Migration),
            (identifier::DMA_AVAILABLE, 1) => raw.read().map(Self::DmaAvailable),
            (identifier::TABLE_FORMATS, 1..) => raw.array().map(Self::TableFormats),
            (identifier::MSI, 1..) => {
                let msi: MsiCapability = raw.read()?;
                Some(Self::Msi(msi, raw.entries(&msi, msi.nr_windows, msi.entry_size)?))
            }
            (identifier::GAPS, 1..) => raw.array().map(Self::Gaps),
            (identifier::GROUPS, 1..) => raw.array().map(Self::Groups),
            (identifier::FUNCTIONS, 1..) => raw.array().map(Self::Functions),
            _ => None,
        }
    }
}

/// A decoded capability of VFIO_DEVICE_GET_INFO, in the byte order of this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DeviceCapability {
    /// The function; without a handle in version 1, and without the length of error events before version 3.
    Base(ZpciBase),
    /// The group; without [`ZpciGroup::imaxstbl`] in version 1.
    Group(ZpciGroup),
    /// The utility string.
    UtilityString(ZpciUtilityString),
    /// The function internal path.
    Path(ZpciPath),
}

impl DeviceCapability {
    /// Decodes `raw`, `None` if the identifier or the version is unknown or the bytes are too few.
    ///
    /// Every later version is decoded as far as the last known one goes; what a version does not have is zero.
    pub fn new(raw: &RawCapability<'_>) -> Option<Self> {
        match (raw.header.id, raw.header.version) {
            (identifier::DEVICE_BASE, 1) => raw.read_up_to(core::mem::offset_of!(ZpciBase, fh)).map(Self::Base),
            // What pads version 2 was no field yet.
            (identifier::DEVICE_BASE, 2) => {
                raw.read_up_to(core::mem::offset_of!(ZpciBase, ccdf_err_length)).map(Self::Base)
            }
            (identifier::DEVICE_BASE, 3..) => raw.read().map(Self::Base),
            // The byte before the end of version 1 was no field yet.
            (identifier::DEVICE_GROUP, 1) => {
                raw.read_up_to(core::mem::offset_of!(ZpciGroup, reserved)).map(Self::Group)
            }
            (identifier::DEVICE_GROUP, 2..) => raw.read().map(Self::Group),
            (identifier::DEVICE_UTILITY_STRING, 1..) => raw
                .read()
                .filter(|it: &ZpciUtilityString| it.size as usize == it.util_str.len())
                .map(Self::UtilityString),
            (identifier::DEVICE_PATH, 1..) => {
                raw.read().filter(|it: &ZpciPath| it.size as usize == it.pfip.len()).map(Self::Path)
            }
            _ => None,
        }
    }
}

impl<'a> RawCapability<'a> {
    /// Returns the structure at the front.
    fn read<T: FromBytes + SwapBytes>(&self) -> Option<T> {
        let (value, _) = T::read_from_prefix(self.bytes).ok()?;
        Some(self.order.convert(value))
    }

    /// Returns the first `size` bytes of the structure at the front; the others are zero.
    fn read_up_to<T: FromBytes + IntoBytes + SwapBytes>(&self, size: usize) -> Option<T> {
        let mut value = T::new_zeroed();
        let bytes = self.bytes.get(..size)?;
        value.as_mut_bytes().iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Some(self.order.convert(value))
    }

    /// Returns the entries of an array.
    fn array<E: Entry>(&self) -> Option<Entries<'a, E>> {
        let array: Array = self.read()?;
        self.entries(&array, array.nr_entries, array.entry_size)
    }

    /// Returns the `count` entries of `entry_size` bytes that follow `front`, `None` if they are too short or too many.
    fn entries<T, E>(&self, front: &T, count: u32, entry_size: u32) -> Option<Entries<'a, E>> {
        let (count, entry_size) = (usize::try_from(count).ok()?, usize::try_from(entry_size).ok()?);
        let rest = self.bytes.get(size_of_val(front)..)?;
        let bytes = rest.get(..count.checked_mul(entry_size)?)?;
        (entry_size >= size_of::<E>()).then_some(Entries { bytes, entry_size, order: self.order, entry: PhantomData })
    }
}

/// The entries of a capability, in the byte order of this machine.
#[derive(Clone, Debug)]
pub struct Entries<'a, E> {
    bytes: &'a [u8],
    /// The distance from one to the next, at least the size of `E`.
    entry_size: usize,
    order: ByteOrder,
    entry: PhantomData<E>,
}

impl<E: FromBytes + SwapBytes> Iterator for Entries<'_, E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        let (entry, rest) = self.bytes.split_at_checked(self.entry_size)?;
        self.bytes = rest;
        let (entry, _) = E::read_from_prefix(entry).ok()?;
        Some(self.order.convert(entry))
    }
}
