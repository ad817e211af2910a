// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The capability of VFIO_IOMMU_GET_INFO that describes the groups of zPCI functions.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use clp::{FunctionGroup, FunctionGroupId};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::array::Entry;
use super::byte_order::swap_bytes;
use super::identifier;
use crate::user::table_format::TableFormat;

/// A group of zPCI functions of the container, version 1; there is one entry for each identifier.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct GroupEntry {
    /// DMA address space mask. Function.
    pub dasm: u64,
    /// Address that MSIs are written to. Function.
    pub msi_addr: u64,
    /// [`Self::REFRESH`]. Function.
    pub flags: u32,
    /// Interval in which the measurement block is updated, in milliseconds. Function.
    pub mui: u16,
    /// Most interrupts of a function, 0 to 4095. Function.
    pub noi: u16,
    /// Longest block in bytes that the machine stores by one instruction, 0 to 8191. Function.
    pub maxstbl: u16,
    /// Version of PCI. Function.
    pub version: u8,
    /// Function group (PFGID). Virtualised by the VMM where the groups of two hosts meet.
    pub gid: u8,
    /// Zero.
    pub reserved: u32,
}

const_assert_eq!(size_of::<GroupEntry>(), 32);
const_assert_eq!(core::mem::offset_of!(GroupEntry, flags), 16);
const_assert_eq!(core::mem::offset_of!(GroupEntry, gid), 27);

/// The bits of the flags of [`GroupEntry`].
pub static GROUP_FLAGS: Word =
    Word { title: "flags", width: 32, parts: &[Part::new(32, (0, 1), "refresh", "", "refresh on map")] };

layout! {
    /// The fields of [`GroupEntry`].
    pub static GROUP_ENTRY: GroupEntry = "group", "", Order::Native;
    dasm: Kind::Number, "", "DMA address space mask";
    msi_addr: Kind::Address, "", "Address that MSIs are written to";
    flags: Kind::Bits, "", "Flags", word &GROUP_FLAGS;
    mui: Kind::Milliseconds, "", "Interval in which the measurement block is updated";
    noi: Kind::Count, "", "Most interrupts of a function", rule Rule::AtMost(4095);
    maxstbl: Kind::Size, "", "Longest block that the machine stores", rule Rule::AtMost(8191);
    version: Kind::Number, "", "Version of PCI";
    gid: Kind::Number, "", "Function group";
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(GroupEntry, GROUP_ENTRY);

swap_bytes!(GroupEntry: dasm, msi_addr, flags, mui, noi, maxstbl, reserved);

impl Entry for GroupEntry {
    const IDENTIFIER: u16 = identifier::GROUPS;
}

impl GroupEntry {
    /// The machine wants a refresh also when a translation becomes valid. Unlike [`ZpciGroup`](super::ZpciGroup), in which
    /// this is always set, it is what CLP reported.
    pub const REFRESH: u32 = 1 << 0;

    /// Encodes a group.
    pub const fn new(id: FunctionGroupId, group: &FunctionGroup) -> Self {
        Self {
            dasm: group.dasm,
            msi_addr: group.msi_address,
            flags: if group.refresh { Self::REFRESH } else { 0 },
            mui: group.measurement_interval_ms,
            noi: group.max_interrupts,
            maxstbl: group.max_store_block,
            version: group.version,
            gid: id.0,
            reserved: 0,
        }
    }

    /// Returns the group as a VMM presents it to its guest, for [`clp::responder::Groups`]; `format` is what tables the
    /// guest may build, usually [`TableFormatEntry::format`](super::TableFormatEntry::format).
    ///
    /// What the capability does not have is 0: directed interrupts, `frame`, `maxfaal`.
    pub const fn group(&self, format: &TableFormat) -> FunctionGroup {
        FunctionGroup {
            max_interrupts: self.noi,
            max_directed_interrupts: 0,
            max_cpu: 0,
            version: self.version,
            relaxed_translation: format.relaxed_translation,
            frame: false,
            refresh: self.flags & Self::REFRESH != 0,
            designation_types: format.designation_types,
            max_store_block: self.maxstbl,
            measurement_interval_ms: self.mui,
            maxfaal: 0,
            dasm: self.dasm,
            msi_address: self.msi_addr,
        }
    }
}
