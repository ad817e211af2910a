// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a container tells: its capabilities.

use super::{
    Chain, FunctionCapability, GapEntry, Gaps, GroupCapability, IovaRangeEntry, IovaRanges, MsiCapability,
    MsiWindowEntry, TableFormatCapability,
};
use crate::user::attribute::FunctionFacts;
use crate::user::container::Container;

impl Container<'_, '_> {
    /// Adds what VFIO_IOMMU_GET_INFO tells of the container to `chain`.
    ///
    /// The addresses that may be mapped, and all of [`Self::append_own_to`]. A container without domains adds nothing.
    pub fn append_to(&self, chain: &mut Chain<'_>) {
        if self.format().is_some() {
            chain.append_with(IovaRanges::new(count(self.usable())), self.usable().map(IovaRangeEntry::from));
        }
        self.append_own_to(chain);
    }

    /// Adds what type1 does not tell by itself, which is all but the addresses that may be mapped, to `chain`.
    ///
    /// In this order: a capability for each function; one for each distinct group; the gaps, the table format, the
    /// interrupts. What does not apply is left out, and nothing fails because of it; a container without domains adds
    /// nothing. Only functions of the container are in it.
    pub fn append_own_to(&self, chain: &mut Chain<'_>) {
        let Some(format) = self.format() else {
            return;
        };
        for domain in self.domains() {
            for function in domain.functions {
                if let Some(facts) = function.get_attr::<FunctionFacts>() {
                    chain.append(FunctionCapability::new(&facts, domain.aperture));
                }
            }
        }
        for (facts, refresh) in self.groups() {
            chain.append(GroupCapability::new(&facts, refresh));
        }
        chain.append_with(Gaps::new(count(self.gaps())), self.gaps().map(GapEntry::from));
        chain.append(TableFormatCapability::new(&format));
        let page_sizes = self.domains().map(|domain| domain.format.frame_sizes.bitmap());
        let capability = MsiCapability::new(self.msi_windows(), page_sizes);
        if capability.nr_windows != 0 {
            chain.append_with(capability, self.msi_windows().map(MsiWindowEntry::from));
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
