// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The attributes of a function and of a domain.

use clp::{DesignationTypes, FunctionGroup};
use s390_iommu::vfio::{HardwareInformation, MsiCapability};
use s390_iommu::{
    Container, DmaWindow, Domain, DomainFunction, FrameSizes, IovaRange, MsiWindow, RefreshOnMap, RelaxedTranslation,
    TableFormat,
};

use crate::sample::{first_function, first_group, range, second_group, with_container, FORMAT, OTHER_FORMAT};

/// Returns the first function, with a group that `change` changed.
fn changed(change: impl FnOnce(&mut FunctionGroup)) -> DomainFunction {
    let (function, mut group) = (first_function(), first_group());
    change(&mut group);
    DomainFunction { function, group, aperture: range(0x1_0000_0000, 0x1_0000_ffff) }
}

#[test]
fn of_a_function() {
    let function = changed(|_| ());
    assert_eq!(function.get_attr(), Some(DmaWindow(range(0x1_0000_0000, 0x1ff_ffff_ffff_ffff))));
    assert_eq!(function.get_attr(), Some(RefreshOnMap(true)));
    assert_eq!(function.get_attr(), Some(RelaxedTranslation(true)));
    let format = TableFormat::of_function(&function.function, &function.group, FrameSizes::SMALL);
    assert_eq!(format, Some(TableFormat { frame_sizes: FrameSizes::SMALL, ..FORMAT }));
}

#[test]
fn of_a_domain() {
    with_container(|container| {
        let windows: Vec<_> = container.domains().map(|domain| domain.get_attr()).collect();
        let low = 0x1_0000_0000;
        assert_eq!(windows, [Some(DmaWindow(range(low, 0x1_3fff_ffff))), Some(DmaWindow(range(low, 0x1_7fff_ffff)))]);
        let refresh: Vec<RefreshOnMap> = container.domains().map(|domain| domain.get_attr().unwrap()).collect();
        assert_eq!(refresh, [RefreshOnMap(true), RefreshOnMap(false)]);
        let formats: Vec<TableFormat> = container.domains().map(|domain| domain.get_attr().unwrap()).collect();
        assert_eq!(formats, [FORMAT, OTHER_FORMAT]);
        let relaxed: Vec<RelaxedTranslation> = container.domains().map(|domain| domain.get_attr().unwrap()).collect();
        assert_eq!(relaxed, [RelaxedTranslation(true), RelaxedTranslation(false)]);
    });
}

/// Each function has an aperture of its own, and a domain what they have in common.
#[test]
fn apertures_of_one_domain() {
    let window = |apertures: &[(u64, u64)]| {
        let functions =
            apertures.iter().map(|&(start, last)| DomainFunction { aperture: range(start, last), ..changed(|_| ()) });
        Domain { format: FORMAT, reserved: &[], functions }.get_attr::<DmaWindow>()
    };
    assert_eq!(window(&[(0x1000, 0x7fff), (0x3000, 0x9fff)]), Some(DmaWindow(range(0x3000, 0x7fff))));
    assert_eq!(window(&[(0x1000, 0x2fff), (0x3000, 0x9fff)]), None);
    assert_eq!(window(&[]), None);
}

/// A function without a whole page to address has no window and no format, and still all the rest.
#[test]
fn what_does_not_apply_is_absent() {
    let mut function = changed(|_| ());
    (function.function.start_dma, function.function.end_dma) = (1, 0xfff);
    assert_eq!(function.get_attr::<DmaWindow>(), None);
    assert_eq!(TableFormat::of_function(&function.function, &function.group, FrameSizes::SMALL), None);
    assert_eq!(HardwareInformation::new(&function.function, &function.group, FrameSizes::SMALL), None);
    assert!(function.get_attr::<MsiWindow>().is_some());
    assert_eq!(changed(|group| group.max_interrupts = 0).get_attr::<MsiWindow>(), None);
}

#[test]
fn where_interrupts_are_written_to() {
    let window = |change: fn(&mut FunctionGroup)| {
        let window: MsiWindow = changed(change).get_attr().unwrap();
        assert!(!window.needs_mapping);
        (window.range.start().get(), window.range.last().get())
    };
    assert_eq!(window(|_| ()), (0xfe00_0000_0000_0000, 0xfe00_0000_0000_0fff));
    assert_eq!(window(|group| *group = second_group()), (0xfc00_0000_1200_0000, 0xfc00_0000_12ff_ffff));
    assert_eq!(window(|group| group.msi_address = u64::MAX), (0xffff_ffff_ffff_f000, u64::MAX));
    assert_eq!(window(|group| group.msi_address = 0), (0, 0xfff));
}

