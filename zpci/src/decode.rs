// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Bytes decoded: blocks and structures by their fields, numbers by their bits.

mod block;
mod chain;
mod fib;
mod measurement;
mod number;
mod recognise;
mod table;
mod text;

use clp::FunctionState;
use s390_iommu::vfio::ByteOrder;
use s390_iommu::{AVAILABILITY_EVENT, ERROR_EVENT, EVENT_INFORMATION};

use crate::input::Input;
use crate::report::Report;
use table::Structure;

pub(crate) use block::command_layouts;
pub(crate) use number::number as parse_number;
pub(crate) use recognise::settle_words;
pub(crate) use text::{designation_types, size};

/// What bytes or a number can be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, clap::ValueEnum)]
pub enum Kind {
    /// A CLP block: request and response of any command
    Clp,
    /// A function information block
    Fib,
    /// An error event
    ErrorEvent,
    /// An availability event
    AvailabilityEvent,
    /// The block of CHSC "store event information"
    EventInformation,
    /// A function measurement block
    Fmb,
    /// The buffer of VFIO_DEVICE_GET_INFO
    VfioDevice,
    /// The buffer of VFIO_IOMMU_GET_INFO
    VfioIommu,
    /// The s390 data of IOMMU_GET_HW_INFO
    HwInfo,
    /// An I/O translation anchor, a number
    Iota,
    /// A table entry of any kind, a number
    Entry,
    /// A region-first entry, a number
    RegionFirst,
    /// A region-second entry, a number
    RegionSecond,
    /// A region-third entry, a number
    RegionThird,
    /// A segment entry, a number
    Segment,
    /// A page entry, a number
    Page,
    /// The answer of a zPCI instruction: "cc1 0x8002000018000004", or the register alone
    Status,
    /// A response code of CLP, a number
    ResponseCode,
    /// The code of an event, a number
    EventCode,
    /// A function handle, a number
    Handle,
}

impl Kind {
    /// Whether it is a number, which the command line has itself.
    pub(crate) fn is_number(self) -> bool {
        use Kind::{
            Entry, EventCode, Handle, Iota, Page, RegionFirst, RegionSecond, RegionThird, ResponseCode, Segment, Status,
        };
        matches!(
            self,
            Iota | Entry
                | RegionFirst
                | RegionSecond
                | RegionThird
                | Segment
                | Page
                | Status
                | ResponseCode
                | EventCode
                | Handle
        )
    }
}

/// Decodes `input` as `kind`, or as what it looks like.
///
/// # Errors
///
/// What the input may be, if that is nothing or more than one thing.
pub fn decode(input: &mut Input, kind: Option<Kind>, order: Option<ByteOrder>) -> Result<Report, String> {
    let kind = match kind {
        Some(kind) => {
            settle_words(input, kind)?;
            kind
        }
        None => recognise::recognise(input)?,
    };
    let mut report = match kind {
        Kind::Clp => block::decode(input),
        Kind::Fib => fib::decode(input),
        Kind::ErrorEvent => event(input, &ERROR_EVENT, "error-event"),
        Kind::AvailabilityEvent => event(input, &AVAILABILITY_EVENT, "availability-event"),
        Kind::EventInformation => information(input),
        Kind::Fmb => measurement::decode(input),
        Kind::VfioDevice => chain::device(&input.bytes, order),
        Kind::VfioIommu => chain::iommu(&input.bytes, order),
        Kind::HwInfo => chain::hardware(&input.bytes, order),
        number => {
            let bytes: [u8; 8] = input.bytes.as_slice().try_into().map_err(|_| {
                format!(
                    "{}: a number has 8 bytes, and the input {}; or it is given on the command line",
                    input.title(),
                    input.bytes.len()
                )
            })?;
            number::decode(number, &format!("{:#x}", u64::from_be_bytes(bytes)))?
        }
    };
    report.notes.splice(0..0, input.notes.iter().cloned());
    Ok(report)
}

