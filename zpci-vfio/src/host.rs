// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function of the host, and what a guest gets of it.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use clp::responder::{
    Groups, GroupsError, GuestFunction, GuestTranslation, Passthrough, PassthroughError, Place, Virtualization,
};
use clp::{Bar, DesignationTypes, Function, FunctionError, FunctionGroup, FunctionHandle, FunctionId, Uid};
use s390_iommu::guest::{Configuration, FunctionControls, Rules};
use s390_iommu::vfio::{
    ByteOrder, Capabilities, ChainError, HardwareInformation, HostFunction, HostFunctionError, IommuCapability,
    IommuInformation,
};
use s390_iommu::Limits;

/// A function of the host as far as it is known, put together of what there is to ask.
///
/// Each step tells more, and none is needed but the first: what is not told is as the table of [`HostFunction`] says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Host {
    /// PCI vendor identifier, 0 as long as it is not known.
    pub vendor: u16,
    /// PCI device identifier.
    pub device: u16,
    /// The function, with identifiers of the host.
    pub function: Function,
    /// Its group.
    pub group: FunctionGroup,
    /// Its handle on the host, where the kernel tells it.
    pub handle: Option<FunctionHandle>,
}

impl Host {
    /// Reads the answer to VFIO_DEVICE_GET_INFO of any kernel since Linux 5.10: [`Device::information`](crate::Device).
    ///
    /// # Errors
    ///
    /// Those of [`HostFunction::read`].
    pub fn new(device: &[u8]) -> Result<Self, HostFunctionError> {
        let host = HostFunction::read(device, ByteOrder::NATIVE)?;
        Ok(Self { vendor: 0, device: 0, function: host.function(), group: host.group(), handle: host.handle() })
    }

    /// Adds what sysfs has of the function in `directory`: [`Places::function`](crate::Places::function).
    ///
    /// # Errors
    ///
    /// There is no `function_id`, `vendor` or `device` that could be read; what later kernels alone have may be
    /// missing.
    pub fn with_sysfs(mut self, directory: &Path) -> io::Result<Self> {
        let number = |name: &str| -> io::Result<u64> {
            let text = fs::read_to_string(directory.join(name))?;
            let text = text.trim();
            let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
            u64::from_str_radix(digits, radix)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{name} is no number: {text:?}")))
        };
        let out_of_range = |name: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{name} is out of range"));
        self.function.id = FunctionId(number("function_id")?.try_into().map_err(|_| out_of_range("function_id"))?);
        self.vendor = number("vendor")?.try_into().map_err(|_| out_of_range("vendor"))?;
        self.device = number("device")?.try_into().map_err(|_| out_of_range("device"))?;
        if let Ok(uid) = number("uid") {
            self.function.uid = Uid(uid.try_into().map_err(|_| out_of_range("uid"))?);
        }
        if let Ok(port) = number("port") {
            self.function.port = port.try_into().map_err(|_| out_of_range("port"))?;
        }
        if let Ok(fidparm) = number("fidparm") {
            self.function.fidparm = fidparm.try_into().map_err(|_| out_of_range("fidparm"))?;
        }
        Ok(self)
    }

    /// Adds what the answer to VFIO_IOMMU_GET_INFO of a container says of the function with the host's identifier `id`;
    /// a kernel without this project's driver says nothing, and nothing is changed.
    ///
    /// All of the function but its BARs, and its group, are as the container says then. What it does not tell, which are RID, TID
    /// and addresses of mapped I/O, is as an earlier step had it.
    ///
    /// # Errors
    ///
    /// The capabilities cannot be read.
    pub fn with_container(mut self, container: &[u8], id: FunctionId) -> Result<Self, ChainError> {
        let (mut functions, mut groups, mut formats) = (Vec::new(), Vec::new(), Vec::new());
        let (_, capabilities) = Capabilities::new::<IommuInformation>(container, ByteOrder::NATIVE)?;
        for raw in capabilities {
            match IommuCapability::new(&raw?) {
                Some(IommuCapability::Functions(entries)) => functions.extend(entries),
                Some(IommuCapability::Groups(entries)) => groups.extend(entries),
                Some(IommuCapability::TableFormats(entries)) => formats.extend(entries),
                _ => {}
            }
        }
        let Some(entry) = functions.iter().find(|entry| entry.fid == id.0) else {
            return Ok(self);
        };
        let group = groups.iter().find(|group| group.gid == entry.gid);
        let format = formats.get(usize::from(entry.format)).and_then(|format| format.format());
        if let Some((group, format)) = group.zip(format) {
            self.group = group.group(&format);
        }
        let Function { bars, rid, tid, mio, .. } = self.function;
        self.function = Function { bars, rid, tid, mio, ..entry.function() };
        Ok(self)
    }

