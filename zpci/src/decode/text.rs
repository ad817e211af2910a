// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Values in words.

use clp::field::{Field, Kind, Part, Word};
use clp::set_pci_fn::Operation;
use clp::{CommandCode, DesignationTypes, FunctionHandle, FunctionType, ResponseCode, UtilityString};
use s390_iommu::vfio::ByteOrder;
use s390_iommu::{EventCode, Iota, Root};

use super::table::number;

/// The digits of `bytes` without anything between.
pub(crate) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number of bytes, as people say it.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let exact = UNITS.iter().enumerate().rev().find_map(|(index, unit)| {
        let one = 1u64 << (10 * (index + 1));
        (bytes >= one && bytes.is_multiple_of(one)).then(|| format!("{} {unit}", bytes / one))
    });
    exact.unwrap_or_else(|| format!("{bytes} bytes"))
}

/// The numbers of the bits that are set in `value`, from the most significant.
pub(crate) fn bits_of(word: &Word, value: u64) -> String {
    let set: Vec<String> =
        (0..word.width).filter(|bit| value >> (word.width - 1 - bit) & 1 != 0).map(|bit| bit.to_string()).collect();
    format!("{} {}", if set.len() == 1 { "bit" } else { "bits" }, set.join(", "))
}

/// What `bytes`, one element or the whole of `field`, say.
pub(crate) fn of(field: &Field, bytes: &[u8], order: ByteOrder) -> String {
    let number = number(order, bytes);
    let width = 2 + 2 * bytes.len();
    let plain = match number {
        Some(number) => format!("{number:#0width$x}"),
        None => digits(bytes),
    };
    let Some(number) = number else {
        return match field.kind {
            Kind::Text => utility_string(bytes),
            Kind::SizeLog2 => bars(bytes),
            Kind::Reserved if bytes.iter().all(|byte| *byte == 0) => "reserved, zero".to_owned(),
            Kind::Reserved => format!("reserved, not zero: {plain}"),
            _ => plain,
        };
    };
    match field.kind {
        Kind::Reserved if number == 0 => "reserved, zero".to_owned(),
        Kind::Reserved => format!("reserved, not zero: {plain}"),
        Kind::Count => number.to_string(),
        Kind::Size => format!("{number} bytes"),
        Kind::SizeLog2 => bars(bytes),
        Kind::Milliseconds => format!("{number} ms"),
        Kind::LittleEndian => format!("{:#010x}", (number as u32).swap_bytes()),
        Kind::Bytes => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join("."),
        Kind::Bits => field.word.map_or(plain, |word| bits(word, number)),
        Kind::Format => match number {
            0 => "0".to_owned(),
            _ => format!("format {}, {plain}", number >> 28),
        },
        Kind::Command => command(number as u16),
        Kind::Response => response(number as u16),
        Kind::Handle => handle(number as u32),
        Kind::FunctionType => function_type(number as u8),
        Kind::Operation => match Operation(number as u8).name() {
            Some(name) => format!("{number} {name}"),
            None => format!("{number}, which is no known operation"),
        },
        Kind::DesignationTypes => designation_types(number as u8),
        Kind::Event => event(number as u16),
        Kind::Anchor => anchor(number),
        Kind::Address => format!("{number:#x}"),
        _ => plain,
    }
}

/// A handle, and what it says by itself.
pub(crate) fn handle(value: u32) -> String {
    let handle = FunctionHandle(value);
    match handle.is_enabled() {
        true => format!("{handle}, enabled"),
        false => format!("{handle}, disabled"),
    }
}

/// A response code with its meaning.
pub(crate) fn response(value: u16) -> String {
    match ResponseCode(value).name() {
        Some(name) => format!("{value:#06x} {name}"),
        None => format!("{value:#06x}, which is no known code"),
    }
}

fn command(value: u16) -> String {
    match CommandCode(value).name() {
        Some(name) => format!("{value:#06x} {name}"),
        None => format!("{value:#06x}, which is no known command"),
    }
}