/// Decodes the number `text`.
///
/// # Errors
///
/// Why it is no number, or none of this kind.
pub fn decode_number(kind: Kind, text: &str) -> Result<Report, String> {
    number::decode(kind, text)
}

/// The state of a function in a word.
pub(crate) fn state_name(state: FunctionState) -> &'static str {
    match state {
        FunctionState::Reserved => "reserved",
        FunctionState::Standby => "standby",
        FunctionState::Configured => "configured",
        FunctionState::Enabled => "enabled",
    }
}

/// The bytes of the input, as many as `size` or, where zeros are left out, made so many.
fn sized(input: &Input, size: usize, report: &mut Report) -> Vec<u8> {
    let mut bytes = input.bytes.clone();
    if bytes.len() < size && input.zeros_follow {
        bytes.resize(size, 0);
    }
    if bytes.len() < size {
        let text = format!("{}: it has {size} bytes, and the input {}", report.title, bytes.len());
        report.complain(0, bytes.len(), "length", "that of the structure", text);
    }
    if let Some(first) = bytes.iter().skip(size).position(|byte| *byte != 0) {
        let text = format!("{}: bytes behind its {size} bytes are not zero", report.title);
        report.complain(size + first, 1, "unknown", "zero", text);
    }
    bytes.truncate(size);
    bytes
}

fn event(input: &Input, layout: &'static clp::field::Layout, kind: &'static str) -> Report {
    let mut report = Report { kind, title: layout.title.to_owned(), ..Report::default() };
    let bytes = sized(input, layout.size, &mut report);
    let structure = Structure::new(layout, &bytes, 0);
    let section = structure.read("event", &mut report);
    report.sections.push(section);
    report.headline = event_headline(&structure);
    report
}

fn event_headline(event: &Structure<'_>) -> String {
    let code = event.number("code").unwrap_or(0) as u16;
    let id = event.number("id").unwrap_or(0);
    let at = event.number("address").map(|address| format!(", at IOVA {address:#x}")).unwrap_or_default();
    format!("{} of function {id:#010x}: {}{at}", event.layout.title, text::event(code))
}

/// The block of CHSC, and the event in it.
fn information(input: &Input) -> Report {
    let layout = &EVENT_INFORMATION;
    let mut report = Report { kind: "event-information", title: layout.title.to_owned(), ..Report::default() };
    let mut whole = input.bytes.clone();
    // The block is a page, the rest of which is not used.
    if whole.len() > layout.size && whole.iter().skip(layout.size).all(|byte| *byte == 0) {
        whole.truncate(layout.size);
    }
    let bytes = sized(&Input { bytes: whole, ..input.clone() }, layout.size, &mut report);
    let structure = Structure::new(layout, &bytes, 0);
    let mut section = structure.read("block", &mut report);
    let inner = match (structure.number("response"), structure.number("notification_type"), structure.number("content"))
    {
        (Some(1), Some(2), Some(1)) => Some(&ERROR_EVENT),
        (Some(1), Some(2), Some(2)) => Some(&AVAILABILITY_EVENT),
        _ => None,
    };
    report.headline = match (structure.number("response"), inner) {
        (Some(0), _) => format!("{}: a request, not answered", layout.title),
        (Some(5), _) => format!("{}: no event", layout.title),
        (Some(1), None) => format!("{}: an event of another kind than those of PCI functions", layout.title),
        (Some(1), Some(_)) => String::new(),
        (code, _) => {
            report.is_refused = true;
            format!("{}: response code {:#06x}", layout.title, code.unwrap_or(0))
        }
    };
    let at = layout.size - 32;
    match inner {
        Some(inner) => {
            section.rows.retain(|row| row.name != "ccdf");
            let event = Structure::new(inner, bytes.get(at..).unwrap_or_default(), at);
            let event_section = event.read("event", &mut report);
            let more = structure.number("flags").is_some_and(|flags| flags & 0x80 != 0);
            report.headline = format!("{}{}", event_headline(&event), if more { "; more follow" } else { "" });
            report.sections.push(section);
            report.sections.push(event_section);
        }
        None => report.sections.push(section),
    }
    report
}
