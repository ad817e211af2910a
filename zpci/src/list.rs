// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions, put together of what several blocks say of them, or of what a running system says.

mod captured;
#[cfg(target_os = "linux")]
mod clp_device;
mod live;
mod said;
mod sysfs;

use pci_ids::FromId;

use clp::{Bar, DesignationTypes, FunctionGroup, FunctionHandle, FunctionId, FunctionState, FunctionType, Uid};

pub(crate) use captured::read as read_blocks;
#[cfg(target_os = "linux")]
pub(crate) use clp_device::ClpDevice;
pub(crate) use live::read as read_live;
pub(crate) use sysfs::{identities, read as read_sysfs};

use crate::decode::{self, state_name};

/// A function, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    /// Where it is in Linux.
    pub(crate) address: Option<String>,
    pub(crate) id: Option<FunctionId>,
    pub(crate) uid: Option<Uid>,
    /// Whether its UID identifies it.
    pub(crate) uid_is_unique: bool,
    pub(crate) pchid: Option<u16>,
    pub(crate) vfn: Option<u16>,
    pub(crate) pft: Option<FunctionType>,
    pub(crate) group: Option<u8>,
    pub(crate) handle: Option<FunctionHandle>,
    pub(crate) state: Option<FunctionState>,
    /// Vendor and device.
    pub(crate) ids: Option<(u16, u16)>,
    pub(crate) port: Option<u8>,
    pub(crate) path: Option<[u8; 4]>,
    pub(crate) utility_string: Option<String>,
    pub(crate) window: Option<(u64, u64)>,
    pub(crate) bars: Option<[Bar; 6]>,
    pub(crate) fmb_length: Option<u16>,
    pub(crate) rid: Option<u16>,
    pub(crate) group_values: Option<FunctionGroup>,
}

/// A column: its name, and what it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum Column {
    /// Address in Linux
    Address,
    /// Function identifier
    Fid,
    /// User-defined identifier; `*` where it identifies nothing
    Uid,
    /// Physical channel identifier
    Pchid,
    /// Virtual function number
    Vfn,
    /// Function type
    Pft,
    /// Function group
    Group,
    /// State: enabled, configured, standby
    State,
    /// Function handle
    Handle,
    /// Vendor and device, with their names
    Device,
    /// Physical port
    Port,
    /// Function internal path
    Path,
    /// Utility string
    Util,
    /// DMA window
    Window,
    /// BARs and their sizes
    Bars,
    /// Length of the measurement block
    Fmb,
    /// Most interrupts of the group
    Noi,
    /// Roots of the group
    Dtsm,
    /// Whether the group wants a refresh on map
    Refresh,
    /// Whether functions of the group may do without translation
    Rtr,
    /// Routing identifier: bus and devfn
    Rid,
    /// Most directed interrupts of the group
    Dnoi,
    /// Most processors for directed interrupts
    Maxcpu,
    /// Address that MSIs of the group are written to
    Msi,
    /// Longest block of PCISTB
    Maxstbl,
    /// Interval of the measurement block in milliseconds
    Mui,
    /// Version of PCI
    Version,
    /// DMA address space mask, whose meaning no public source says
    Dasm,
    /// A bit of the group, whose meaning no public source says
    Frame,
    /// A number of the group, whose meaning no public source says
    Maxfaal,
}

impl Column {
    /// What is shown unless something else is asked for.
    pub(crate) const DEFAULT: [Self; 10] = [
        Self::Address,
        Self::Fid,
        Self::Uid,
        Self::Pchid,
        Self::Vfn,
        Self::Pft,
        Self::Group,
        Self::State,
        Self::Handle,
        Self::Device,
    ];

    /// The name of the column.
    pub(crate) fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What it says of a function; `None` if that is not known.
    pub(crate) fn of(self, function: &Listed) -> Option<String> {
        let group = function.group_values.as_ref();
        Some(match self {
            Self::Address => function.address.clone()?,
            Self::Fid => function.id?.to_string(),
            Self::Uid => format!("{:#06x}{}", function.uid?.0, if function.uid_is_unique { "" } else { "*" }),
            Self::Pchid => format!("{:#06x}", function.pchid?),
            Self::Vfn => function.vfn?.to_string(),
            Self::Pft => format!("{:#04x}", function.pft?.0),
            Self::Group => format!("{:#04x}", function.group?),
            Self::State => state_name(function.state?).to_owned(),
            Self::Handle => function.handle?.to_string(),
            Self::Device => device(function.ids?),
            Self::Port => function.port?.to_string(),
            Self::Path => function.path?.map(|segment| format!("{segment:02x}")).join("."),
            Self::Util => function.utility_string.clone()?,
            Self::Window => {
                let (first, last) = function.window?;
                format!("{first:#x}..={last:#x}")
            }
            Self::Bars => bars(&function.bars?),
            Self::Fmb => format!("{}", function.fmb_length?),
            Self::Noi => group?.max_interrupts.to_string(),
            Self::Dtsm => roots(group?.designation_types),
            Self::Refresh => yes_or_no(group?.refresh),
            Self::Rtr => yes_or_no(group?.relaxed_translation),
            Self::Rid => format!("{:#06x}", function.rid?),
            Self::Dnoi => group?.max_directed_interrupts.to_string(),
            Self::Maxcpu => group?.max_cpu.to_string(),
            Self::Msi => format!("{:#x}", group?.msi_address),
            Self::Maxstbl => group?.max_store_block.to_string(),
            Self::Mui => group?.measurement_interval_ms.to_string(),
            Self::Version => group?.version.to_string(),
            Self::Dasm => format!("{:#x}", group?.dasm),
            Self::Frame => yes_or_no(group?.frame),
            Self::Maxfaal => format!("{:#x}", group?.maxfaal),
        })
    }
}

fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// Vendor and device, with their names where they are known.
fn device((vendor, device): (u16, u16)) -> String {
    let name = match (pci_ids::Device::from_vid_pid(vendor, device), pci_ids::Vendor::from_id(vendor)) {
        (Some(device), _) => format!(" {}", device.name()),
        (None, Some(vendor)) => format!(" {}", vendor.name()),
        (None, None) => String::new(),
    };
    format!("{vendor:04x}:{device:04x}{name}")
}

fn bars(bars: &[Bar; 6]) -> String {
    let present = bars.iter().enumerate().filter_map(|(index, bar)| Some((index, bar.size()?)));
    let text: Vec<String> = present.map(|(index, size)| format!("{index}: {}", decode::size(size))).collect();
    if text.is_empty() {
        return "none".to_owned();
    }
    text.join(", ")
}

fn roots(types: DesignationTypes) -> String {
    let text = decode::designation_types(types.0);
    text.split_once(", ").map_or(text.clone(), |(_, roots)| roots.to_owned())
}
