// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A listed function.

use crate::id::{FunctionHandle, FunctionId};
use crate::wire::list_pci::{Entry, EntryState};

/// What LIST PCI reports of a function, in host byte order.
#[doc(alias = "clp_fh_list_entry")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct ListEntry {
    /// PCI vendor identifier.
    pub vendor: u16,
    /// PCI device identifier.
    pub device: u16,
    /// Whether it is configured; standby when not.
    pub configured: bool,
    /// Identifier (FID).
    pub id: FunctionId,
    /// Handle (FH), as of now; that of an enabled function has the enable bit.
    pub handle: FunctionHandle,
}

impl ListEntry {
    /// Reads an entry.
    pub const fn decode(entry: &Entry) -> Self {
        Self {
            vendor: entry.vendor.get(),
            device: entry.device.get(),
            configured: entry.state.configured(),
            id: FunctionId(entry.function_id.get()),
            handle: FunctionHandle(entry.handle.get()),
        }
    }

    /// Writes an entry, with every reserved field zero.
    pub fn encode(&self) -> Entry {
        Entry {
            device: self.device.into(),
            vendor: self.vendor.into(),
            state: EntryState::new().with_configured(self.configured),
            function_id: self.id.0.into(),
            handle: self.handle.0.into(),
        }
    }

    /// The state of the function.
    pub const fn state(&self) -> FunctionState {
        match (self.configured, self.handle.is_enabled()) {
            (false, _) => FunctionState::Standby,
            (true, false) => FunctionState::Configured,
            (true, true) => FunctionState::Enabled,
        }
    }
}

/// State of a function, as far as LIST PCI reports it.
#[doc(alias("zpci_state", "config_state"))]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum FunctionState {
    /// Not listed: it does not exist, or belongs to somebody else.
    Reserved,
    /// Listed, and has to be configured before it can be used.
    Standby,
    /// Configured and not enabled.
    Configured,
    /// Configured and enabled.
    Enabled,
}
