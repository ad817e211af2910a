// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The numbers that identify capabilities.
//!
//! Linux assigns the identifiers of each ioctl one by one, from 1 on (`include/uapi/linux/vfio.h`: three of
//! VFIO_IOMMU_GET_INFO, five of VFIO_DEVICE_GET_INFO), and has no range for vendors. The project's own are 0xf390 to
//! 0xf39f, far from what counting reaches soon, and each number means one thing, in whatever ioctl it is met. 0xf390, 0xf391
//! and 0xf393, of which a chain could have several, are not used any more and stay reserved.

use core::ops::RangeInclusive;

/// The project's own numbers: of capabilities, of iommufd's types of hardware information, and of features of a device.
pub const OWN: RangeInclusive<u16> = 0xf390..=0xf39f;

/// Addresses that may be mapped (`VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE`).
pub const IOVA_RANGES: u16 = 1;
/// Migration (`VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION`).
pub const MIGRATION: u16 = 2;
/// Mappings that may still be made (`VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL`).
pub const DMA_AVAILABLE: u16 = 3;

/// Addresses that may not be mapped.
pub const GAPS: u16 = 0xf392;
/// Interrupts.
pub const MSI: u16 = 0xf394;
/// The type of [`HardwareInformation`](super::HardwareInformation) in `IOMMU_GET_HW_INFO`.
pub const HARDWARE: u32 = 0xf395;

/// IOMMU_GET_HW_INFO: the type that could be asked of Linux, the next of its enumeration; no Linux has it with this meaning.
pub const PROPOSED_HARDWARE: u32 = 5;
/// The functions of the container.
pub const FUNCTIONS: u16 = 0xf396;
/// The groups of the functions.
pub const GROUPS: u16 = 0xf397;
/// The formats of the translation tables.
pub const TABLE_FORMATS: u16 = 0xf398;

/// Function (`VFIO_DEVICE_INFO_CAP_ZPCI_BASE`), of VFIO_DEVICE_GET_INFO as the next three are.
pub const DEVICE_BASE: u16 = 1;
/// Group (`VFIO_DEVICE_INFO_CAP_ZPCI_GROUP`).
pub const DEVICE_GROUP: u16 = 2;
/// Utility string (`VFIO_DEVICE_INFO_CAP_ZPCI_UTIL`).
pub const DEVICE_UTILITY_STRING: u16 = 3;
/// Function internal path (`VFIO_DEVICE_INFO_CAP_ZPCI_PFIP`).
pub const DEVICE_PATH: u16 = 4;

/// The feature by which VFIO_DEVICE_FEATURE reads an [`ErrorEvent`](crate::ErrorEvent) (`VFIO_DEVICE_FEATURE_ZPCI_ERROR`,
/// since Linux 7.3), the oldest first and each once; its data is the address of a buffer of
/// [`ccdf_err_length`](super::ZpciBase::ccdf_err_length) bytes.
pub const FEATURE_ERROR_EVENT: u32 = 13;

/// The feature by which VFIO_DEVICE_FEATURE begins and ends measurement of a function, by a
/// [`MeasurementSwitch`](super::MeasurementSwitch).
pub const FEATURE_MEASURE: u32 = 0xf399;
/// The feature by which VFIO_DEVICE_FEATURE reads a [`MeasurementSample`](super::MeasurementSample).
pub const FEATURE_SAMPLE: u32 = 0xf39a;

const _: () = {
    assert!(*OWN.start() > 0x8000);
    assert!(*OWN.start() <= GAPS && TABLE_FORMATS <= *OWN.end());
    assert!(FEATURE_MEASURE > TABLE_FORMATS as u32 && FEATURE_SAMPLE <= *OWN.end() as u32);
    assert!(HARDWARE > MSI as u32 && HARDWARE < FUNCTIONS as u32);
};
