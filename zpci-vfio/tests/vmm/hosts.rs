// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Hosts of Linux 5.10, 6.1 and 7.3 as they answer, byte for byte, to what a guest reads by CLP.

use std::fs;
use std::io;

use clp::responder::{Answer, Groups, GuestFunction, Responder, Rules};
use clp::{Bar, ConditionCode, DesignationTypes, FunctionHandle, FunctionId, ListSummary, LogicalProcessor, Uid};
use s390_iommu::vfio::{HardwareInformation, HostFunctionError};
use zpci_vfio::{ask, GiveError, Host};

use crate::guest::{fixture, given};

/// A kernel whose whole answer is `whole`, behind a structure of `front` bytes: a smaller buffer gets as much of the
/// structure as it holds, the flag, the size, and no offset.
///
/// Linux: `vfio_pci_ioctl_get_info`, `drivers/vfio/pci/vfio_pci_core.c`; `vfio_pci_ioctl` before 5.19.
fn kernel(whole: &[u8], front: usize) -> impl FnMut(&mut [u8]) -> io::Result<()> + '_ {
    move |buffer| {
        let offered = u32::from_ne_bytes(buffer[..4].try_into().unwrap()) as usize;
        assert!(offered == buffer.len() && offered >= 16);
        if offered >= whole.len() {
            buffer[..whole.len()].copy_from_slice(whole);
            return Ok(());
        }
        let mut start = whole[..front].to_vec();
        start[16..].fill(0);
        let length = front.min(offered);
        buffer[..length].copy_from_slice(&start[..length]);
        Ok(())
    }
}

/// The fixture, the size of the structure, and whether the kernel tells of a utility string and the longest store
/// block.
const KERNELS: [(&str, usize, bool, u16); 4] = [
    ("device-5.10", 20, true, 128),
    ("device-6.1", 20, true, 4096),
    ("device-7.3", 24, false, 4096),
    ("device-utility-string", 24, true, 4096),
];

/// A directory of sysfs, as Linux 6.1 has it.
fn sysfs() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("vendor", "0x15b3\n"),
        ("device", "0x1016\n"),
        ("function_id", "0x00000101\n"),
        ("uid", "0x1c\n"),
        ("port", "1\n"),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// What the guest is answered to `command`, all of the response.
