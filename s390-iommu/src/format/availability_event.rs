// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The block by which the machine says that a function comes, goes, or is wanted back.

use core::fmt;

use clp::field::{Kind, Order, Rule};
use clp::{debug_by_layout, layout, FunctionHandle, FunctionId};
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Availability event: what CHSC "store event information" describes with content code 2.
///
/// 32 bytes, big-endian. Linux: `struct zpci_ccdf_avail`, `arch/s390/pci/pci_event.c`. Every value is representable.
#[doc(alias = "zpci_ccdf_avail")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct AvailabilityEvent {
    /// Reserved.
    pub reserved_0: U32,
    /// Handle of the function.
    pub handle: U32,
    /// Identifier of the function.
    pub id: U32,
    /// Reserved.
    pub reserved_12: [u8; 18],
    /// PCI event code (PEC), an [`AvailabilityCode`].
    pub code: U16,
}

const_assert_eq!(size_of::<AvailabilityEvent>(), 32);
const_assert_eq!(core::mem::offset_of!(AvailabilityEvent, handle), 4);
const_assert_eq!(core::mem::offset_of!(AvailabilityEvent, id), 8);
const_assert_eq!(core::mem::offset_of!(AvailabilityEvent, code), 30);

layout! {
    /// The fields of [`AvailabilityEvent`].
    pub static AVAILABILITY_EVENT: AvailabilityEvent = "availability event", "struct zpci_ccdf_avail", Order::Big;
    reserved_0: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    handle: Kind::Handle, "fh", "Handle of the function";
    id: Kind::Number, "fid", "Function identifier";
    reserved_12: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    code: Kind::Event, "pec", "PCI event code";
}

debug_by_layout!(AvailabilityEvent, AVAILABILITY_EVENT);

impl AvailabilityEvent {
    /// An event with `code` of the function `id`, which has `handle` now.
    pub fn new(handle: FunctionHandle, id: FunctionId, code: AvailabilityCode) -> Self {
        Self { handle: U32::new(handle.0), id: U32::new(id.0), code: U16::new(code.0), ..Self::new_zeroed() }
    }

    /// The handle of the function.
    pub const fn handle(&self) -> FunctionHandle {
        FunctionHandle(self.handle.get())
    }

    /// The function.
    pub const fn id(&self) -> FunctionId {
        FunctionId(self.id.get())
    }

    /// What happened.
    pub const fn code(&self) -> AvailabilityCode {
        AvailabilityCode(self.code.get())
    }
}

impl fmt::Display for AvailabilityEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function {}: event {}", self.id(), self.code())
    }
}

/// PCI event code (PEC) of an availability event; every value is representable.
///
/// Linux: `__zpci_event_availability()`, `arch/s390/pci/pci_event.c`; QEMU: `include/hw/s390x/s390-pci-bus.h`
/// (`HP_EVENT_*`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct AvailabilityCode(pub u16);

/// What who gets an [`AvailabilityEvent`] does.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AvailabilityAction {
    /// The function is there and configured: use it.
    Use,
    /// The function is there in standby: it can be configured.
    Note,
    /// Somebody wants the function: stop using it, disable it and deconfigure it.
    GiveBack,
    /// The function was taken away: forget what it had. LIST PCI says whether it is in standby or gone.
    Forget,
    /// The function is not there any more.
    Remove,
    /// Any function may have come: list them all.
    List,
    /// The code is not known; Linux does nothing.
    Nothing,
}

impl AvailabilityCode {
    /// A reserved or standby function is configured (`0x0301`).
    pub const CONFIGURED: Self = Self(0x0301);
    /// A reserved function is in standby (`0x0302`).
    pub const RESERVED_TO_STANDBY: Self = Self(0x0302);
    /// Deconfiguration is requested (`0x0303`).
    pub const DECONFIGURATION_REQUEST: Self = Self(0x0303);
    /// A configured function is in standby or reserved: it was taken away (`0x0304`).
    pub const CONFIGURED_TO_STANDBY: Self = Self(0x0304);
    /// Functions changed; which, is not said (`0x0306`).
    pub const CHANGED: Self = Self(0x0306);
    /// A function in standby is reserved (`0x0308`).
    pub const STANDBY_TO_RESERVED: Self = Self(0x0308);

    /// What happened, in a few words; `None` if the code is not known.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::CONFIGURED => "configured",
            Self::RESERVED_TO_STANDBY => "in standby",
            Self::DECONFIGURATION_REQUEST => "deconfiguration requested",
            Self::CONFIGURED_TO_STANDBY => "taken away",
            Self::CHANGED => "functions changed",
            Self::STANDBY_TO_RESERVED => "reserved",
            _ => return None,
        })
    }

    /// What is to be done.
    pub const fn action(self) -> AvailabilityAction {
        match self {
            Self::CONFIGURED => AvailabilityAction::Use,
            Self::RESERVED_TO_STANDBY => AvailabilityAction::Note,
            Self::DECONFIGURATION_REQUEST => AvailabilityAction::GiveBack,
            Self::CONFIGURED_TO_STANDBY => AvailabilityAction::Forget,
            Self::CHANGED => AvailabilityAction::List,
            Self::STANDBY_TO_RESERVED => AvailabilityAction::Remove,
            _ => AvailabilityAction::Nothing,
        }
    }
}

impl fmt::Display for AvailabilityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x} ({})", self.0, self.meaning().unwrap_or("unknown"))
    }
}
