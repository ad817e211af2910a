// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci caps`.

use super::{decode::show, Endian, ReadingOptions};
use crate::decode::{decode, Kind};
use crate::input::Input;
use crate::{Output, Stop, GOOD, WRONG};

/// Options of `zpci caps`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Files with the buffer of VFIO_DEVICE_GET_INFO, VFIO_IOMMU_GET_INFO or IOMMU_GET_HW_INFO, `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// What the buffer is of; by default, what it looks like
    #[arg(long = "as", value_name = "CALL")]
    call: Option<Call>,
    /// The order of bytes; by default, the one in which argsz is a size
    #[arg(long, value_name = "ORDER")]
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

pub(crate) fn run(options: &Options, mut output: Output<'_>) -> Result<u8, Stop> {
    let mut code = GOOD;
    for (index, name) in options.files.iter().enumerate() {
        let mut input = Input::read(name, &options.reading.reading())?;
        let kind = options.call.map(|call| match call {
            Call::Device => Kind::VfioDevice,
            Call::Container => Kind::VfioIommu,
            Call::HwInfo => Kind::HwInfo,
        });
        let report = decode(&mut input, kind, options.order.map(Into::into))?;
        if !matches!(report.kind, "vfio-device" | "vfio-iommu" | "hw-info") {
            return Err(Stop::Unreadable(format!(
                "{name}: this looks like another thing ({}), which has no capabilities",
                report.title
            )));
        }
        if options.files.len() > 1 && !options.json {
            let blank = if index > 0 { "\n" } else { "" };
            writeln!(output.out, "{blank}{name}")?;
        }
        show(&report, Some(&input), options.verbose, options.json, &mut output)?;
        code = code.max(if report.is_good() { GOOD } else { WRONG });
    }
    Ok(code)
}
