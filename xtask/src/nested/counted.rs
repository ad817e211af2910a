// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the first kernel counted while an inner Linux ran, which says what a VMM asks of it, whatever the time that took.

use serde::Serialize;

use super::console::Part;

/// What the first kernel has done for a function of an inner Linux, from its start on.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Counted {
    pub(crate) scenario: String,
    /// Pages mapped and unmapped by the first kernel's driver.
    pub(crate) mapped: u64,
    pub(crate) unmapped: u64,
    /// Refreshes, whatever for.
    pub(crate) refreshes: u64,
    /// Since the first kernel's start, in milliseconds.
    pub(crate) at_ms: u64,
}

impl Counted {
    /// That of the last result of `part`, if its guest had one.
    pub(crate) fn of(part: &Part) -> Option<Self> {
        let said = Part::facts(&part.outer, "counted");
        let number = |name: &str| said.last()?[name].as_u64();
        Some(Self {
            scenario: part.name.clone(),
            mapped: number("mapped")?,
            unmapped: number("unmapped")?,
            refreshes: number("global_rpcits")? + number("sync_map_rpcits")? + number("sync_rpcits")?,
            at_ms: number("at_ms")?,
        })
    }
}
