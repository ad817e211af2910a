// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Fixtures as text, and the function that they are about.

use clp::{DesignationTypes, FunctionHandle, FunctionId, FunctionType};
use s390_iommu::guest::{Configuration, FunctionControls, Mpcifc, Refreshed, Rpcit, Rules};
use s390_iommu::{Fib, Iova, IovaRange, Limits};

use crate::books::Books;
use crate::storage::Storage;

/// Reads rows of an offset and words in hexadecimal into a block of zeros.
pub(crate) fn block(text: &str) -> [u8; 80] {
    let mut block = [0; 80];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (offset, words) = line.split_once(": ").unwrap();
        let offset = usize::from_str_radix(offset, 16).unwrap();
        for (word, bytes) in words.split(' ').zip(block[offset..].chunks_exact_mut(4)) {
            bytes.copy_from_slice(&u32::from_str_radix(word, 16).unwrap().to_be_bytes());
        }
    }
    block
}

/// The rows of a table whose columns are separated by `|` with a space on either side.
pub(crate) fn rows<const N: usize>(text: &str) -> Vec<[&str; N]> {
    let rows: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split(" | ").map(str::trim).collect();
            columns.try_into().unwrap_or_else(|_| panic!("not {N} columns: {line}"))
        })
        .collect();
    assert!(!rows.is_empty());
    rows
}

pub(crate) fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).expect(text),
        None => text.parse().expect(text),
    }
}

pub(crate) const DISABLED: FunctionHandle = FunctionHandle(0x0002_0000);
pub(crate) const ENABLED: FunctionHandle = FunctionHandle(0x8002_0000);

/// The function of the fixtures.
pub(crate) fn configuration(rules: Rules) -> Configuration {
    let window = IovaRange::new(Iova::new(0x1_0000_0000), Iova::new(0x01ff_ffff_ffff_ffff)).unwrap();
    Configuration {
        id: FunctionId(1),
        limits: Limits {
            window,
            designation_types: DesignationTypes(0x40),
            relaxed_translation: false,
            refresh_on_map: true,
            function_type: FunctionType::UNCLASSIFIED,
        },
        max_interrupts: 128,
        has_measurement: true,
        rules,
    }
}

pub(crate) fn enabled(configuration: Configuration) -> FunctionControls {
    let mut function = FunctionControls::new(DISABLED, configuration);
    function.enable(ENABLED);
    function
}

/// A FIB with translation parameters.
pub(crate) fn fib(format: u8, pba: u64, pal: u64, iota: u64) -> Fib {
    Fib { format, first: pba.into(), last: pal.into(), iota: iota.into(), ..Fib::ZERO }
}

pub(crate) fn mpcifc(control: u16) -> Mpcifc {
    Mpcifc::decode(u64::from(ENABLED.0) << 32 | u64::from(control), 0).unwrap()
}

pub(crate) fn rpcit(start: u64, length: u64) -> Rpcit {
    Rpcit::decode(u64::from(ENABLED.0) << 32, 2, [start, length]).unwrap()
}

/// Carries out RPCIT in steps of `budget`.
pub(crate) fn carry_out(
    function: &mut FunctionControls,
    request: &Rpcit,
    storage: &Storage,
    books: &mut Books,
    budget: u64,
) -> s390_iommu::guest::Answer {
    let mut progress = function.refresh(request);
    for _ in 0..1_000_000 {
        match progress {
            Refreshed::Done(answer) => return answer,
            Refreshed::More(pending) => progress = function.proceed(pending, storage, books, budget),
        }
    }
    panic!("no end");
}
