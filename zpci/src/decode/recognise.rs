// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What bytes look like.

use clp::field::{Kind as FieldKind, Layout};
use s390_iommu::vfio::{
    ByteOrder, Capabilities, DeviceInformation, IommuInformation, DEVICE_INFORMATION, IOMMU_INFORMATION,
};
use s390_iommu::{AvailabilityCode, EventCode, AVAILABILITY_EVENT, ERROR_EVENT, FIB, MEASUREMENT_BLOCK};

use super::table::{number, Structure};
use super::{block, Kind};
use crate::input::Input;

/// What the input is, by its bytes alone.
///
/// # Errors
///
/// What it may be, if that is nothing or more than one thing.
pub(crate) fn recognise(input: &mut Input) -> Result<Kind, String> {
    let here = candidates(input);
    if input.word_size.is_none() {
        return one(&input.title(), &here);
    }
    // Words whose order the text does not say: the order in which they are something.
    let mut reversed = input.clone();
    reversed.reverse_words();
    let there = candidates(&reversed);
    let size = input.word_size.unwrap_or(0);
    match (here.is_empty(), there.is_empty()) {
        (false, true) => {
            input.notes.push(taken_for(size, "big-endian", "nothing known"));
            input.word_size = None;
            one(&input.title(), &here)
        }
        (true, false) => {
            reversed.notes.push(taken_for(size, "little-endian", "nothing known"));
            reversed.word_size = None;
            *input = reversed;
            one(&input.title(), &there)
        }
        _ => Err(words(input)),
    }
}

/// Puts words whose order is not known into the one in which they are `kind`.
///
/// # Errors
///
/// They are one in both orders, or in none.
pub(crate) fn settle_words(input: &mut Input, kind: Kind) -> Result<(), String> {
    let Some(size) = input.word_size else {
        return Ok(());
    };
    let here = candidates(input).contains(&kind);
    let mut reversed = input.clone();
    reversed.reverse_words();
    let there = candidates(&reversed).contains(&kind);
    let order = match (here, there) {
        (true, false) => "big-endian",
        (false, true) => {
            *input = reversed;
            "little-endian"
        }
        _ => return Err(words(input)),
    };
    input.notes.push(taken_for(size, order, &format!("no {}", kind_name(kind))));
    input.word_size = None;
    Ok(())
}

fn taken_for(size: usize, order: &str, otherwise: &str) -> String {
    format!("words of {size} bytes, taken for {order}: otherwise they are {otherwise}")
}

fn words(input: &Input) -> String {
    format!(
        "{}: words of {} bytes, and the text does not say in which order their bytes are: --words big (od on s390x, \
         od --endian=big) or --words little (od and hexdump on x86)",
        input.title(),
        input.word_size.unwrap_or(0)
    )
}

fn one(name: &str, candidates: &[Kind]) -> Result<Kind, String> {
    match candidates {
        [kind] => Ok(*kind),
        [] => Err(format!("{name}: this looks like nothing that is known; --as says what it is")),
        several => {
            let names: Vec<String> = several.iter().map(|kind| kind_name(*kind)).collect();
            Err(format!("{name}: this may be {}; --as says which", names.join(" or ")))
        }
    }
}