/// An interrupt is no memory, so its addresses may not be mapped even if the function could address them.
#[test]
fn interrupts_are_left_out_of_the_usable_addresses() {
    let functions = [changed(|group| group.msi_address = 0x1_0000_5000)];
    let domains = [Domain { format: FORMAT, reserved: &[], functions: functions.iter().copied() }];
    let container = Container::new(domains.iter().cloned());
    let expected = [range(0x1_0000_0000, 0x1_0000_4fff), range(0x1_0000_6000, 0x1_0000_ffff)];
    assert_eq!(container.usable().collect::<Vec<_>>(), expected);
}

/// Where interrupts need a mapping, the smallest page that all domains take says how many pages.
#[test]
fn pages_for_interrupts() {
    let window = |start, last, needs_mapping| MsiWindow { range: range(start, last), needs_mapping };
    let count = |windows: &[MsiWindow], sizes: &[u64]| {
        let capability = MsiCapability::new(windows.iter().copied(), sizes.iter().copied());
        (capability.flags, capability.nr_pages, capability.page_size, capability.nr_windows)
    };
    let large = window(0x10_0000, 0x2f_ffff, true);
    let untranslated = window(0, 0xfff, false);
    assert_eq!(count(&[untranslated], &[0x1000]), (0, 0, 0x1000, 1));
    assert_eq!(count(&[large], &[0x1000]), (1, 512, 0x1000, 1));
    assert_eq!(count(&[large], &[0x10_1000, 0x10_0000]), (1, 2, 0x10_0000, 1));
    assert_eq!(count(&[large, untranslated], &[0x1_1000, 0x1_0000]), (1, 32, 0x1_0000, 2));
    // A window that shares pages with what is around it takes them all.
    assert_eq!(count(&[window(0xf_f000, 0x10_0fff, true)], &[0x10_0000]), (1, 2, 0x10_0000, 1));
    // No page that all take, and more pages than the field can say.
    assert_eq!(count(&[large], &[0x1000, 0x2000]), (1, 0, 0, 1));
    let all = MsiWindow { range: IovaRange::ALL, needs_mapping: true };
    assert_eq!(count(&[all], &[0x1000]), (1, u32::MAX, 0x1000, 1));
}

/// Returns what iommufd reports of the first function, with a group that `change` changed.
fn information(change: impl FnOnce(&mut FunctionGroup)) -> HardwareInformation {
    let function = changed(change);
    HardwareInformation::new(&function.function, &function.group, FrameSizes::SMALL).unwrap()
}

#[test]
fn hardware_information_in_any_buffer() {
    let information = information(|group| {
        *group = second_group();
        group.designation_types = DesignationTypes(0x46);
    });
    let expected = HardwareInformation {
        flags: HardwareInformation::RELAXED_TRANSLATION | HardwareInformation::MSI_WINDOW,
        designation_types: 0x62,
        dtsm: 0x46,
        reserved: 0,
        frame_sizes: 0x1000,
        msi_start: 0xfc00_0000_1200_0000,
        msi_end: 0xfc00_0000_12ff_ffff,
    };
    assert_eq!(information, expected);
    let mut full = [0xa5; 32];
    assert_eq!(information.emit(&mut full), 32);
    for size in 0..=96 {
        let mut bytes = [0xa5; 128];
        assert_eq!(information.emit(&mut bytes[..size]), 32);
        let written = size.min(32);
        assert_eq!(bytes[..written], full[..written]);
        assert!(bytes[written..size].iter().all(|&byte| byte == 0));
        assert!(bytes[size..].iter().all(|&byte| byte == 0xa5));
    }
}

/// The byte is as the machine stored it, also when the kinds of roots are taken to be more.
#[test]
fn a_group_that_names_no_root() {
    let information = information(|group| group.designation_types = DesignationTypes(0));
    assert_eq!((information.dtsm, information.designation_types), (0, 2));
    assert_eq!(information.flags & HardwareInformation::REFRESH, HardwareInformation::REFRESH);
}
