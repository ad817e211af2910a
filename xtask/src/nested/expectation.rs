// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is known not to hold, with its cause. Anything else that does not hold is a problem, and so is one of these that does.

use super::vmm::Choice;

/// Something that does not hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Known {
    scenario: &'static str,
    check: &'static str,
    /// What is then said of it; otherwise it does not hold for another reason.
    pub(crate) sign: &'static str,
    /// Why.
    pub(crate) cause: &'static str,
}

/// Of frames of 1 MiB.
const STALE: &str = "QEMU leaves a frame of 1 MiB mapped for the device when the guest has made it invalid";

const KNOWN: [Known; 1] = [Known {
    scenario: "frame",
    check: "refused",
    sign: "was not refused DMA to an unmapped frame of 1 MiB",
    cause: STALE,
}];

/// What is known of `check` of `scenario` under `vmm`, if it is known not to hold. All of it is of QEMU's own walk of tables.
pub(crate) fn known(vmm: Choice, scenario: &str, check: &str) -> Option<&'static Known> {
    let is_known = |known: &&Known| (known.scenario, known.check) == (scenario, check);
    KNOWN.iter().find(is_known).filter(|_| vmm == Choice::Debian)
}
