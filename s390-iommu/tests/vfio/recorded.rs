// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Whole answers in both byte orders, written and read.

use std::convert::Infallible;

use clp::FunctionHandle;
use s390_iommu::vfio::{
    answer, ByteOrder, Capabilities, CapabilityHeader, Chain, DeviceCapability, DeviceInformation, DmaAvailable,
    FunctionEntry, GapEntry, GroupEntry, Information, IommuCapability, IommuInformation, IovaRangeEntry, IovaRanges,
    Migration, MsiWindowEntry, ProposedZpciBase, ProposedZpciGroup, Sink, TableFormatEntry, ZpciBase, ZpciGroup,
    ZpciPath, ZpciUtilityString,
};
use s390_iommu::ErrorEvent;

use crate::fixture;
use crate::sample::{append, first_function, first_group, range, with_container};

/// Writes an answer into a buffer of `size` bytes, which was poisoned before.
fn written(
    information: impl Information,
    order: ByteOrder,
    size: usize,
    append: impl Fn(&mut Chain<'_>) -> Result<(), Infallible>,
) -> Vec<u8> {
    let mut bytes = vec![0xa5; size];
    answer(information, order, &mut bytes, append).unwrap();
    bytes
}

const DEVICE: DeviceInformation =
    DeviceInformation { argsz: 0, flags: DeviceInformation::PCI, num_regions: 9, num_irqs: 5, cap_offset: 0, pad: 0 };

/// The capabilities of the device that the fixtures have.
fn device_capabilities() -> (ZpciBase, ZpciGroup, ZpciUtilityString, ZpciPath) {
    let mut function = first_function();
    (function.pchid, function.vfn, function.fmb_length) = (0x1c0, 1, 64);
    let mut group = first_group();
    (group.dasm, group.measurement_interval_ms) = (0xffff_ffff_0000_0000, 1000);
    (group.max_interrupts, group.version, group.max_store_block) = (64, 1, 4096);
    let aperture = range(0x1_0000_0000, 0x1ff_ffff_ffff_ffff);
    (
        ZpciBase::new(&function, FunctionHandle(0x8001_0007), aperture),
        ZpciGroup::new(&group),
        ZpciUtilityString::new(&function).unwrap(),
        ZpciPath::new(&function),
    )
}

/// Who knows the versions of Linux reads the proposed ones as far as these go.
#[test]
fn proposed_versions_are_read_by_old_readers() {
    let (base, ..) = device_capabilities();
    let function = first_function();
    for order in [ByteOrder::Big, ByteOrder::Little] {
        let bytes = written(DEVICE, order, 24 + 48 + 56, |chain| {
            chain.append(ProposedZpciBase::new(base.with_error_events(32), &function))?;
            chain.append(ProposedZpciGroup::new(&first_group()))
        });
        let (_, capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
        let found: Vec<_> = capabilities.map(|raw| DeviceCapability::new(&raw.unwrap()).unwrap()).collect();
        let [DeviceCapability::Base(read_base), DeviceCapability::Group(read_group)] = found[..] else {
            panic!("{found:?}")
        };
        let header = |header, version| CapabilityHeader { version, next: if version == 4 { 72 } else { 0 }, ..header };
        let expected = base.with_error_events(32);
        assert_eq!(read_base, ZpciBase { header: header(expected.header, 4), ..expected });
        let expected = ZpciGroup::new(&first_group());
        assert_eq!(read_group, ZpciGroup { header: header(expected.header, 3), ..expected });
    }
}

#[test]
fn a_device_is_written() {
    let (base, group, utility_string, path) = device_capabilities();
    for (order, expected) in fixture::device() {
        let bytes = written(DEVICE, order, 128, |chain| {
            chain.append(base)?;
            chain.append(group)?;
            chain.append(path)
        });
        assert_eq!(bytes, expected);
    }
    for (order, expected) in fixture::device_with_utility_string() {
        let append = |chain: &mut Chain<'_>| -> Result<(), Infallible> {
            chain.append(base)?;
            chain.append(group)?;
            chain.append(utility_string)?;
            chain.append(path)
        };
        assert_eq!(written(DEVICE, order, 208, append), expected);
        // What a buffer of 24 bytes gets: what is needed, and nothing of the chain.
        let short = written(DEVICE, order, 24, append);
        assert_eq!(short[..16], expected[..16]);
        assert_eq!(short[16..], [0; 8]);
    }
}

/// Version 3 of the base says how long an error event is. The other versions have no such field, whatever is in its place.
#[test]
fn a_device_with_error_events() {
    let (base, group, _, path) = device_capabilities();
    for (order, expected) in fixture::device_with_error_events() {
        let base = base.with_error_events(ErrorEvent::SIZE as u32);
        let bytes = written(DEVICE, order, 128, |chain| {
            chain.append(base)?;
            chain.append(group)?;
            chain.append(path)
        });
        assert_eq!(bytes, expected);
        let read = |version: u8| {
            let mut bytes = expected.clone();
            // The version is at 24 + 2.
            bytes[if order == ByteOrder::Big { 27 } else { 26 }] = version;
            let (_, mut capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
            match DeviceCapability::new(&capabilities.next().unwrap().unwrap()) {
                Some(DeviceCapability::Base(base)) => (base.fh, base.ccdf_err_length),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(read(1), (0, 0));
        assert_eq!(read(2), (0x8001_0007, 0));
        assert_eq!(read(3), (0x8001_0007, 32));
        assert_eq!(read(4), (0x8001_0007, 32));
    }
}

fn with_next(header: CapabilityHeader, next: u32) -> CapabilityHeader {
    CapabilityHeader { next, ..header }
}

#[test]
fn a_device_is_read() {
    let (mut base, mut group, mut utility_string, path) = device_capabilities();
    base.header = with_next(base.header, 64);
    group.header = with_next(group.header, 112);
    utility_string.header = with_next(utility_string.header, 192);
    for (order, bytes) in fixture::device_with_utility_string() {
        let (information, capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
        assert_eq!(information, DeviceInformation { argsz: 208, flags: 0x82, cap_offset: 24, ..DEVICE });
        let found: Vec<_> = capabilities.map(|raw| DeviceCapability::new(&raw.unwrap()).unwrap()).collect();
        let expected = [
            DeviceCapability::Base(base),
            DeviceCapability::Group(group),
            DeviceCapability::UtilityString(utility_string),
            DeviceCapability::Path(path),
        ];
        assert_eq!(found, expected);
    }
    for (order, bytes) in fixture::device() {
        let (information, capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
        assert_eq!(information.argsz, 128);
        let lengths: Vec<_> =
            capabilities.map(|raw| raw.unwrap()).map(|raw| (raw.header.id, raw.bytes.len())).collect();
        assert_eq!(lengths, [(1, 40), (2, 48), (4, 16)]);
    }
}

/// A group of version 1 ends where the longer limit was added, a base where the handle was.
#[test]
fn an_older_version_is_read_as_far_as_it_goes() {
    for (order, mut bytes) in fixture::device() {
        // The versions of the two, at 24 + 2 and 64 + 2, whose bytes are 00 02 or 02 00.
        let (high, low) = if order == ByteOrder::Big { (0, 1) } else { (1, 0) };
        for version in [26, 66] {
            assert_eq!((bytes[version + high], bytes[version + low]), (0, 2));
            bytes[version + low] = 1;
        }
        let (_, capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
        let found: Vec<_> = capabilities.filter_map(|raw| DeviceCapability::new(&raw.unwrap())).collect();
        let [DeviceCapability::Base(base), DeviceCapability::Group(group), DeviceCapability::Path(_)] = found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!((base.header.version, base.fh, base.pchid), (1, 0, 0x1c0));
        assert_eq!((group.header.version, group.imaxstbl, group.maxstbl), (1, 0, 128));
    }
}

#[test]
fn type1_is_written() {
    for (order, expected) in fixture::iommu() {
        let bytes = written(IommuInformation::new(0x1000), order, 104, |chain| {
            chain.append(Migration::new(0x1000, 0x1000_0000))?;
            chain.append(DmaAvailable::new(65535))?;
            let ranges = [range(0x1_0000_0000, 0x1_0fff_ffff)].into_iter().map(IovaRangeEntry::from);
            chain.append_with(IovaRanges::of(ranges.clone()), ranges)
        });
        assert_eq!(bytes, expected);
    }
}

#[test]
fn type1_is_read() {
    for (order, bytes) in fixture::iommu() {
        let (information, capabilities) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
        assert_eq!((information.argsz, information.flags, information.iova_pgsizes), (104, 3, 0x1000));
        let found: Vec<_> = capabilities.map(|raw| IommuCapability::new(&raw.unwrap()).unwrap()).collect();
        let [IommuCapability::Migration(migration), IommuCapability::DmaAvailable(available), IommuCapability::IovaRanges(entries)] =
            &found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!((migration.pgsize_bitmap, migration.max_dirty_bitmap_size), (0x1000, 0x1000_0000));
        assert_eq!(available.avail, 65535);
        let entries: Vec<_> = entries.clone().collect();
        assert_eq!(entries, [IovaRangeEntry { start: 0x1_0000_0000, end: 0x1_0fff_ffff }]);
    }
}

#[test]
fn a_container_is_written() {
    with_container(|container| {
        for (order, expected) in fixture::container() {
            let information = IommuInformation::new(0x1000);
            let bytes = written(information, order, expected.len(), |chain| append(container, chain));
            assert_eq!(bytes, expected);
        }
    });
}

#[test]
fn a_container_is_read() {
    for (order, bytes) in fixture::container() {
        let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
        let mut names = Vec::new();
        for raw in capabilities {
            names.push(match IommuCapability::new(&raw.unwrap()).unwrap() {
                IommuCapability::IovaRanges(entries) => {
                    let ends: Vec<_> = entries.map(|entry| (entry.start, entry.end)).collect();
                    assert_eq!(ends, [(0x1_0000_0000, 0x1_0fff_ffff), (0x1_2000_0000, 0x1_3fff_ffff)]);
                    "ranges".to_owned()
                }
                IommuCapability::DmaAvailable(_) => "available".to_owned(),
                IommuCapability::TableFormats(entries) => {
                    let format =
                        |it: TableFormatEntry| format!("{:x} {:x} {}", it.frame_sizes, it.designation_types, it.flags);
                    format!("formats {}", entries.map(format).collect::<Vec<_>>().join(", "))
                }
                IommuCapability::Gaps(entries) => {
                    let entries: Vec<GapEntry> = entries.collect();
                    assert_eq!(
                        entries[1],
                        GapEntry { start: 0x1_1000_0000, end: 0x1_1fff_ffff, reasons: 8, reserved: 0 }
                    );
                    assert_eq!(entries.last().unwrap().end, u64::MAX);
                    format!("{} gaps", entries.len())
                }
                IommuCapability::Groups(entries) => {
                    let group = |it: GroupEntry| format!("{} {} {:x}", it.gid, it.flags, it.maxstbl);
                    format!("groups {}", entries.map(group).collect::<Vec<_>>().join(", "))
                }
                IommuCapability::Functions(entries) => {
                    let function = |it: FunctionEntry| format!("{:x} {:x} {}", it.fid, it.pchid, it.format);
                    format!("functions {}", entries.map(function).collect::<Vec<_>>().join(", "))
                }
                IommuCapability::Msi(msi, entries) => {
                    let entries: Vec<MsiWindowEntry> = entries.collect();
                    let (start, end) = (0xfe00_0000_0000_0000, 0xfe00_0000_0000_0fff);
                    assert_eq!(entries[0], MsiWindowEntry { start, end, flags: 0, reserved: 0 });
                    let (start, end) = (0xfc00_0000_1200_0000, 0xfc00_0000_12ff_ffff);
                    assert_eq!(entries[1..], [MsiWindowEntry { start, end, flags: 0, reserved: 0 }]);
                    format!("interrupts {} {:x}", msi.nr_pages, msi.page_size)
                }
                other => panic!("{other:?}"),
            });
        }
        let expected = [
            "available",
            "ranges",
            "formats 101000 6 1, 1000 2 0",
            "interrupts 0 1000",
            "7 gaps",
            "groups 7 1 1234, 9 0 1fff",
            "functions 11121314 3132 0, 91929394 7172 0, 51525354 7172 1",
        ];
        assert_eq!(names, expected);
    }
}
