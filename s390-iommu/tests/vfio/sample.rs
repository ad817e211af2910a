// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Three functions of two groups, in two domains with different formats.

use std::convert::Infallible;
use std::iter::{Cloned, Copied};
use std::slice::Iter;

use clp::{
    Bar, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionId, FunctionType, Uid, UtilityString,
};
use s390_iommu::vfio::{Chain, DmaAvailable, Sink};
use s390_iommu::{
    Container, Domain, DomainFunction, FrameSizes, Iova, IovaRange, Reasons, ReservedRegion, TableFormat,
};

/// A domain whose functions are in a slice, and a container whose domains are in one.
pub(crate) type SliceDomain<'a> = Domain<'a, Copied<Iter<'a, DomainFunction>>>;
pub(crate) type SliceContainer<'a> = Container<Cloned<Iter<'a, SliceDomain<'a>>>>;

pub(crate) fn range(start: u64, last: u64) -> IovaRange {
    IovaRange::new(Iova::new(start), Iova::new(last)).unwrap()
}

pub(crate) const FORMAT: TableFormat = TableFormat {
    designation_types: DesignationTypes(0x60),
    frame_sizes: FrameSizes::WITH_LARGE,
    relaxed_translation: true,
};

/// The format of the second domain.
pub(crate) const OTHER_FORMAT: TableFormat = TableFormat {
    designation_types: DesignationTypes(0x40),
    frame_sizes: FrameSizes::SMALL,
    relaxed_translation: false,
};

pub(crate) fn first_function() -> Function {
    let mut utility_string = [0x40; 64];
    utility_string[..4].fill(0xc1);
    Function {
        id: FunctionId(0x1112_1314),
        uid: Uid(0x2122_2324),
        group: FunctionGroupId(7),
        function_type: FunctionType(0x0a),
        is_physical: true,
        vfn: 0x4142,
        pchid: 0x3132,
        port: 5,
        internal_path: [1, 2, 3, 4],
        fidparm: 6,
        rid: Some(0xbbbb),
        tid: Some(0xbbbb),
        bars: [Bar::new([0xbb; 4], 20).unwrap(); 6],
        mio: None,
        start_dma: 0x1_0000_0000,
        end_dma: 0x1ff_ffff_ffff_ffff,
        fmb_length: 1020,
        utility_string: Some(UtilityString(utility_string)),
    }
}

pub(crate) fn second_function() -> Function {
    Function {
        id: FunctionId(0x5152_5354),
        uid: Uid(0x6162_6364),
        group: FunctionGroupId(9),
        function_type: FunctionType(0x05),
        is_physical: false,
        vfn: 0x8182,
        pchid: 0x7172,
        port: 0,
        internal_path: [0xa1, 0xa2, 0xa3, 0xa4],
        fidparm: 0,
        fmb_length: 64,
        utility_string: None,
        ..first_function()
    }
}

/// A function of the first group that uses the first domain as well.
pub(crate) fn third_function() -> Function {
    Function { id: FunctionId(0x9192_9394), group: FunctionGroupId(7), ..second_function() }
}

pub(crate) fn first_group() -> FunctionGroup {
    FunctionGroup {
        max_interrupts: 128,
        max_directed_interrupts: 0,
        max_cpu: 0xbbbb,
        version: 2,
        relaxed_translation: true,
        frame: true,
        refresh: true,
        designation_types: DesignationTypes(0x60),
        max_store_block: 0x1234,
        measurement_interval_ms: 4000,
        maxfaal: 0xbbbb,
        dasm: 0x0102_0304_0506_0708,
        msi_address: 0xfe00_0000_0000_0000,
    }
}

pub(crate) fn second_group() -> FunctionGroup {
    FunctionGroup {
        max_interrupts: 0xfff,
        max_directed_interrupts: 1,
        version: 1,
        refresh: false,
        designation_types: DesignationTypes(0x70),
        max_store_block: 0x1fff,
        measurement_interval_ms: 1000,
        dasm: 0xffff_ffff_0000_0000,
        msi_address: 0xfc00_0000_1234_5678,
        ..first_group()
    }
}

/// Calls `check` with the container of the three functions.
pub(crate) fn with_container(check: impl FnOnce(&SliceContainer<'_>)) {
    let attached = |function, group, last| DomainFunction { function, group, aperture: range(0x1_0000_0000, last) };
    let first = [
        attached(first_function(), first_group(), 0x1_3fff_ffff),
        attached(third_function(), first_group(), 0x1_3fff_ffff),
    ];
    let second = [attached(second_function(), second_group(), 0x1_7fff_ffff)];
    let reserved = [range(0x1_1000_0000, 0x1_1fff_ffff), range(0, 0xffff_ffff)]
        .map(|range| ReservedRegion { range, reasons: Reasons::RESERVED });
    let domains = [
        Domain { format: FORMAT, reserved: &reserved, functions: first.iter().copied() },
        Domain { format: OTHER_FORMAT, reserved: &[], functions: second.iter().copied() },
    ];
    check(&Container::new(domains.iter().cloned()));
}

/// Adds what type1 reports of the container, and the container itself.
pub(crate) fn append(container: &SliceContainer<'_>, chain: &mut Chain<'_>) -> Result<(), Infallible> {
    chain.append(DmaAvailable::new(65535))?;
    container.append_to(chain)
}
