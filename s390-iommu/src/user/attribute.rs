// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function or a domain can be asked for: typed values, none of them a block of the machine.
//!
//! [`AttachedFunction::get_attr`] and [`Domain::get_attr`] return an attribute by its type. An attribute that does not
//! apply is absent; asking for it is no error. Who answers for a value is its owner: the *function*, as CLP told; the
//! *IOMMU*, that is the driver that chose it; or *virtualised*, which is the function's for the host and which a VMM
//! replaces by a value of its own before a guest sees it.

use clp::{FunctionGroupId, FunctionId, FunctionType, Uid, UtilityString};

use crate::format::address::Iova;
use crate::format::range::IovaRange;
use crate::user::domain::{AttachedFunction, Domain};
use crate::user::table_format::TableFormat;

/// A value that `Subject` can be asked for.
pub trait Attribute<Subject>: Sized {
    /// The value for `subject`; nothing where it does not apply.
    fn of(subject: &Subject) -> Option<Self>;
}

impl AttachedFunction {
    /// The attribute of the type `A`; nothing where it does not apply.
    // Nobody is in a hurry, and kernels are to stay small.
    #[inline(never)]
    pub fn get_attr<A: Attribute<Self>>(&self) -> Option<A> {
        A::of(self)
    }
}

impl Domain<'_> {
    /// The attribute of the type `A`; nothing where it does not apply.
    pub fn get_attr<A: Attribute<Self>>(&self) -> Option<A> {
        A::of(self)
    }
}

/// What a function is. Its BARs are not in it, since VFIO has them as regions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FunctionFacts {
    /// Identifier (FID). Virtualised.
    pub id: FunctionId,
    /// User-defined identifier (UID). Virtualised.
    pub uid: Uid,
    /// Group (PFGID). Virtualised where the groups of two hosts meet.
    pub group: FunctionGroupId,
    /// Type (PFT). Function.
    pub function_type: FunctionType,
    /// Whether it is a physical function. Function.
    pub is_physical: bool,
    /// Virtual function number, 0 for a physical function. Function.
    pub vfn: u16,
    /// Physical channel identifier (PCHID). Function.
    pub pchid: u16,
    /// Physical port, 0 to 15; 0 where a port does not apply. Function.
    pub port: u8,
    /// Function internal path (PFIP), segments 0 to 3. Function.
    pub internal_path: [u8; 4],
    /// Function identifier parameter; its meaning depends on the type. Function.
    pub fidparm: u8,
    /// Length of the function measurement block in bytes, 0 if there is none. Function.
    pub fmb_length: u16,
    /// Utility string in EBCDIC; absent where the administrator gave none. Function.
    pub utility_string: Option<UtilityString>,
}

impl Attribute<AttachedFunction> for FunctionFacts {
    fn of(subject: &AttachedFunction) -> Option<Self> {
        let function = &subject.function;
        Some(Self {
            id: function.id,
            uid: function.uid,
            group: function.group,
            function_type: function.function_type,
            is_physical: function.is_physical,
            vfn: function.vfn,
            pchid: function.pchid,
            port: function.port,
            internal_path: function.internal_path,
            fidparm: function.fidparm,
            fmb_length: function.fmb_length,
            utility_string: function.utility_string,
        })
    }
}

/// What the functions of a group have in common, as far as a guest must be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GroupFacts {
    /// Identifier (PFGID). Virtualised where the groups of two hosts meet.
    pub id: FunctionGroupId,
    /// DMA address space mask; no public source tells what it means. Function.
    pub dasm: u64,
    /// Address that MSIs are written to. Function.
    pub msi_address: u64,
    /// Most interrupts of a function, 0 to 4095. Function.
    pub max_interrupts: u16,
    /// Longest block of PCISTB in bytes, 0 to 8191; that of the machine, not of what the host issues. Function.
    pub max_store_block: u16,
    /// Interval in which the measurement block is updated, in milliseconds. Function.
    pub measurement_interval_ms: u16,
    /// Version of PCI; Linux takes 1 for 5 GT/s and knows no other. Function.
    pub version: u8,
}

impl Attribute<AttachedFunction> for GroupFacts {
    fn of(subject: &AttachedFunction) -> Option<Self> {
        let group = &subject.group;
        Some(Self {
            id: subject.function.group,
            dasm: group.dasm,
            msi_address: group.msi_address,
            max_interrupts: group.max_interrupts,
            max_store_block: group.max_store_block,
            measurement_interval_ms: group.measurement_interval_ms,
            version: group.version,
        })
    }
}

/// The addresses that can be mapped for DMA: whole pages. Function for a function, IOMMU for a domain, which may use
/// less of it.
///
/// Absent where a function has no whole page to address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DmaWindow(pub IovaRange);

impl Attribute<AttachedFunction> for DmaWindow {
    fn of(subject: &AttachedFunction) -> Option<Self> {
        subject.limits().map(|limits| Self(limits.window))
    }
}

impl Attribute<Domain<'_>> for DmaWindow {
    fn of(subject: &Domain<'_>) -> Option<Self> {
        Some(Self(subject.aperture))
    }
}

/// For a function all that it takes; absent where it has no whole page to address.
impl Attribute<AttachedFunction> for TableFormat {
    fn of(subject: &AttachedFunction) -> Option<Self> {
        subject.limits().map(|limits| Self {
            designation_types: limits.designation_types,
            frame_sizes: subject.frame_sizes,
            relaxed_translation: limits.relaxed_translation,
        })
    }
}

/// For a domain what it may use.
impl Attribute<Domain<'_>> for TableFormat {
    fn of(subject: &Domain<'_>) -> Option<Self> {
        Some(subject.format)
    }
}

/// Where a function writes its interrupts to. Function.
///
/// Absent where a function has no interrupts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
}

impl Attribute<AttachedFunction> for MsiWindow {
    fn of(subject: &AttachedFunction) -> Option<Self> {
        let group = &subject.group;
        if group.max_interrupts == 0 {
            return None;
        }
        let processor = if group.max_directed_interrupts == 0 { 0 } else { Self::PROCESSOR };
        let first = IovaRange::page(Iova::new(group.msi_address & !processor));
        let last = IovaRange::page(Iova::new(group.msi_address | processor));
        Some(Self { range: first.hull(last), needs_mapping: false })
    }
}

/// Whether a translation that becomes valid has to be refreshed, as when the hypervisor shadows the tables. Function
/// for a function; for a domain, whether one of its functions needs it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefreshOnMap(pub bool);

impl Attribute<AttachedFunction> for RefreshOnMap {
    fn of(subject: &AttachedFunction) -> Option<Self> {
        Some(Self(subject.group.refresh))
    }
}

impl Attribute<Domain<'_>> for RefreshOnMap {
    fn of(subject: &Domain<'_>) -> Option<Self> {
        Some(Self(subject.functions.iter().any(|function| function.group.refresh)))
    }
}

/// Whether a function may be registered without translation. Function for a function, IOMMU for a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RelaxedTranslation(pub bool);

impl Attribute<AttachedFunction> for RelaxedTranslation {
    fn of(subject: &AttachedFunction) -> Option<Self> {
        Some(Self(subject.group.relaxed_translation))
    }
}

impl Attribute<Domain<'_>> for RelaxedTranslation {
    fn of(subject: &Domain<'_>) -> Option<Self> {
        Some(Self(subject.format.relaxed_translation))
    }
}
