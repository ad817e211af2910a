// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The part of a list that holds for all functions.

/// What a list says beyond its entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct ListSummary {
    /// Number of functions that the machine can have.
    pub max_functions: u16,
    /// Whether the machine makes sure that the UIDs are unique; without it a UID identifies nothing.
    pub uid_checking: bool,
}
