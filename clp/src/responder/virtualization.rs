// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a VMM does itself for the functions of a group.

use crate::value::{DesignationTypes, FunctionGroup};

/// What a VMM does for the functions of a group, and so what the guest is told in place of the host's values.
///
/// There is no default: a guest that is told of the wrong translation does DMA that fails, or not the DMA that was meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Virtualization {
    /// Who walks the guest's translation tables.
    pub translation: GuestTranslation,
    /// Longest block of PCISTB in bytes that the VMM takes; the guest is told this or the host's, the smaller of the two.
    pub max_store_block: u16,
}

/// Who walks a guest's translation tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GuestTranslation {
    /// The VMM, at each RPCIT: it maps on the host what they say. So do all VMMs of today.
    ///
    /// The guest is told to refresh also what becomes valid, whatever the host's own rule is, or the VMM would not hear of
    /// it.
    Shadowed {
        /// The roots that the VMM walks; not the host's.
        roots: DesignationTypes,
        /// Whether the VMM maps all of the guest for a function that is registered without translation.
        relaxed_translation: bool,
    },
    /// The machine: the guest's anchor is handed to the host. Roots, refresh rule and relaxed translation are the host's.
    Nested,
}

impl Virtualization {
    /// What the guest is told of `host`.
    ///
    /// Directed interrupts are none: they name processors of the host.
    pub(super) fn group(&self, host: &FunctionGroup) -> FunctionGroup {
        let common = FunctionGroup {
            max_directed_interrupts: 0,
            max_cpu: 0,
            max_store_block: host.max_store_block.min(self.max_store_block),
            ..*host
        };
        match self.translation {
            GuestTranslation::Nested => common,
            GuestTranslation::Shadowed { roots, relaxed_translation } => {
                FunctionGroup { refresh: true, designation_types: roots, relaxed_translation, frame: false, ..common }
            }
        }
    }
}