fn asked(function: GuestFunction, groups: &Groups<2>, command: u8, operand: [u8; 4]) -> Vec<u8> {
    let functions = [None, Some(function)];
    let responder = Responder {
        functions: &functions,
        groups: groups.as_slice(),
        summary: ListSummary { max_functions: 16, uid_checking: true },
        characteristics: None,
        rules: Rules::HARDWARE,
    };
    let mut block = vec![0; 4096];
    block[..4].copy_from_slice(&[0, 32, 0, command]);
    block[16..20].copy_from_slice(&operand);
    block[32..34].copy_from_slice(&0x0180_u16.to_be_bytes());
    let Answer::Done(done) = responder.answer(LogicalProcessor::PCI, &mut block) else { panic!() };
    assert_eq!(done.condition, ConditionCode::Zero);
    block[done.written()].to_vec()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn what_the_guest_reads() {
    for (name, front, has_string, _) in KERNELS {
        let whole = fixture(name);
        let answer = ask(kernel(&whole, front)).unwrap();
        assert_eq!(answer, whole, "{name}");
        let directory = sysfs();
        let mut bars = [Bar::ABSENT; 6];
        bars[0] = Bar::new([0x0c, 0, 0, 0], 20).unwrap();
        let host = Host::new(&answer).unwrap().with_sysfs(directory.path()).unwrap().with_bars(bars);
        assert_eq!((host.function.id, host.function.uid, host.function.port), (FunctionId(0x101), Uid(0x1c), 1));
        let mut groups = Groups::new();
        let (function, controls) = host.give(&mut groups, &given(false)).unwrap();
        assert_eq!(controls.handle(), FunctionHandle(0x0001_0001));

        // LIST PCI: one entry, the identifiers of the guest, configured.
        let list = asked(function, &groups, 2, [0; 4]);
        let expected = bytes(
            "0030 0010 00000000 0000000000000000 0000000000000000 00000000 0010 01 10
                              1016 15b3 80000000 00000021 00010001",
        );
        assert_eq!(list, expected, "{name}");

        // QUERY PCI FN: VFN and RID untold, the window of the guest, no measurement block, the port of sysfs.
        let query = asked(function, &groups, 3, [0, 1, 0, 1]);
        let mut expected = bytes(
            "0000 0010 00000000 0000000000000000
                                  0000 00 07 00000021 14 00 00 00 00 00 01c0
                                  0c000000 00000000 00000000 00000000 00000000 00000000
                                  01020304 00 01 00 0a 0000000100000000 00000001ffffffff",
        );
        if has_string {
            expected[18] = 0x01;
        }
        assert_eq!(query[4..80], expected[4..80], "{name}");
        assert_eq!(query[124..128], [0, 0, 0, 0x11], "{name}");
        let string = if has_string { [0xc1, 0xc1, 0xc1, 0xc1, 0x40] } else { [0; 5] };
        assert_eq!(query[128..133], string, "{name}");

        // QUERY PCI FNGRP: 64 interrupts, refresh on map, 128 bytes at a time, region-third roots.
        let group = asked(function, &groups, 4, [0, 0, 0, 7]);
        let expected = bytes("0040 0010 00000000 0000000000000000 0040 01 01 0080 03e8 40");
        assert_eq!(group[..expected.len()], expected, "{name}");
        assert_eq!(group[32..48], bytes("ffffffff00000000 fe00000000000000"), "{name}");
    }
}

/// What the VMM does itself is told, whatever the host's own values are; what the host alone knows is kept.
#[test]
fn what_each_kernel_tells() {
    for (name, _, _, longest) in KERNELS {
        let host = Host::new(&fixture(name)).unwrap();
        assert_eq!((host.group.max_store_block, host.group.refresh), (longest, true), "{name}");
        assert_eq!(host.handle.is_some(), name != "device-5.10");
        assert_eq!(host.give(&mut Groups::<1>::new(), &given(false)).unwrap_err(), GiveError::NoVendor);
    }
    assert_eq!(Host::new(&fixture("device-5.9")), Err(HostFunctionError::NoFunction));
}

/// The window of the guest has to be one that the host has.
#[test]
fn a_window_that_the_host_does_not_have() {
    let host = Host { vendor: 1, ..Host::new(&fixture("device-6.1")).unwrap() };
    let wrong = zpci_vfio::Given { window: Some((0, 0x1_ffff_ffff)), ..given(false) };
    assert!(matches!(host.give(&mut Groups::<1>::new(), &wrong), Err(GiveError::Passthrough(_))));
    let mut groups = Groups::<1>::new();
    host.give(&mut groups, &given(false)).unwrap();
    // The same group is there once; another one has no place.
    host.give(&mut groups, &given(false)).unwrap();
    assert!(matches!(host.give(&mut groups, &given(true)), Err(GiveError::Groups(_))));
}

/// A kernel with this project's driver tells the container's functions, and iommufd the rules of the group.
#[test]
fn what_a_kernel_with_the_driver_adds() {
    let container = fixture("container");
    let bars = [Bar::new([4, 0, 0, 0], 14).unwrap(); 6];
    let host = Host::new(&fixture("device-6.1")).unwrap().with_bars(bars);
    let told = host.with_container(&container, FunctionId(0x1112_1314)).unwrap();
    assert_eq!((told.function.uid, told.function.pchid, told.function.port), (Uid(0x2122_2324), 0x3132, 5));
    assert_eq!((told.function.fidparm, told.function.end_dma), (6, 0x1_3fff_ffff));
    assert_eq!((told.group.max_interrupts, told.group.max_store_block, told.group.refresh), (128, 0x1234, true));
    assert_eq!((told.group.designation_types, told.group.relaxed_translation), (DesignationTypes(0x60), true));
    // What the container does not tell stays.
    assert_eq!((told.handle, told.function.bars), (host.handle, bars));
    // A function that is not in this container, and a container of a kernel without the driver.
    assert_eq!(host.with_container(&container, FunctionId(1)).unwrap(), host);
    assert_eq!(host.with_container(&fixture("iommu"), FunctionId(0x1112_1314)).unwrap(), host);
    assert!(host.with_container(&container[..20], FunctionId(1)).is_err());

    let hardware = HardwareInformation {
        flags: HardwareInformation::RELAXED_TRANSLATION,
        designation_types: 6,
        dtsm: 0x60,
        reserved: 0,
        frame_sizes: 0x1000,
        msi_start: 0,
        msi_end: 0,
    };
    let told = host.with_hardware(&hardware).group;
    assert_eq!((told.relaxed_translation, told.refresh), (true, false));
    assert_eq!(told.designation_types, DesignationTypes(0x60));
}

#[test]
fn sysfs_that_says_something_else() {
    let host = Host::new(&fixture("device-6.1")).unwrap();
    for (name, text) in [("function_id", "0x1_0000_0000"), ("vendor", "0x10000"), ("device", "x"), ("port", "256")] {
        let directory = sysfs();
        fs::write(directory.path().join(name), text).unwrap();
        assert_eq!(host.with_sysfs(directory.path()).unwrap_err().kind(), io::ErrorKind::InvalidData, "{name}");
    }
    let directory = sysfs();
    fs::remove_file(directory.path().join("function_id")).unwrap();
    assert_eq!(host.with_sysfs(directory.path()).unwrap_err().kind(), io::ErrorKind::NotFound);
    // What later kernels alone have.
    let directory = sysfs();
    fs::remove_file(directory.path().join("uid")).unwrap();
    fs::write(directory.path().join("fidparm"), "0x07\n").unwrap();
    let told = host.with_sysfs(directory.path()).unwrap().function;
    assert_eq!((told.uid, told.fidparm), (Uid(0), 7));
}
