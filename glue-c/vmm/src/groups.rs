// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The groups of a guest's functions.

use ::clp::responder::{self, GuestTranslation};
use ::clp::{DesignationTypes, FunctionGroup, FunctionGroupId};
use static_assertions::const_assert;

/// Most groups of a guest.
pub const ZPCI_GROUPS: usize = 16;
/// Words of a `struct zpci_groups`.
pub const ZPCI_GROUPS_SIZE: usize = 280;

/// The groups of a guest.
#[derive(Debug)]
#[repr(C)]
pub struct ForeignGroups {
    opaque: [u32; ZPCI_GROUPS_SIZE],
}

/// The same, in Rust.
pub(crate) type Inner = responder::Groups<ZPCI_GROUPS>;

const_assert!(size_of::<Inner>() <= size_of::<ForeignGroups>());
const_assert!(align_of::<Inner>() <= align_of::<ForeignGroups>());

/// A group as the host has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignGroupValues {
    /// DMA address space mask.
    pub dasm: u64,
    /// Address that MSIs are written to.
    pub msi_address: u64,
    /// Most interrupts.
    pub max_interrupts: u16,
    /// Longest block of PCISTB in bytes.
    pub max_store_block: u16,
    /// Interval in which the measurement block is updated, in milliseconds.
    pub measurement_interval_ms: u16,
    /// Version of PCI.
    pub version: u8,
    /// Supported designation types (DTSM).
    pub designation_types: u8,
    /// Whether the host needs a refresh of what becomes valid.
    pub refresh: bool,
    /// Relaxed translation.
    pub relaxed_translation: bool,
}

/// What the VMM does itself for the functions of a group.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignVirtualization {
    /// Whether the machine walks the guest's tables, and not the VMM.
    pub nested: bool,
    /// Of a VMM that walks them: the roots, as in DTSM.
    pub roots: u8,
    /// Of a VMM that walks them: whether it maps all of the guest for a function without translation.
    pub relaxed_translation: bool,
    /// Longest block of PCISTB in bytes that the VMM takes.
    pub max_store_block: u16,
}

/// Makes an empty set of groups.
///
/// # Safety
///
/// `groups` is storage for one.
#[no_mangle]
pub unsafe extern "C" fn zpci_groups_init(groups: *mut ForeignGroups) {
    // SAFETY: by the contract; the set fits into the storage and owns nothing.
    unsafe { groups.cast::<Inner>().write(Inner::new()) };
}

/// Adds a group that is known as `origin` where it comes from; `id` gets the identifier by which the guest knows it. False if
/// there is no place, or no such group.
///
/// # Safety
///
/// `groups` was initialised and is used by nobody else meanwhile; the others are what their types say.
#[no_mangle]
pub unsafe extern "C" fn zpci_groups_add(
    groups: *mut ForeignGroups,
    origin: u8,
    values: *const ForeignGroupValues,
    virtualization: *const ForeignVirtualization,
    id: *mut u8,
) -> bool {
    // SAFETY: by the contract.
    let (groups, values, given) = unsafe { (&mut *groups.cast::<Inner>(), &*values, &*virtualization) };
    let group = FunctionGroup {
        max_interrupts: values.max_interrupts,
        max_directed_interrupts: 0,
        max_cpu: 0,
        version: values.version,
        relaxed_translation: values.relaxed_translation,
        frame: false,
        refresh: values.refresh,
        designation_types: DesignationTypes(values.designation_types),
        max_store_block: values.max_store_block,
        measurement_interval_ms: values.measurement_interval_ms,
        maxfaal: 0,
        dasm: values.dasm,
        msi_address: values.msi_address,
    };
    let translation = if given.nested {
        GuestTranslation::Nested
    } else {
        let (roots, relaxed_translation) = (DesignationTypes(given.roots), given.relaxed_translation);
        GuestTranslation::Shadowed { roots, relaxed_translation }
    };
    let virtualization = responder::Virtualization { translation, max_store_block: given.max_store_block };
    match groups.add(FunctionGroupId(origin), &group, &virtualization) {
        Ok(added) => {
            // SAFETY: by the contract.
            unsafe { id.write(added.0) };
            true
        }
        Err(_) => false,
    }
}
