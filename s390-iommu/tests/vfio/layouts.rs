// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every layout that was published, as bytes. They never change: what is added has a higher version and bytes of its own.

use std::fmt::Debug;

use s390_iommu::vfio::{
    Array, ByteOrder, CapabilityHeader, DeviceInformation, DmaAvailable, FunctionEntry, GapEntry, GroupEntry,
    HardwareInformation, IommuInformation, IovaRangeEntry, IovaRanges, Migration, MsiCapability, MsiWindowEntry,
    ProposedZpciBase, ProposedZpciGroup, SwapBytes, TableFormatEntry, ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::fixture::bytes;

/// Compares `value` with the bytes that it has in big-endian order, both ways.
fn check<T>(value: T, big_endian: &str)
where
    T: SwapBytes + FromBytes + IntoBytes + Immutable + PartialEq + Debug,
{
    let expected = bytes(big_endian);
    let big = |value: T| if ByteOrder::NATIVE == ByteOrder::Big { value } else { value.swap_bytes() };
    assert_eq!(big(value).as_bytes(), expected);
    assert_eq!(big(T::read_from_bytes(&expected).unwrap()), value);
}

const HEADER: CapabilityHeader = CapabilityHeader { id: 0x0102, version: 0x0304, next: 0x0506_0708 };

#[test]
fn of_linux() {
    check(HEADER, "01020304 05060708");
    check(
        IommuInformation {
            argsz: 0x0102_0304,
            flags: 0x0506_0708,
            iova_pgsizes: 0x090a_0b0c_0d0e_0f10,
            cap_offset: 0x1112_1314,
            pad: 0x1516_1718,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718",
    );
    check(
        DeviceInformation {
            argsz: 0x0102_0304,
            flags: 0x0506_0708,
            num_regions: 0x090a_0b0c,
            num_irqs: 0x0d0e_0f10,
            cap_offset: 0x1112_1314,
            pad: 0x1516_1718,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718",
    );
    check(
        Migration {
            header: HEADER,
            flags: 0x090a_0b0c,
            pad: 0x0d0e_0f10,
            pgsize_bitmap: 0x1112_1314_1516_1718,
            max_dirty_bitmap_size: 0x191a_1b1c_1d1e_1f20,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20",
    );
    check(DmaAvailable { header: HEADER, avail: 0x090a_0b0c }, "01020304 05060708 090a0b0c");
    check(
        IovaRanges { header: HEADER, nr_iovas: 0x090a_0b0c, reserved: 0x0d0e_0f10 },
        "01020304 05060708 090a0b0c 0d0e0f10",
    );
    check(
        IovaRangeEntry { start: 0x0102_0304_0506_0708, end: 0x090a_0b0c_0d0e_0f10 },
        "01020304 05060708 090a0b0c 0d0e0f10",
    );
}

/// They are not published: nothing but a kernel that was configured to has them.
#[test]
fn proposed() {
    let base = ZpciBase {
        header: HEADER,
        start_dma: 0x090a_0b0c_0d0e_0f10,
        end_dma: 0x1112_1314_1516_1718,
        pchid: 0x191a,
        vfn: 0x1b1c,
        fmb_length: 0x1d1e,
        pft: 0x1f,
        gid: 0x20,
        fh: 0x2122_2324,
        ccdf_err_length: 0x2526_2728,
    };
    check(
        ProposedZpciBase { base, uid: 0x292a_2b2c, flags: 0x2d2e_2f30 },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20 21222324 25262728 292a2b2c 2d2e2f30",
    );
    let group = ZpciGroup {
        header: HEADER,
        dasm: 0x090a_0b0c_0d0e_0f10,
        msi_addr: 0x1112_1314_1516_1718,
        flags: 0x191a_1b1c_1d1e_1f20,
        mui: 0x2122,
        noi: 0x2324,
        maxstbl: 0x2526,
        version: 0x27,
        reserved: 0x28,
        imaxstbl: 0x292a,
        padding: [0; 6],
    };
    check(
        ProposedZpciGroup { group, machine_flags: 0x3132_3334, dtsm: 0x35, reserved2: [0x36, 0x37, 0x38] },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20 21222324 25262728 292a0000 00000000 \
         31323334 35363738",
    );
}

#[test]
fn of_linux_for_a_device() {
    check(
        ZpciBase {
            header: HEADER,
            start_dma: 0x090a_0b0c_0d0e_0f10,
            end_dma: 0x1112_1314_1516_1718,
            pchid: 0x191a,
            vfn: 0x1b1c,
            fmb_length: 0x1d1e,
            pft: 0x1f,
            gid: 0x20,
            fh: 0x2122_2324,
            ccdf_err_length: 0x2526_2728,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20 21222324 25262728",
    );
    check(
        ZpciGroup {
            header: HEADER,
            dasm: 0x090a_0b0c_0d0e_0f10,
            msi_addr: 0x1112_1314_1516_1718,
            flags: 0x191a_1b1c_1d1e_1f20,
            mui: 0x2122,
            noi: 0x2324,
            maxstbl: 0x2526,
            version: 0x27,
            reserved: 0x28,
            imaxstbl: 0x292a,
            padding: [0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30],
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20 21222324 25262728 292a2b2c 2d2e2f30",
    );
    check(
        ZpciUtilityString { header: HEADER, size: 0x090a_0b0c, util_str: [0xc1; 64] },
        &("01020304 05060708 090a0b0c".to_owned() + &"c1".repeat(64)),
    );
    check(
        ZpciPath { header: HEADER, size: 0x090a_0b0c, pfip: [0x0d, 0x0e, 0x0f, 0x10] },
        "01020304 05060708 090a0b0c 0d0e0f10",
    );
}

#[test]
fn array_version_1() {
    check(
        Array { header: HEADER, nr_entries: 0x090a_0b0c, entry_size: 0x0d0e_0f10 },
        "01020304 05060708 090a0b0c 0d0e0f10",
    );
}

#[test]
fn function_version_1() {
    check(
        FunctionEntry {
            fid: 0x0102_0304,
            uid: 0x0506_0708,
            start_dma: 0x090a_0b0c_0d0e_0f10,
            end_dma: 0x1112_1314_1516_1718,
            flags: 0x191a_1b1c,
            pchid: 0x1d1e,
            vfn: 0x1f20,
            fmb_length: 0x2122,
            pft: 0x23,
            gid: 0x24,
            pfip: [0x25, 0x26, 0x27, 0x28],
            port: 0x29,
            fidparm: 0x2a,
            format: 0x2b2c,
            reserved: 0x2d2e_2f30,
            util_str: [0xc1; 64],
        },
        &("01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20
           21222324 25262728 292a2b2c 2d2e2f30"
            .to_owned()
            + &"c1".repeat(64)),
    );
}

#[test]
fn group_version_1() {
    check(
        GroupEntry {
            dasm: 0x0102_0304_0506_0708,
            msi_addr: 0x090a_0b0c_0d0e_0f10,
            flags: 0x1112_1314,
            mui: 0x1516,
            noi: 0x1718,
            maxstbl: 0x191a,
            version: 0x1b,
            gid: 0x1c,
            reserved: 0x1d1e_1f20,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20",
    );
}

#[test]
fn gap_version_1() {
    check(
        GapEntry {
            start: 0x0102_0304_0506_0708,
            end: 0x090a_0b0c_0d0e_0f10,
            reasons: 0x1112_1314,
            reserved: 0x1516_1718,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718",
    );
}

#[test]
fn table_format_version_1() {
    check(
        TableFormatEntry {
            frame_sizes: 0x0102_0304_0506_0708,
            format: 0x090a_0b0c,
            flags: 0x0d0e_0f10,
            designation_types: 0x1112_1314,
            reserved: 0x1516_1718,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718",
    );
}

#[test]
fn msi_version_1() {
    check(
        MsiCapability {
            header: HEADER,
            flags: 0x090a_0b0c,
            nr_pages: 0x0d0e_0f10,
            page_size: 0x1112_1314_1516_1718,
            nr_windows: 0x191a_1b1c,
            entry_size: 0x1d1e_1f20,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20",
    );
    check(
        MsiWindowEntry {
            start: 0x0102_0304_0506_0708,
            end: 0x090a_0b0c_0d0e_0f10,
            flags: 0x1112_1314,
            reserved: 0x1516_1718,
        },
        "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718",
    );
}

const HARDWARE: HardwareInformation = HardwareInformation {
    flags: 0x0102_0304,
    designation_types: 0x0506,
    dtsm: 0x07,
    reserved: 0x08,
    frame_sizes: 0x090a_0b0c_0d0e_0f10,
    msi_start: 0x1112_1314_1516_1718,
    msi_end: 0x191a_1b1c_1d1e_1f20,
};

const HARDWARE_BIG: &str = "01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20";

#[test]
fn hardware_information_of_32_bytes() {
    check(HARDWARE, HARDWARE_BIG);
}

/// Read in either order; more bytes are a later kernel's, fewer are none.
#[test]
fn hardware_information_read() {
    let mut big = bytes(HARDWARE_BIG);
    let little = bytes("04030201 0605 07 08 100f0e0d0c0b0a09 1817161514131211 201f1e1d1c1b1a19");
    assert_eq!(HardwareInformation::read(&big, ByteOrder::Big), Some(HARDWARE));
    assert_eq!(HardwareInformation::read(&little, ByteOrder::Little), Some(HARDWARE));
    assert_eq!(HardwareInformation::read(&big[..31], ByteOrder::Big), None);
    big.extend([0xff; 8]);
    assert_eq!(HardwareInformation::read(&big, ByteOrder::Big), Some(HARDWARE));
}
