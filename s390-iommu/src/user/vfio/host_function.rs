// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What any kernel tells of a function that it passes through, put together.

use core::fmt;

use clp::{
    Bar, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle, FunctionId, FunctionType, Uid,
    UtilityString,
};

use super::byte_order::ByteOrder;
use super::{
    Capabilities, ChainError, DeviceCapability, DeviceInformation, ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString,
};
use crate::format::table_type::Root;

/// A function as the capabilities of VFIO_DEVICE_GET_INFO describe it, which every kernel since Linux 5.10 has.
///
/// They do not tell all that CLP does. What [`Self::function`] and [`Self::group`] have in its place:
///
/// | not told | taken instead | who knows better |
/// |---|---|---|
/// | FID, UID | 0 | the VMM, which virtualises them; sysfs of the host (`function_id`, `uid`) |
/// | port, function identifier parameter | 0 | sysfs (`port`, `fidparm`) |
/// | whether it is a physical function, RID, TID | it is not; none | nobody: for a guest they are the VMM's anyway |
/// | BARs | absent | the regions of VFIO |
/// | addresses for mapped I/O | none | nobody: those of the host are not for a guest |
/// | utility string, where the capability is missing | none | |
/// | roots (DTSM) | region-third, which all machines have | a kernel with this driver: table formats |
/// | relaxed translation | no | a kernel with this driver: table formats |
/// | refresh rule: the flag is always set | refresh is needed, which is never wrong | a kernel with this driver: groups |
/// | longest block of PCISTB, in version 1 | that of the host's own instruction | |
/// | directed interrupts, `frame`, `maxfaal` | 0 | nobody; directed interrupts are not for guests |
/// | function handle, in version 1 (before Linux 6.0) | none; it is of use to nested interpretation alone | |
///
/// The window is what the kernel's IOMMU driver made of it, which may be less than the function has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostFunction {
    base: ZpciBase,
    group: ZpciGroup,
    utility_string: Option<ZpciUtilityString>,
    path: Option<ZpciPath>,
}

impl HostFunction {
    /// Reads the answer to VFIO_DEVICE_GET_INFO in `bytes`, the buffer that the ioctl was called with; of capabilities that
    /// are there more than once the first.
    ///
    /// # Errors
    ///
    /// * [`HostFunctionError::Chain`] if the capabilities cannot be read; with [`ChainError::Missing`] the call has to be
    ///   made again with a larger buffer.
    /// * [`HostFunctionError::NoFunction`], [`HostFunctionError::NoGroup`] if the device is no zPCI function or the kernel
    ///   does not say.
    /// * [`HostFunctionError::DmaRange`] if the window is empty.
    pub fn read(bytes: &[u8], order: ByteOrder) -> Result<Self, HostFunctionError> {
        let (_, capabilities) = Capabilities::new::<DeviceInformation>(bytes, order)?;
        let (mut base, mut group, mut utility_string, mut path) = (None, None, None, None);
        for raw in capabilities {
            match DeviceCapability::new(&raw?) {
                Some(DeviceCapability::Base(it)) => _ = base.get_or_insert(it),
                Some(DeviceCapability::Group(it)) => _ = group.get_or_insert(it),
                Some(DeviceCapability::UtilityString(it)) => _ = utility_string.get_or_insert(it),
                Some(DeviceCapability::Path(it)) => _ = path.get_or_insert(it),
                None => {}
            }
        }
        let base: ZpciBase = base.ok_or(HostFunctionError::NoFunction)?;
        let group = group.ok_or(HostFunctionError::NoGroup)?;
        if base.start_dma > base.end_dma {
            return Err(HostFunctionError::DmaRange { start_dma: base.start_dma, end_dma: base.end_dma });
        }
        Ok(Self { base, group, utility_string, path })
    }

    /// Its handle on the host, `None` from a kernel before Linux 6.0.
    pub const fn handle(&self) -> Option<FunctionHandle> {
        match self.base.header.version {
            ..=1 => None,
            _ => Some(FunctionHandle(self.base.fh)),
        }
    }

    /// Its group on the host, what [`Groups::add`](clp::responder::Groups::add) takes for the origin.
    pub const fn group_id(&self) -> FunctionGroupId {
        FunctionGroupId(self.base.gid)
    }

    /// The function, for [`clp::responder::Passthrough`].
    pub fn function(&self) -> Function {
        Function {
            id: FunctionId(0),
            uid: Uid(0),
            group: self.group_id(),
            function_type: FunctionType(self.base.pft),
            is_physical: false,
            vfn: self.base.vfn,
            pchid: self.base.pchid,
            port: 0,
            internal_path: self.path.map_or([0; 4], |path| path.pfip),
            fidparm: 0,
            rid: None,
            tid: None,
            bars: [Bar::ABSENT; 6],
            mio: None,
            start_dma: self.base.start_dma,
            end_dma: self.base.end_dma,
            fmb_length: self.base.fmb_length,
            utility_string: self.utility_string.map(|string| UtilityString(string.util_str)),
        }
    }

    /// Its group, for [`clp::responder::Groups`].
    pub const fn group(&self) -> FunctionGroup {
        let region_third = 0x80 >> Root::RegionThird.designation_type();
        FunctionGroup {
            max_interrupts: self.group.noi,
            max_directed_interrupts: 0,
            max_cpu: 0,
            version: self.group.version,
            relaxed_translation: false,
            frame: false,
            refresh: true,
            designation_types: DesignationTypes(region_third),
            max_store_block: if self.group.imaxstbl == 0 { self.group.maxstbl } else { self.group.imaxstbl },
            measurement_interval_ms: self.group.mui,
            maxfaal: 0,
            dasm: self.group.dasm,
            msi_address: self.group.msi_addr,
        }
    }
}

/// Why an answer describes no function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HostFunctionError {
    /// The capabilities cannot be read.
    Chain(ChainError),
    /// There is no capability of a zPCI function.
    NoFunction,
    /// There is no capability of its group.
    NoGroup,
    /// The DMA addresses end before they start.
    DmaRange {
        /// First address.
        start_dma: u64,
        /// Last address.
        end_dma: u64,
    },
}

impl From<ChainError> for HostFunctionError {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}

impl fmt::Display for HostFunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(error) => error.fmt(f),
            Self::NoFunction => f.write_str("no capability describes a zPCI function"),
            Self::NoGroup => f.write_str("no capability describes the group of the function"),
            Self::DmaRange { start_dma, end_dma } => {
                write!(f, "DMA addresses that start at {start_dma:#x} and end at {end_dma:#x}")
            }
        }
    }
}

impl core::error::Error for HostFunctionError {}