    /// Adds what iommufd says of the function, in a kernel with this project's driver:
    /// [`HardwareData::information`](crate::HardwareData::information).
    #[must_use]
    pub const fn with_hardware(mut self, hardware: &HardwareInformation) -> Self {
        self.group.relaxed_translation = hardware.flags & HardwareInformation::RELAXED_TRANSLATION != 0;
        self.group.refresh = hardware.flags & HardwareInformation::REFRESH != 0;
        self.group.designation_types = DesignationTypes(hardware.dtsm);
        self
    }

    /// Adds the BARs, which VFIO has as regions: [`Device::bars`](crate::Device::bars).
    #[must_use]
    pub const fn with_bars(mut self, bars: [Bar; 6]) -> Self {
        self.function.bars = bars;
        self
    }

    /// Passes the function through: what the guest is told of it by CLP, and the controls that answer its instructions.
    ///
    /// The group is added to `groups`, unless it is there.
    ///
    /// # Errors
    ///
    /// [`GiveError`].
    pub fn give<const N: usize>(
        &self,
        groups: &mut Groups<N>,
        given: &Given,
    ) -> Result<(GuestFunction, FunctionControls), GiveError> {
        if self.vendor == 0 {
            return Err(GiveError::NoVendor);
        }
        let (start_dma, end_dma) = given.window.unwrap_or((self.function.start_dma, self.function.end_dma));
        let passthrough = Passthrough {
            id: given.id,
            uid: given.uid,
            group: groups.add(self.function.group, &self.group, &given.virtualization)?,
            bars: self.function.bars,
            start_dma,
            end_dma,
            fmb_length: given.fmb_length,
            place: given.place,
        };
        let function = passthrough.function(&self.function)?;
        let guest = GuestFunction::new(self.vendor, self.device, given.handle, &function)?;
        let limits = Limits::new(&function, &self.seen_group(&given.virtualization)).ok_or(GiveError::NoPage)?;
        let configuration = Configuration {
            id: given.id,
            limits,
            max_interrupts: self.group.max_interrupts,
            has_measurement: given.fmb_length != 0,
            rules: given.rules,
        };
        Ok((guest, FunctionControls::new(given.handle, configuration)))
    }

    /// The group as far as translation goes, with what the guest is told.
    const fn seen_group(&self, virtualization: &Virtualization) -> FunctionGroup {
        match virtualization.translation {
            GuestTranslation::Nested => self.group,
            GuestTranslation::Shadowed { roots, relaxed_translation } => {
                FunctionGroup { refresh: true, designation_types: roots, relaxed_translation, ..self.group }
            }
        }
    }
}

/// What a guest gets in place of the host's values.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Identifier (FID).
    pub id: FunctionId,
    /// User-defined identifier (UID).
    pub uid: Uid,
    /// Handle, without the enable bit; another one than all other functions of the guest have.
    pub handle: FunctionHandle,
    /// First and last DMA address, inclusive, within those of the host; all of them with `None`.
    pub window: Option<(u64, u64)>,
    /// What the VMM does itself; it has no default.
    pub virtualization: Virtualization,
    /// Length in bytes of the measurement block that the VMM writes; 0 if it writes none.
    pub fmb_length: u16,
    /// Where the function is among others.
    pub place: Option<Place>,
    /// The machine that the guest believes to run on.
    pub rules: Rules,
}

/// Why a guest cannot have a function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum GiveError {
    /// Vendor and device are not known: [`Host::with_sysfs`], or the configuration space.
    NoVendor,
    /// The window has no whole page.
    NoPage,
    /// The group cannot be told.
    Groups(GroupsError),
    /// The window is not the function's.
    Passthrough(PassthroughError),
    /// A value that no function can have.
    Function(FunctionError),
}

impl From<GroupsError> for GiveError {
    fn from(error: GroupsError) -> Self {
        Self::Groups(error)
    }
}

impl From<PassthroughError> for GiveError {
    fn from(error: PassthroughError) -> Self {
        Self::Passthrough(error)
    }
}

impl From<FunctionError> for GiveError {
    fn from(error: FunctionError) -> Self {
        Self::Function(error)
    }
}

impl fmt::Display for GiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVendor => f.write_str("vendor and device are not known"),
            Self::NoPage => f.write_str("the window has no whole page"),
            Self::Groups(error) => error.fmt(f),
            Self::Passthrough(error) => error.fmt(f),
            Self::Function(error) => error.fmt(f),
        }
    }
}

impl Error for GiveError {}
