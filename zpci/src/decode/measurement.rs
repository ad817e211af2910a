// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Function measurement blocks.

use s390_iommu::{MeasurementBlock, MEASUREMENT_BLOCK};

use super::table::Structure;
use crate::input::Input;
use crate::report::Report;

/// Bytes of the counters that every format has.
const COMMON: usize = 48;

/// Decodes a measurement block, which may be shorter than the longest format.
pub(crate) fn decode(input: &Input) -> Report {
    let mut report = Report { kind: "fmb", title: "FMB".to_owned(), ..Report::default() };
    let mut bytes = input.bytes.clone();
    if input.zeros_follow && bytes.len() < MEASUREMENT_BLOCK.size {
        bytes.resize(MEASUREMENT_BLOCK.size, 0);
    }
    if bytes.len() < COMMON {
        let text = format!("FMB: {} bytes, and the counters of every format take {COMMON}", bytes.len());
        report.complain(0, bytes.len(), "length", "at least 48", text);
    }
    if let Some(first) = bytes.iter().skip(MEASUREMENT_BLOCK.size).position(|byte| *byte != 0) {
        let text = "FMB: bytes behind the longest format are not zero".to_owned();
        report.complain(MEASUREMENT_BLOCK.size + first, 1, "unknown", "zero", text);
    }
    bytes.truncate(MEASUREMENT_BLOCK.size);
    let whole_counters = bytes.len() / 8 * 8;
    if bytes.len() > COMMON && bytes.iter().skip(whole_counters).any(|byte| *byte != 0) {
        let text = format!("FMB: {} bytes end within a counter", bytes.len());
        report.complain(whole_counters, bytes.len() - whole_counters, "length", "whole counters", text);
    }
    // The last field is an array, of which there may be a part.
    let mut whole = bytes.clone();
    whole.resize(MEASUREMENT_BLOCK.size, 0);
    let block = Structure::new(&MEASUREMENT_BLOCK, &whole, 0);
    let mut section = block.read("fmb", &mut report);
    section.rows.retain(|row| row.offset + row.bytes.len() <= bytes.len());
    let format = block.number("format").unwrap_or(0) as u8;
    let is_valid = block.number("indicators").is_some_and(|indicators| indicators & 0x80_0000 != 0);
    let names = MeasurementBlock::counters(format);
    for row in section.rows.iter_mut().filter(|row| row.offset >= COMMON) {
        let index = (row.offset - COMMON) / 8;
        match names.get(index) {
            Some(name) => {
                (*name).clone_into(&mut row.name);
                row.is_minor = format == 0 && !is_valid && row.bytes.iter().all(|byte| *byte == 0);
                if format == 0 && !is_valid {
                    row.text = format!("{}: not valid, by the indicators", row.text);
                }
            }
            None => {
                row.name = format!("unknown[{index}]");
                row.is_minor = row.bytes.iter().all(|byte| *byte == 0);
                if !row.is_minor {
                    let text = format!("FMB: format {format} has no counter at {:#06x} that is known", row.offset);
                    report.complain(row.offset, 8, &row.name.clone(), "zero", text);
                }
            }
        }
    }
    if format > 3 {
        report.complain(0, 1, "format", "0 to 3", format!("FMB: format {format} is not known"));
    }
    let sample = block.number("sample").unwrap_or(0);
    let time = block.number("last_update").unwrap_or(0);
    let torn = if time & 1 != 0 { ", being written: the counters may be of two samples" } else { "" };
    report.headline = format!("FMB, format {format}: sample {sample}{torn}");
    report.sections.push(section);
    report
}
