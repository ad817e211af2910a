// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Attributes of a function and of a domain: typed values, none of them a block of the machine.
//!
//! [`DomainFunction::get_attr`] and [`Domain::get_attr`] return an attribute by its type, `None` if it does not apply.
//! Each value has an owner: the *function*, as CLP reported it, or the *IOMMU*, that is the driver that chose it. What a
//! function is and what its group is are [`Function`](clp::Function) and [`FunctionGroup`] themselves.

use clp::FunctionGroup;

use crate::format::address::Iova;
use crate::format::range::IovaRange;
use crate::machine::limits::Limits;
use crate::user::domain::{Domain, DomainFunction};
use crate::user::table_format::TableFormat;

/// A value that a `Subject` has.
pub trait Attribute<Subject>: Sized {
    /// Returns the value of `subject`, `None` if it does not apply.
    fn of(subject: &Subject) -> Option<Self>;
}

impl DomainFunction {
    /// Returns the attribute of the type `A`, `None` if it does not apply.
    pub fn get_attr<A: Attribute<Self>>(&self) -> Option<A> {
        A::of(self)
    }
}

impl<F> Domain<'_, F> {
    /// Returns the attribute of the type `A`, `None` if it does not apply.
    pub fn get_attr<A: Attribute<Self>>(&self) -> Option<A> {
        A::of(self)
    }
}

/// The addresses that can be mapped for DMA: whole pages.
///
/// Of a function, its window, as far as it is made of whole pages (function). Of a domain, the addresses that are in the
/// aperture of each of its functions (IOMMU). `None` if there are none.
#[doc(alias("SDMA", "EDMA", "aperture"))]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct DmaWindow(pub IovaRange);

impl Attribute<DomainFunction> for DmaWindow {
    fn of(subject: &DomainFunction) -> Option<Self> {
        Limits::new(&subject.function, &subject.group).map(|limits| Self(limits.window))
    }
}

impl<F: Iterator<Item = DomainFunction> + Clone> Attribute<Domain<'_, F>> for DmaWindow {
    fn of(subject: &Domain<'_, F>) -> Option<Self> {
        let mut apertures = subject.functions.clone().map(|function| function.aperture);
        let first = apertures.next()?;
        apertures.try_fold(first, |common, aperture| common.intersection(aperture)).map(Self)
    }
}

/// Of a domain, what its tables are. IOMMU.
impl<F> Attribute<Domain<'_, F>> for TableFormat {
    fn of(subject: &Domain<'_, F>) -> Option<Self> {
        Some(subject.format)
    }
}

/// Where a function writes its interrupts to. Function.
///
/// `None` if it has no interrupts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct MsiWindow {
    /// The addresses, whole pages.
    pub range: IovaRange,
    /// Whether they have to be mapped like memory; never on s390, where such a write is not translated.
    pub needs_mapping: bool,
}

impl MsiWindow {
    /// The bits of an MSI address that name the processor of a directed interrupt.
    ///
    /// Linux: `arch/s390/pci/pci_irq.c`, which puts them there; the low eight bits are those of the machine.
    const PROCESSOR: u64 = 0x00ff_ff00;

    /// Returns where the functions of `group` write interrupts to, `None` if they have none.
    pub fn of_group(group: &FunctionGroup) -> Option<Self> {
        if group.max_interrupts == 0 {
            return None;
        }
        let processor = if group.max_directed_interrupts == 0 { 0 } else { Self::PROCESSOR };
        let first = IovaRange::page(Iova::new(group.msi_address & !processor));
        let last = IovaRange::page(Iova::new(group.msi_address | processor));
        Some(Self { range: first.hull(last), needs_mapping: false })
    }
}

impl Attribute<DomainFunction> for MsiWindow {
    fn of(subject: &DomainFunction) -> Option<Self> {
        Self::of_group(&subject.group)
    }
}

/// Whether a translation that becomes valid has to be refreshed, as when the hypervisor shadows the tables. Function; of
/// a domain, whether one of its functions needs it.
#[doc(alias = "tlb_refresh")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct RefreshOnMap(pub bool);

impl Attribute<DomainFunction> for RefreshOnMap {
    fn of(subject: &DomainFunction) -> Option<Self> {
        Some(Self(subject.group.refresh))
    }
}

impl<F: Iterator<Item = DomainFunction> + Clone> Attribute<Domain<'_, F>> for RefreshOnMap {
    fn of(subject: &Domain<'_, F>) -> Option<Self> {
        Some(Self(subject.functions.clone().any(|function| function.group.refresh)))
    }
}

/// Whether a function may be registered without translation. Function; IOMMU of a domain.
#[doc(alias = "rtr_avail")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct RelaxedTranslation(pub bool);

impl Attribute<DomainFunction> for RelaxedTranslation {
    fn of(subject: &DomainFunction) -> Option<Self> {
        Some(Self(subject.group.relaxed_translation))
    }
}

impl<F> Attribute<Domain<'_, F>> for RelaxedTranslation {
    fn of(subject: &Domain<'_, F>) -> Option<Self> {
        Some(Self(subject.format.relaxed_translation))
    }
}