/// A function type with its name.
pub(crate) fn function_type(value: u8) -> String {
    match FunctionType(value) {
        FunctionType::UNCLASSIFIED => format!("{value:#04x} unclassified"),
        known => match known.name() {
            Some(name) => format!("{value:#04x} {name}"),
            None => format!("{value:#04x}, which is no known type"),
        },
    }
}

/// The code of an error or availability event.
pub(crate) fn event(value: u16) -> String {
    let meaning = EventCode(value).meaning().or_else(|| s390_iommu::AvailabilityCode(value).meaning());
    match meaning {
        Some(meaning) => format!("{value:#06x} {meaning}"),
        None => format!("{value:#06x}, which is no known event"),
    }
}

/// Designation types: which roots.
pub(crate) fn designation_types(value: u8) -> String {
    let types = DesignationTypes(value);
    let name = |n: u8| match Root::ALL.into_iter().find(|root| root.designation_type() == n) {
        Some(Root::RegionThird) => "region-third".to_owned(),
        Some(Root::RegionSecond) => "region-second".to_owned(),
        Some(Root::RegionFirst) => "region-first".to_owned(),
        None => format!("type {n}"),
    };
    let supported: Vec<String> = (0..8).filter(|n| types.supports(*n)).map(name).collect();
    match supported.is_empty() {
        true => format!("{value:#04x}, no table"),
        false => format!("{value:#04x}, {}", supported.join(", ")),
    }
}

/// An I/O translation anchor.
pub(crate) fn anchor(value: u64) -> String {
    let iota = Iota::from_bits(value);
    if value == 0 {
        return "no translation".to_owned();
    }
    if !iota.translation() {
        return format!("translation off, and yet {value:#x}");
    }
    let root = Root::ALL.into_iter().find(|root| root.designation_type() == iota.designation_type());
    match root {
        Some(root) => format!("{} at {}, translation on", root.table_type(), iota.origin()),
        None => format!("designation type {}, which is that of no table", iota.designation_type()),
    }
}

/// BARs by their sizes.
fn bars(bytes: &[u8]) -> String {
    let present = bytes.iter().enumerate().filter(|(_, log2)| **log2 != 0);
    let text: Vec<String> = present
        .map(|(index, log2)| match 1u64.checked_shl(u32::from(*log2)) {
            Some(bytes) => format!("BAR {index}: {}", size(bytes)),
            None => format!("BAR {index}: 2^{log2} bytes"),
        })
        .collect();
    if text.is_empty() {
        return "no BAR".to_owned();
    }
    text.join(", ")
}

fn utility_string(bytes: &[u8]) -> String {
    match <[u8; UtilityString::SIZE]>::try_from(bytes) {
        Ok(bytes) if bytes == [0; UtilityString::SIZE] => "none".to_owned(),
        Ok(bytes) => format!("{:?}", UtilityString(bytes).to_string()),
        Err(_) => digits(bytes),
    }
}

/// The bits of a word: names of those that are set, and values of what has more than one.
pub(crate) fn bits(word: &Word, number: u64) -> String {
    let is_set = |part: &&Part| word.value(part, number) != 0;
    let says = |part: &Part| match part.first == part.last {
        true => part.meaning.to_owned(),
        false if word.parts.len() == 1 => word.value(part, number).to_string(),
        false => format!("{} {}", part.linux_name.unwrap_or(part.name), word.value(part, number)),
    };
    let mut said: Vec<String> = word.parts.iter().filter(is_set).map(says).collect();
    if said.is_empty() && word.parts.len() == 1 && word.parts.iter().all(|part| part.first != part.last) {
        said.push("0".to_owned());
    }
    let reserved = number & word.reserved();
    if reserved != 0 {
        said.push(format!("reserved {}", bits_of(word, reserved)));
    }
    match said.is_empty() {
        true => "none".to_owned(),
        false => said.join(", "),
    }
}
