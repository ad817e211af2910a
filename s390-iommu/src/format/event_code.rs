// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the code of an error event means, and what becomes of the function.

use core::fmt;

/// PCI event code (PEC) of an error event; every value is representable.
///
/// Names and meanings: QEMU, `include/hw/s390x/s390-pci-bus.h` (`ERR_EVENT_*`); 0x40 is of Linux alone,
/// `arch/s390/pci/pci_event.c`. QEMU itself raises those up to 0x10.
#[doc(alias = "pec")]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct EventCode(pub u16);

/// What an error event leaves of its function.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum Severity {
    /// The function goes on; the event is about its measurement block.
    Notice,
    /// The function is in the error state and does no DMA until it is reset. Every code that is not known is of this kind.
    Recoverable,
    /// The function does not come back by a reset.
    Permanent,
}

impl EventCode {
    /// No translation is registered for the address space (`0x01`).
    pub const INVALID_ADDRESS_SPACE: Self = Self(0x01);
    /// An address is outside of the registered aperture (`0x02`).
    pub const OUTSIDE_APERTURE: Self = Self(0x02);
    /// The translation format is invalid (`0x03`).
    pub const INVALID_TRANSLATION_FORMAT: Self = Self(0x03);
    /// An address has no translation, or one that does not permit the access (`0x04`).
    pub const TRANSLATION_PROTECTION: Self = Self(0x04);
    /// The frame does not permit the access (`0x05`).
    pub const ACCESS_PROTECTION: Self = Self(0x05);
    /// The storage key does not permit the access (`0x06`).
    pub const KEY_PROTECTION: Self = Self(0x06);
    /// A table entry is invalid (`0x07`).
    pub const INVALID_TABLE_ENTRY: Self = Self(0x07);
    /// The length or the offset in a table entry is invalid (`0x08`).
    pub const INVALID_TABLE_LENGTH: Self = Self(0x08);
    /// A table entry names another table type than is needed (`0x09`).
    pub const TABLE_TYPE: Self = Self(0x09);
    /// A mask is invalid (`0x0a`).
    pub const INVALID_MASK: Self = Self(0x0a);
    /// A serious error (`0x0b`).
    pub const SERIOUS_ERROR: Self = Self(0x0b);
    /// An interrupt came that no message is registered for (`0x10`).
    pub const NO_MESSAGE: Self = Self(0x10);
    /// The interruption bit vector is invalid (`0x11`).
    pub const INVALID_BIT_VECTOR: Self = Self(0x11);
    /// The adapter interruption bit vector cannot be accessed (`0x12`).
    pub const BIT_VECTOR_ACCESS: Self = Self(0x12);
    /// An adapter interruption cannot be presented (`0x13`).
    pub const ADAPTER_INTERRUPTION: Self = Self(0x13);
    /// The function measurement block cannot be accessed (`0x2a`).
    pub const MEASUREMENT_ACCESS: Self = Self(0x2a);
    /// The function measurement block cannot be updated (`0x2b`).
    pub const MEASUREMENT_UPDATE: Self = Self(0x2b);
    /// The function measurement block is protected (`0x2c`).
    pub const MEASUREMENT_PROTECTION: Self = Self(0x2c);
    /// The configuration changed (`0x30`).
    pub const CONFIGURATION: Self = Self(0x30);
    /// A service action is going on; the function comes back (`0x3a`).
    pub const SERVICE_ACTION: Self = Self(0x3a);
    /// A permanent error (`0x3b`).
    pub const PERMANENT_ERROR: Self = Self(0x3b);
    /// A service action or the recovery from an error failed (`0x40`).
    pub const RECOVERY_FAILED: Self = Self(0x40);

    /// What happened, in a few words; `None` if the code is not known.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::INVALID_ADDRESS_SPACE => "no translation registered",
            Self::OUTSIDE_APERTURE => "outside of the registered aperture",
            Self::INVALID_TRANSLATION_FORMAT => "invalid translation format",
            Self::TRANSLATION_PROTECTION => "translation refused",
            Self::ACCESS_PROTECTION => "access refused",
            Self::KEY_PROTECTION => "refused by the storage key",
            Self::INVALID_TABLE_ENTRY => "invalid table entry",
            Self::INVALID_TABLE_LENGTH => "invalid table length or offset",
            Self::TABLE_TYPE => "invalid table type",
            Self::INVALID_MASK => "invalid mask",
            Self::SERIOUS_ERROR => "serious error",
            Self::NO_MESSAGE => "no such message",
            Self::INVALID_BIT_VECTOR => "invalid interruption bit vector",
            Self::BIT_VECTOR_ACCESS => "interruption bit vector not accessible",
            Self::ADAPTER_INTERRUPTION => "interruption not presented",
            Self::MEASUREMENT_ACCESS => "measurement block not accessible",
            Self::MEASUREMENT_UPDATE => "measurement block not updated",
            Self::MEASUREMENT_PROTECTION => "measurement block protected",
            Self::CONFIGURATION => "configuration changed",
            Self::SERVICE_ACTION => "service action",
            Self::PERMANENT_ERROR => "permanent error",
            Self::RECOVERY_FAILED => "recovery failed",
            _ => return None,
        })
    }

    /// What becomes of the function, as Linux has it (`__zpci_event_error()`, `arch/s390/pci/pci_event.c`).
    pub const fn severity(self) -> Severity {
        match self {
            Self::MEASUREMENT_ACCESS | Self::MEASUREMENT_UPDATE | Self::MEASUREMENT_PROTECTION => Severity::Notice,
            Self::PERMANENT_ERROR | Self::RECOVERY_FAILED => Severity::Permanent,
            _ => Severity::Recoverable,
        }
    }
}

impl fmt::Display for EventCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} ({})", self.0, self.meaning().unwrap_or("error"))
    }
}
