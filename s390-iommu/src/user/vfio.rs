// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The VFIO-facing structures: what user space learns of functions, their groups and their IOMMU.
//!
//! Values are in host byte order and every byte is a named field, so that nothing but these fields reaches a user. A
//! structure that was published is only ever added to, at its end and with a higher version.
//!
//! [`answer`] writes an information structure with the capabilities of a [`Container`](crate::Container) behind it, and
//! [`Capabilities`] reads the answer of any kernel:
//!
//! ```
//! use s390_iommu::vfio::{answer, ByteOrder, Capabilities, DmaAvailable, IommuCapability, IommuInformation, Sink};
//! # use s390_iommu::{Container, Domain};
//! # let mut buffer = [0; 512];
//! # let container = Container::new(core::iter::empty::<Domain<'_, core::iter::Empty<_>>>());
//! answer(IommuInformation::new(0x1000), ByteOrder::NATIVE, &mut buffer, |chain| {
//!     chain.append(DmaAvailable::new(65535))?;
//!     container.append_to(chain)
//! })?;
//!
//! let (information, capabilities) = Capabilities::new::<IommuInformation>(&buffer, ByteOrder::NATIVE)?;
//! assert_eq!(information.iova_pgsizes, 0x1000);
//! for raw in capabilities {
//!     if let Some(IommuCapability::DmaAvailable(available)) = IommuCapability::new(&raw?) {
//!         assert_eq!(available.avail, 65535);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod array;
mod byte_order;
mod capability;
mod chain;
mod container;
mod device;
mod function;
mod group;
mod hardware;
mod header;
mod host_function;
pub mod identifier;
mod information;
mod iova;
mod msi;
mod parser;
mod proposal;
mod sample;
mod sink;
mod table_format;

pub use array::{Array, Entry, ARRAY};
pub use byte_order::{ByteOrder, SwapBytes};
pub use capability::{DeviceCapability, Entries, IommuCapability};
pub use chain::{answer, AnswerError, Chain};
pub use device::{
    ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString, ZPCI_BASE, ZPCI_GROUP, ZPCI_GROUP_FLAGS, ZPCI_PATH,
    ZPCI_UTILITY_STRING,
};
pub use function::{FunctionEntry, FUNCTION_ENTRY, FUNCTION_FLAGS};
pub use group::{GroupEntry, GROUP_ENTRY, GROUP_FLAGS};
pub use hardware::{HardwareInformation, HARDWARE_FLAGS, HARDWARE_INFORMATION};
pub use header::{CapabilityHeader, CAPABILITY_HEADER};
pub use host_function::{HostFunction, HostFunctionError};
pub use information::{
    DeviceInformation, DmaAvailable, Information, IommuInformation, Migration, DEVICE_FLAGS, DEVICE_INFORMATION,
    DMA_AVAILABLE, IOMMU_FLAGS, IOMMU_INFORMATION, MIGRATION,
};
pub use iova::{GapEntry, IovaRangeEntry, IovaRanges, GAP_ENTRY, IOVA_RANGES, IOVA_RANGE_ENTRY, REASONS};
pub use msi::{MsiCapability, MsiWindowEntry, MSI_CAPABILITY, MSI_FLAGS, MSI_WINDOW_ENTRY};
pub use parser::{Capabilities, ChainError, RawCapability};
pub use proposal::{ProposedZpciBase, ProposedZpciGroup, PROPOSED_ZPCI_BASE, PROPOSED_ZPCI_GROUP};
pub use sample::{MeasurementSample, MeasurementSwitch, MEASUREMENT_SAMPLE, MEASUREMENT_SWITCH, SAMPLE_FLAGS};
pub use sink::{Bytes, Capability, Sink};
pub use table_format::{TableFormatEntry, TABLE_FORMAT_ENTRY, TABLE_FORMAT_FLAGS};

/// The fields of every structure of VFIO and iommufd that is here.
pub static LAYOUTS: [&clp::field::Layout; 23] = [
    &CAPABILITY_HEADER,
    &DEVICE_INFORMATION,
    &ZPCI_BASE,
    &ZPCI_GROUP,
    &ZPCI_UTILITY_STRING,
    &ZPCI_PATH,
    &IOMMU_INFORMATION,
    &IOVA_RANGES,
    &IOVA_RANGE_ENTRY,
    &MIGRATION,
    &DMA_AVAILABLE,
    &ARRAY,
    &TABLE_FORMAT_ENTRY,
    &MSI_CAPABILITY,
    &MSI_WINDOW_ENTRY,
    &GAP_ENTRY,
    &GROUP_ENTRY,
    &FUNCTION_ENTRY,
    &HARDWARE_INFORMATION,
    &MEASUREMENT_SWITCH,
    &MEASUREMENT_SAMPLE,
    &PROPOSED_ZPCI_BASE,
    &PROPOSED_ZPCI_GROUP,
];
