// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function and a domain answer when they are asked for an attribute.

use clp::{DesignationTypes, FunctionGroup, FunctionGroupId};
use s390_iommu::vfio::{HardwareInformation, MsiCapability};
use s390_iommu::{
    AttachedFunction, DmaWindow, FrameSizes, FunctionFacts, GroupFacts, IovaRange, MsiWindow, RefreshOnMap,
    RelaxedTranslation, TableFormat,
};

use crate::sample::{first_function, first_group, range, second_group, with_container};

/// Asks the first function, with a group that `change` changed.
fn ask<T>(change: impl FnOnce(&mut FunctionGroup), ask: impl FnOnce(AttachedFunction) -> T) -> T {
    let (function, mut group) = (first_function(), first_group());
    change(&mut group);
    ask(AttachedFunction { function, group, frame_sizes: FrameSizes::SMALL })
}

#[test]
fn of_a_function() {
    ask(
        |_| (),
        |function| {
            let facts: FunctionFacts = function.get_attr().unwrap();
            assert_eq!((facts.id.0, facts.uid.0, facts.group), (0x1112_1314, 0x2122_2324, FunctionGroupId(7)));
            assert_eq!((facts.pchid, facts.vfn, facts.port, facts.fidparm), (0x3132, 0x4142, 5, 6));
            assert_eq!((facts.fmb_length, facts.is_physical, facts.internal_path), (1020, true, [1, 2, 3, 4]));
            let group: GroupFacts = function.get_attr().unwrap();
            assert_eq!((group.id, group.dasm), (FunctionGroupId(7), 0x0102_0304_0506_0708));
            assert_eq!((group.max_interrupts, group.max_store_block), (128, 0x1234));
            let window = range(0x1_0000_0000, 0x1ff_ffff_ffff_ffff);
            assert_eq!(function.get_attr(), Some(DmaWindow(window)));
            assert_eq!(function.get_attr(), Some(RefreshOnMap(true)));
            assert_eq!(function.get_attr(), Some(RelaxedTranslation(true)));
            let format = TableFormat {
                designation_types: DesignationTypes(0x60),
                frame_sizes: FrameSizes::SMALL,
                relaxed_translation: true,
            };
            assert_eq!(function.get_attr(), Some(format));
        },
    );
}

#[test]
fn of_a_domain() {
    with_container(|container| {
        let windows: Vec<DmaWindow> = container.domains().map(|domain| domain.get_attr().unwrap()).collect();
        let low = 0x1_0000_0000;
        assert_eq!(windows, [DmaWindow(range(low, 0x1_3fff_ffff)), DmaWindow(range(low, 0x1_7fff_ffff))]);
        let refresh: Vec<RefreshOnMap> = container.domains().map(|domain| domain.get_attr().unwrap()).collect();
        assert_eq!(refresh, [RefreshOnMap(true), RefreshOnMap(false)]);
        for domain in container.domains() {
            assert_eq!(domain.get_attr(), Some(crate::sample::FORMAT));
            assert_eq!(domain.get_attr(), Some(RelaxedTranslation(true)));
        }
    });
}

/// A function without a whole page to address has no window and no format, and still all the rest.
#[test]
fn what_does_not_apply_is_absent() {
    let (mut function, group) = (first_function(), first_group());
    (function.start_dma, function.end_dma) = (1, 0xfff);
    let function = AttachedFunction { function, group, frame_sizes: FrameSizes::SMALL };
    assert_eq!(function.get_attr::<DmaWindow>(), None);
    assert_eq!(function.get_attr::<TableFormat>(), None);
    assert_eq!(function.get_attr::<HardwareInformation>(), None);
    assert!(function.get_attr::<FunctionFacts>().is_some());
    assert_eq!(ask(|group| group.max_interrupts = 0, |function| function.get_attr::<MsiWindow>()), None);
}

#[test]
fn where_interrupts_are_written_to() {
    let window = |change: fn(&mut FunctionGroup)| {
        let window: MsiWindow = ask(change, |function| function.get_attr().unwrap());
        assert!(!window.needs_mapping);
        (window.range.start().get(), window.range.last().get())
    };
    assert_eq!(window(|_| ()), (0xfe00_0000_0000_0000, 0xfe00_0000_0000_0fff));
    assert_eq!(window(|group| *group = second_group()), (0xfc00_0000_1200_0000, 0xfc00_0000_12ff_ffff));
    assert_eq!(window(|group| group.msi_address = u64::MAX), (0xffff_ffff_ffff_f000, u64::MAX));
    assert_eq!(window(|group| group.msi_address = 0), (0, 0xfff));
}

/// An interrupt is no memory, so its addresses may not be mapped even where the function could address them.
#[test]
fn interrupts_are_left_out_of_the_usable_addresses() {
    ask(
        |group| group.msi_address = 0x1_0000_5000,
        |function| {
            let functions = [function];
            let aperture = range(0x1_0000_0000, 0x1_0000_ffff);
            let (id, format) = (s390_iommu::DomainId(0), function.get_attr().unwrap());
            let domain = s390_iommu::Domain { id, aperture, format, reserved: &[], functions: &functions };
            let mut domains = [None; 1];
            let mut container = s390_iommu::Container::new(&mut domains);
            container.attach(domain, &[]).unwrap();
            let expected = [range(0x1_0000_0000, 0x1_0000_4fff), range(0x1_0000_6000, 0x1_0000_ffff)];
            assert_eq!(container.usable().collect::<Vec<_>>(), expected);
        },
    );
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

#[test]
fn hardware_information_in_any_buffer() {
    let information: HardwareInformation = ask(
        |group| {
            *group = second_group();
            group.designation_types = DesignationTypes(0x46);
        },
        |function| function.get_attr().unwrap(),
    );
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

/// The byte is shown as the machine stored it, also where the kinds of roots were taken to be more.
#[test]
fn a_group_that_names_no_root() {
    let information: HardwareInformation =
        ask(|group| group.designation_types = DesignationTypes(0), |function| function.get_attr().unwrap());
    assert_eq!((information.dtsm, information.designation_types), (0, 2));
    assert_eq!(information.flags & HardwareInformation::REFRESH, HardwareInformation::REFRESH);
}