/// The name of a kind on the command line.
pub(crate) fn kind_name(kind: Kind) -> String {
    clap::ValueEnum::to_possible_value(&kind).map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Everything that the bytes can be.
fn candidates(input: &Input) -> Vec<Kind> {
    let bytes = input.bytes.as_slice();
    let has = |size: usize| bytes.len() == size || bytes.len() < size && input.zeros_follow;
    let mut found = Vec::new();
    let mut push = |is_it: bool, kind: Kind| {
        if is_it {
            found.push(kind);
        }
    };
    push(block::is_block(bytes), Kind::Clp);
    push(has(FIB.size) && bytes.len() >= 16 && is_fib(bytes), Kind::Fib);
    push(has(MEASUREMENT_BLOCK.size) && is_measurement(bytes) || is_short_measurement(bytes), Kind::Fmb);
    push(bytes.len() == 32 && is_event(bytes, &ERROR_EVENT), Kind::ErrorEvent);
    push(bytes.len() == 32 && is_event(bytes, &AVAILABILITY_EVENT), Kind::AvailabilityEvent);
    let starts = |prefix: &[u8]| bytes.starts_with(prefix);
    push(bytes.len() >= 16 && starts(&[0x00, 0x10, 0x00, 0x0e, 0, 0, 0, 0]), Kind::EventInformation);
    push(
        is_vfio::<DeviceInformation>(bytes, &DEVICE_INFORMATION, |front| {
            let number = |name| front.number(name).unwrap_or(0);
            number("flags") & 2 != 0
                && number("flags") < 0x200
                && (1..=64).contains(&number("num_regions"))
                && number("num_irqs") <= 64
        }),
        Kind::VfioDevice,
    );
    push(
        is_vfio::<IommuInformation>(bytes, &IOMMU_INFORMATION, |front| {
            front.number("flags").is_some_and(|flags| flags & !3 == 0 && flags != 0)
                && front.number("iova_pgsizes").is_some_and(|sizes| sizes != 0 && sizes % 4096 == 0)
        }),
        Kind::VfioIommu,
    );
    found
}

/// Whether what is reserved in the first 16 bytes is zero.
fn is_fib(bytes: &[u8]) -> bool {
    let zero = |from: usize, to: usize| bytes.get(from..to).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
    let state = bytes.get(8).copied().unwrap_or(0xff);
    bytes.first().is_some_and(|format| *format <= 1) && zero(1, 8) && zero(9, 16) && state & 0x0f == 0
}

/// Whether format and indicators are known ones, and there is a time.
fn is_measurement(bytes: &[u8]) -> bool {
    let block = Structure::new(&MEASUREMENT_BLOCK, bytes, 0);
    let indicators = block.number("indicators").unwrap_or(1);
    let time = block.number("last_update").unwrap_or(0);
    block.number("format").is_some_and(|format| format <= 3)
        && indicators & 0x7f_ffff == 0
        && time & 0x00ff_ffff_ffff_ffff != 0
}

/// A block without all of the counters of formats.
fn is_short_measurement(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 48 | 56 | 64 | 72) && is_measurement(bytes)
}

/// Whether it is an event of a function, of a known code, with zeros where they belong.
fn is_event(bytes: &[u8], layout: &'static Layout) -> bool {
    let event = Structure::new(layout, bytes, 0);
    let is_zero = |field: &clp::field::Field| event.bytes_of(field).is_some_and(|bytes| bytes.iter().all(|b| *b == 0));
    let mut reserved = layout.fields.iter().filter(|field| matches!(field.kind, FieldKind::Reserved));
    let code = event.number("code").unwrap_or(0) as u16;
    let is_known = match layout.field("address") {
        Some(_) => EventCode(code).meaning().is_some(),
        None => AvailabilityCode(code).meaning().is_some(),
    };
    reserved.all(is_zero) && is_known && event.number("handle").is_some_and(|handle| handle != 0)
}

/// Whether it is an information structure in just one order of bytes.
fn is_vfio<I: s390_iommu::vfio::Information>(
    bytes: &[u8],
    layout: &'static Layout,
    is_it: impl Fn(&Structure<'_>) -> bool,
) -> bool {
    [ByteOrder::Big, ByteOrder::Little]
        .into_iter()
        .filter(|order| is_in_order::<I>(bytes, layout, *order, &is_it))
        .count()
        == 1
}

fn is_in_order<I: s390_iommu::vfio::Information>(
    bytes: &[u8],
    layout: &'static Layout,
    order: ByteOrder,
    is_it: &impl Fn(&Structure<'_>) -> bool,
) -> bool {
    let front = Structure { layout, bytes, offset: 0, order };
    let argsz = bytes.get(..4).and_then(|bytes| number(order, bytes)).unwrap_or(0);
    (16..=1 << 20).contains(&argsz) && is_it(&front) && Capabilities::new::<I>(bytes, order).is_ok()
}

/// The order of bytes in which the structure at the front makes sense; `None` if that is both or none.
pub(crate) fn order_of(bytes: &[u8]) -> Option<ByteOrder> {
    let argsz = |order| bytes.get(..4).and_then(|bytes| number(order, bytes)).unwrap_or(0);
    let is_size = |order: &ByteOrder| (16..=1 << 20).contains(&argsz(*order));
    let mut orders = [ByteOrder::Big, ByteOrder::Little].into_iter().filter(is_size);
    match (orders.next(), orders.next()) {
        (Some(order), None) => Some(order),
        _ => None,
    }
}
