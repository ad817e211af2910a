// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The numbers that the header gives names.

use std::fs;

use zpci_glue::attachment::STEP_MORE;
use zpci_glue::container::{ForeignRefusal, HARDWARE_SIZE};
use zpci_glue::function::ForeignFunction;
use zpci_glue::limits::ForeignLimits;
use zpci_glue::measurement::SAMPLE_SIZE;
use zpci_glue::table::READ_ONLY;

use crate::compiler::{accept, file};

const CONSTANTS: [(&str, usize); 16] = [
    ("ZPCI_RUST_PHYSICAL", ForeignFunction::PHYSICAL as usize),
    ("ZPCI_RUST_RID", ForeignFunction::RID as usize),
    ("ZPCI_RUST_TID", ForeignFunction::TID as usize),
    ("ZPCI_RUST_UTILITY_STRING", ForeignFunction::UTILITY_STRING as usize),
    ("ZPCI_RUST_MIO", ForeignFunction::MIO as usize),
    ("ZPCI_RUST_REFRESH", ForeignFunction::REFRESH as usize),
    ("ZPCI_RUST_RELAXED_TRANSLATION", ForeignFunction::RELAXED_TRANSLATION as usize),
    ("ZPCI_RUST_LIMITS_REFRESH", ForeignLimits::REFRESH as usize),
    ("ZPCI_RUST_LIMITS_RELAXED_TRANSLATION", ForeignLimits::RELAXED_TRANSLATION as usize),
    ("ZPCI_RUST_REFUSED_DESIGNATION_TYPES", ForeignRefusal::DESIGNATION_TYPES as usize),
    ("ZPCI_RUST_REFUSED_FRAME_SIZES", ForeignRefusal::FRAME_SIZES as usize),
    ("ZPCI_RUST_REFUSED_RELAXED_TRANSLATION", ForeignRefusal::RELAXED_TRANSLATION as usize),
    ("ZPCI_RUST_HARDWARE_SIZE", HARDWARE_SIZE),
    ("ZPCI_RUST_SAMPLE_SIZE", SAMPLE_SIZE),
    ("ZPCI_RUST_READ_ONLY", READ_ONLY as usize),
    ("ZPCI_RUST_STEP_MORE", STEP_MORE as usize),
];

pub(crate) fn all() {
    let header = fs::read_to_string(file("include/zpci_rust.h")).expect("the header");
    let defined: Vec<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "ZPCI_RUST_H")
        .collect();
    assert_eq!(defined, CONSTANTS.map(|(name, _)| name));
    let asserts = CONSTANTS.map(|(name, value)| format!("_Static_assert({name} == {value}, \"{name}\");\n"));
    accept(&format!("#include \"zpci_rust.h\"\n{}", asserts.concat()), &[]);
}
