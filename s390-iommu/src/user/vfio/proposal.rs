// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What later versions of Linux's own capabilities could have: a proposal, which no Linux has.
//!
//! A kernel reports them only if it was configured to (`CONFIG_ZPCI_RUST_PROPOSED_UAPI`). Each has the version before it at
//! its front, so that a reader of that version skips what is new.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use clp::{Function, FunctionGroup};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::swap_bytes;
use super::device::{ZPCI_BASE, ZPCI_GROUP};
use super::{CapabilityHeader, ZpciBase, ZpciGroup};

/// VFIO_DEVICE_INFO_CAP_ZPCI_BASE, version 4 as proposed: the function, with what a guest's QUERY FN has beyond version 3.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct ProposedZpciBase {
    /// Version 3, but for its version.
    pub base: ZpciBase,
    /// User-defined identifier, or 0.
    pub uid: u32,
    /// [`ProposedZpciBase::PHYSICAL`].
    pub flags: u32,
}

const_assert_eq!(size_of::<ProposedZpciBase>(), 48);

/// The bits of the flags of [`ProposedZpciBase`].
static PROPOSED_BASE_FLAGS: Word =
    Word { title: "flags", width: 32, parts: &[Part::new(32, (0, 1), "physical", "is_physfn", "physical function")] };

layout! {
    /// The fields of [`ProposedZpciBase`].
    pub static PROPOSED_ZPCI_BASE: ProposedZpciBase = "zPCI function as proposed", "", Order::Native;
    base: Kind::Structure(&ZPCI_BASE), "base", "Version 3, but for its version";
    uid: Kind::Number, "uid", "User-defined identifier";
    flags: Kind::Bits, "flags", "Flags", word &PROPOSED_BASE_FLAGS;
}

debug_by_layout!(ProposedZpciBase, PROPOSED_ZPCI_BASE);

swap_bytes!(ProposedZpciBase: base, uid, flags);

impl ProposedZpciBase {
    /// It is a physical function.
    pub const PHYSICAL: u32 = 1;

    /// Adds what `function` has beyond `base`.
    pub fn new(base: ZpciBase, function: &Function) -> Self {
        let header = CapabilityHeader { version: 4, ..base.header };
        Self {
            base: ZpciBase { header, ..base },
            uid: function.uid.0,
            flags: if function.is_physical { Self::PHYSICAL } else { 0 },
        }
    }
}

/// VFIO_DEVICE_INFO_CAP_ZPCI_GROUP, version 3 as proposed: the group, with what the machine says of its tables.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct ProposedZpciGroup {
    /// Version 2, but for its version.
    pub group: ZpciGroup,
    /// [`ProposedZpciGroup::REFRESH_ON_MAP`], [`ProposedZpciGroup::RELAXED_TRANSLATION`].
    pub machine_flags: u32,
    /// Designation types as the machine stored them.
    pub dtsm: u8,
    /// Zero.
    pub reserved2: [u8; 3],
}

const_assert_eq!(size_of::<ProposedZpciGroup>(), 56);

/// The bits of the machine's flags of [`ProposedZpciGroup`].
static PROPOSED_GROUP_FLAGS: Word = Word {
    title: "flags",
    width: 32,
    parts: &[
        Part::new(32, (1, 1), "relaxed", "rtr", "relaxed translation"),
        Part::new(32, (0, 1), "refresh", "refresh", "refresh when a translation becomes valid"),
    ],
};

layout! {
    /// The fields of [`ProposedZpciGroup`].
    pub static PROPOSED_ZPCI_GROUP: ProposedZpciGroup = "zPCI group as proposed", "", Order::Native;
    group: Kind::Structure(&ZPCI_GROUP), "group", "Version 2, but for its version";
    machine_flags: Kind::Bits, "machine_flags", "What the machine says", word &PROPOSED_GROUP_FLAGS;
    dtsm: Kind::Number, "dtsm", "Designation types as the machine stored them";
    reserved2: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(ProposedZpciGroup, PROPOSED_ZPCI_GROUP);

swap_bytes!(ProposedZpciGroup: group, machine_flags);

impl ProposedZpciGroup {
    /// The machine wants a refresh when a translation becomes valid. [`ZpciGroup::REFRESH`] is always set instead.
    pub const REFRESH_ON_MAP: u32 = 1;
    /// A function may be registered without a table.
    pub const RELAXED_TRANSLATION: u32 = 2;

    /// Adds what `group` has beyond version 2.
    pub const fn new(group: &FunctionGroup) -> Self {
        let encoded = ZpciGroup::new(group);
        let refresh = if group.refresh { Self::REFRESH_ON_MAP } else { 0 };
        let relaxed = if group.relaxed_translation { Self::RELAXED_TRANSLATION } else { 0 };
        let header = CapabilityHeader { version: 3, ..encoded.header };
        Self {
            group: ZpciGroup { header, ..encoded },
            machine_flags: refresh | relaxed,
            dtsm: group.designation_types.0,
            reserved2: [0; 3],
        }
    }
}
