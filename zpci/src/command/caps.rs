// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci caps`.

use super::{decode::show, live, Endian, ReadingOptions};
use crate::decode::{decode, Kind};
use crate::input::Input;
use crate::{Output, Stop, GOOD, WRONG};

/// Options of `zpci caps`.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "source", required = true, multiple = false, args = ["files", "device", "container", "hw_info"])]
pub(crate) struct Options {
    /// Files with the buffer of VFIO_DEVICE_GET_INFO, VFIO_IOMMU_GET_INFO or IOMMU_GET_HW_INFO, `-` for standard input
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Ask the kernel by VFIO_DEVICE_GET_INFO, of functions that are bound to vfio-pci
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_delimiter = ',')]
    device: Vec<String>,
    /// Ask the kernel by VFIO_IOMMU_GET_INFO, of a container with these functions in it
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_delimiter = ',')]
    container: Vec<String>,
    /// Ask the kernel by IOMMU_GET_HW_INFO, of functions that are bound to vfio-pci
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_delimiter = ',')]
    hw_info: Vec<String>,
    /// How --device opens a function; by default, through its group where there is one
    #[arg(long, value_name = "API", conflicts_with_all = ["files", "container", "hw_info"])]
    by: Option<Api>,
    /// What the buffer is of; by default, what it looks like
    #[arg(long = "as", value_name = "CALL", conflicts_with_all = ["device", "container", "hw_info"])]
    call: Option<Call>,
    /// The order of bytes; by default, the one in which argsz is a size
    #[arg(long, value_name = "ORDER", conflicts_with_all = ["device", "container", "hw_info"])]
    order: Option<Endian>,
    /// Show every field
    #[arg(short, long)]
    verbose: bool,
    /// Write JSON, of the schema zpci-decode/1
    #[arg(short, long)]
    json: bool,
    #[command(flatten)]
    reading: ReadingOptions,
}

/// What a buffer is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Call {
    /// VFIO_DEVICE_GET_INFO
    Device,
    /// VFIO_IOMMU_GET_INFO
    Container,
    /// The s390 data of IOMMU_GET_HW_INFO
    HwInfo,
}

impl Call {
    const fn kind(self) -> Kind {
        match self {
            Self::Device => Kind::VfioDevice,
            Self::Container => Kind::VfioIommu,
            Self::HwInfo => Kind::HwInfo,
        }
    }
}

/// How a function is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Api {
    /// Through its group and a container of type 1
    Type1,
    /// By its own file and an iommufd
    Iommufd,
}

/// A buffer, and what it is of where that is known.
struct Asked {
    input: Input,
    kind: Option<Kind>,
    order: Option<Endian>,
}

pub(crate) fn run(options: &Options, mut output: Output<'_>) -> Result<u8, Stop> {
    let asked = if options.files.is_empty() { of_kernel(options)? } else { of_files(options)? };
    let mut code = GOOD;
    let count = asked.len();
    for (index, Asked { mut input, kind, order }) in asked.into_iter().enumerate() {
        let report = decode(&mut input, kind, order.map(Into::into))?;
        if !matches!(report.kind, "vfio-device" | "vfio-iommu" | "hw-info") {
            return Err(Stop::Unreadable(format!(
                "{}: this looks like another thing ({}), which has no capabilities",
                input.name, report.title
            )));
        }
        if count > 1 && !options.json {
            let blank = if index > 0 { "\n" } else { "" };
            writeln!(output.out, "{blank}{}", input.name)?;
        }
        show(&report, Some(&input), options.verbose, options.json, &mut output)?;
        code = code.max(if report.is_good() { GOOD } else { WRONG });
    }
    Ok(code)
}

fn of_files(options: &Options) -> Result<Vec<Asked>, Stop> {
    let reading = options.reading.reading();
    let kind = options.call.map(Call::kind);
    let read = |name: &String| Ok(Asked { input: Input::read(name, &reading)?, kind, order: options.order });
    options.files.iter().map(read).collect()
}

#[cfg(not(target_os = "linux"))]
fn of_kernel(_: &Options) -> Result<Vec<Asked>, Stop> {
    Ok(live::check("zpci caps with an address", CAPTURED).map(|()| Vec::new())?)
}

const CAPTURED: &str = "the buffer that a call left: zpci caps FILE...";

#[cfg(target_os = "linux")]
fn of_kernel(options: &Options) -> Result<Vec<Asked>, Stop> {
    live::check("zpci caps with an address", CAPTURED)?;
    let asked = |name: &str, call: Call, bytes: Vec<u8>| Asked {
        input: Input { name: name.to_owned(), bytes, ..Input::default() },
        kind: Some(call.kind()),
        order: Some(if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little }),
    };
    let places = zpci_vfio::Places::default();
    let opened = |error: zpci_vfio::OpenError| error.to_string();
    let mut found = Vec::new();
    if !options.container.is_empty() {
        let addresses: Vec<&str> = options.container.iter().map(String::as_str).collect();
        let name = addresses.join(" ");
        let type1 = places.open_type1(&addresses).map_err(opened)?;
        let bytes = type1.container.information().map_err(|error| format!("VFIO_IOMMU_GET_INFO: {error}"))?;
        found.push(asked(&name, Call::Container, bytes));
    }
    for address in &options.device {
        let by = match options.by {
            Some(api) => api,
            None if places.has_group(address) => Api::Type1,
            None => Api::Iommufd,
        };
        let information = match by {
            Api::Type1 => {
                let type1 = places.open_type1(&[address]).map_err(opened)?;
                type1.devices.first().map(zpci_vfio::Device::information)
            }
            Api::Iommufd => Some(places.open_cdev(address).map_err(opened)?.device.information()),
        };
        let bytes = information.transpose().map_err(|error| format!("{address}: VFIO_DEVICE_GET_INFO: {error}"))?;
        found.push(asked(address, Call::Device, bytes.unwrap_or_default()));
    }
    for address in &options.hw_info {
        let cdev = places.open_cdev(address).map_err(opened)?;
        let data = cdev.iommufd.hardware_information(cdev.device_id);
        let data = data.map_err(|error| format!("{address}: IOMMU_GET_HW_INFO: {error}"))?;
        if data.data_type != s390_iommu::vfio::identifier::HARDWARE {
            return Err(Stop::Unreadable(format!(
                "{address}: IOMMU_GET_HW_INFO has no data of s390 in this kernel (type {:#x}, {} bytes): its driver \
                 has to be this project's",
                data.data_type,
                data.data.len()
            )));
        }
        found.push(asked(address, Call::HwInfo, data.data));
    }
    Ok(found)
}
