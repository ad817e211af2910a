// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What user space learns of the functions of a container, and who brings another format.

use s390_iommu::vfio::{ByteOrder, Capabilities, IommuCapability, IommuInformation};
use s390_iommu::Root;
use zpci_glue::container::{ForeignMember, ForeignRefusal, HARDWARE_SIZE};
use zpci_glue::function::ForeignFunction;
use zpci_glue::table::ForeignRoot;

use crate::binding::*;
use crate::byte_order::native;
use crate::chain::{answer, collect};
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::StandIn;

/// A function that uses the domain of the table at `origin`, with an aperture of 1 GiB.
fn member(function: ForeignFunction, origin: u64, root: Root, large: bool) -> ForeignMember {
    let root = ForeignRoot { origin, root, large, reserved: [0; 6] };
    ForeignMember { function, root, start: START, last: START + GIB - 1 }
}

fn with_id(id: u32, function: ForeignFunction) -> ForeignFunction {
    ForeignFunction { id, uid: id + 0x100, ..function }
}

/// Returns the result, how many capabilities came, and those of `members` that C took if it takes `accept`.
fn capabilities(members: &[ForeignMember], accept: u32) -> (i32, u32, Vec<u8>) {
    let _kernel = StandIn::new();
    let count = u32::try_from(members.len()).unwrap();
    // SAFETY: the members are that many, and the chain is valid.
    collect(accept, |chain| unsafe { shim_container_capabilities(members.as_ptr(), count, chain) })
}

/// Decodes the capabilities of `members`.
fn read(members: &[ForeignMember], check: impl FnOnce(Vec<IommuCapability<'_>>)) {
    let (rc, _, chain) = capabilities(members, u32::MAX);
    assert_eq!(rc, 0);
    let bytes = answer(&chain);
    let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, ByteOrder::NATIVE).unwrap();
    check(capabilities.map(|raw| IommuCapability::new(&raw.unwrap()).unwrap()).collect());
}

/// Returns the first function that brings another format.
fn one_format(members: &[ForeignMember], joining: u32) -> Result<(), ForeignRefusal> {
    let _kernel = StandIn::new();
    let mut refusal = ForeignRefusal::default();
    let count = u32::try_from(members.len()).unwrap();
    // SAFETY: the members are that many, and the refusal is valid.
    match unsafe { shim_container_one_format(members.as_ptr(), count, joining, &mut refusal) } {
        0 => Ok(()),
        rc => {
            assert_eq!(rc, -22);
            Err(refusal)
        }
    }
}

#[test]
fn two_functions_byte_for_byte() {
    let members = [0x11, 0x12].map(|id| member(with_id(id, QEMU), 0x4000, Root::RegionThird, false));
    let array = [2, 2, 4, 4, 4];
    let formats = [&array[..], &[8, 4, 4, 4, 4]].concat();
    let msi = [&[2, 2, 4, 4, 4, 8, 4, 4][..], &[8, 8, 4, 4]].concat();
    let gaps = [&array[..], &[8, 8, 4, 4].repeat(4)].concat();
    let groups = [&array[..], &[8, 8, 4, 2, 2, 2, 1, 1, 4]].concat();
    let function = [&[4, 4, 8, 8, 4, 2, 2, 2, 1, 1][..], &[1; 6], &[2, 4], &[1; 64]].concat();
    let widths = [&formats[..], &msi, &gaps, &groups, &array, &function, &function].concat();
    let zeros = "0".repeat(2 * 64);
    let expected = format!(
        "f398 0001 00000040  00000001 00000018
         0000000000001000 00000001 00000000 00000002 00000000
         f394 0001 00000078  00000000 00000000 0000000000001000 00000001 00000018
         fe00000000000000 fe00000000000fff 00000000 00000000
         f392 0001 000000e8  00000004 00000018
         0000000000000000 00000000ffffffff 00000001 00000000
         0000000140000000 fdffffffffffffff 00000001 00000000
         fe00000000000000 fe00000000000fff 00000011 00000000
         fe00000000001000 ffffffffffffffff 00000001 00000000
         f397 0001 00000118  00000001 00000020
         0000000000000000 fe00000000000000  00000001 0fa0 0080 0080 00 ff 00000000
         f396 0001 00000000  00000002 00000070
         00000011 00000111  0000000100000000 000000013fffffff
         00000000 0000 0000 0000 00 ff  00000000 00 00 0000 00000000 {zeros}
         00000012 00000112  0000000100000000 000000013fffffff
         00000000 0000 0000 0000 00 ff  00000000 00 00 0000 00000000 {zeros}"
    );
    assert_eq!(capabilities(&members, u32::MAX), (0, 5, native(&expected, &widths)));
}

/// The first error of C ends it, at whichever capability that is.
#[test]
fn c_takes_no_more() {
    let members = [0x11, 0x12].map(|id| member(with_id(id, QEMU), 0x4000, Root::RegionThird, false));
    for accept in 0..5 {
        let (rc, calls, _) = capabilities(&members, accept);
        assert_eq!((rc, calls), (-12, accept + 1));
    }
}

/// VFIO gives up what it had when it has no storage for the next capability; the call fails, and nothing is written.
#[test]
fn vfio_has_no_storage() {
    let members = [0x11, 0x12].map(|id| member(with_id(id, QEMU), 0x4000, Root::RegionThird, false));
    let _kernel = StandIn::new();
    let answer = |accept: u32| {
        let mut buffer = vec![0xa5; 1024];
        // SAFETY: the members are that many, and the buffer has this size.
        let rc = unsafe {
            shim_info_accept(accept);
            shim_get_info(members.as_ptr(), 2, buffer.as_mut_ptr(), 1024)
        };
        (rc, buffer.iter().any(|&byte| byte != 0xa5))
    };
    // Two of type1's own, and five.
    for accept in 2..7 {
        assert_eq!(answer(accept), (-12, false), "{accept}");
    }
    assert_eq!(answer(7), (0, true));
    assert_eq!(answer(u32::MAX), (0, true));
}

/// Type1 gives a buffer that holds its own capabilities these, and of ours as many as it holds, from the front.
#[test]
fn every_size_of_a_buffer() {
    let members = [0x11, 0x12].map(|id| member(with_id(id, QEMU), 0x4000, Root::RegionThird, false));
    let _kernel = StandIn::new();
    let answer = |argsz: usize| {
        let mut buffer = vec![0xa5; argsz + 64];
        // SAFETY: the members are that many, and the buffer is larger than that.
        assert_eq!(unsafe { shim_get_info(members.as_ptr(), 2, buffer.as_mut_ptr(), argsz as u32) }, 0);
        assert!(buffer[argsz..].iter().all(|&byte| byte == 0xa5));
        buffer.truncate(argsz);
        buffer
    };
    let read = |buffer: &[u8]| {
        let (information, capabilities) = Capabilities::new::<IommuInformation>(buffer, ByteOrder::NATIVE).unwrap();
        let found: Result<Vec<_>, _> = capabilities.map(|raw| raw.map(|raw| raw.header.id)).collect();
        (information.argsz, found.ok())
    };
    // Where each capability ends: 16 and 32 bytes of type1, then 40, 56, 112, 48 and 240.
    let ids = [3, 1, 0xf398, 0xf394, 0xf392, 0xf397, 0xf396];
    let ends = [40, 72, 112, 168, 280, 328, 568];
    for argsz in 16..=568 + 64 {
        let buffer = answer(argsz);
        let expected = match ends.iter().filter(|&&end| end <= argsz).count() {
            0 | 1 => (568, None),
            fitting => {
                let end = ends[fitting - 1];
                assert!(buffer[end..].iter().all(|&byte| byte == 0xa5), "{argsz}");
                (argsz as u32, Some(ids[..fitting].to_vec()))
            }
        };
        assert_eq!(read(&buffer), expected, "{argsz}");
    }
}

/// The driver is asked about the domain that joins, if it wants to be asked.
#[test]
fn who_may_join() {
    let _kernel = StandIn::new();
    for before in 0..=3 {
        // SAFETY: the function takes these numbers.
        let (asked, unasked) = unsafe { (shim_may_join(before, true), shim_may_join(before, false)) };
        assert_eq!((asked, unasked), (if before % 2 == 0 { 0 } else { -22 }, 0));
    }
}

#[test]
fn nobody() {
    assert_eq!(capabilities(&[], u32::MAX), (0, 0, Vec::new()));
    assert_eq!(one_format(&[], 0), Ok(()));
    // For whom nothing is registered.
    let nothing = ForeignMember { start: 1, last: 0, ..member(QEMU, 0x4000, Root::RegionThird, false) };
    assert_eq!(capabilities(&[nothing], u32::MAX), (0, 0, Vec::new()));
}

/// However many there are, each is reported, and each group once.
#[test]
fn a_thousand_functions_of_two_groups() {
    let group = |id: u32| ForeignFunction { group: (id % 2) as u8, ..with_id(id, HARDWARE) };
    let members: Vec<_> = (0..1000).map(|id| member(group(id), 0x4000, Root::RegionThird, false)).collect();
    read(&members, |mut capabilities| {
        assert_eq!(capabilities.len(), 5);
        let Some(IommuCapability::Functions(functions)) = capabilities.pop() else { panic!("no functions") };
        assert!(functions.map(|function| function.fid).eq(0..1000));
        let Some(IommuCapability::Groups(groups)) = capabilities.pop() else { panic!("no groups") };
        assert!(groups.map(|group| (group.gid, group.flags)).eq([(0, 0), (1, 0)]));
    });
}

/// An aperture is registered for each function, so what they have in common is less than each has.
#[test]
fn functions_with_different_apertures() {
    let low =
        ForeignMember { last: START + GIB / 2 - 1, ..member(with_id(1, HARDWARE), 0x4000, Root::RegionThird, true) };
    let high =
        ForeignMember { start: START + GIB / 4, ..member(with_id(2, HARDWARE), 0x4000, Root::RegionThird, true) };
    read(&[low, high], |capabilities| {
        let [IommuCapability::TableFormats(formats), IommuCapability::Msi(msi, _), IommuCapability::Gaps(gaps), IommuCapability::Groups(_), IommuCapability::Functions(functions)] =
            &capabilities[..]
        else {
            panic!("{capabilities:?}");
        };
        assert_eq!((msi.page_size, msi.nr_pages, msi.nr_windows), (0x1000, 0, 1));
        let formats: Vec<_> =
            formats.clone().map(|format| (format.frame_sizes, format.designation_types, format.flags)).collect();
        assert_eq!(formats, [(0x10_1000, 1 << 1, 0)]);
        let gaps: Vec<_> = gaps.clone().map(|gap| (gap.start, gap.end)).take(2).collect();
        assert_eq!(gaps, [(0, START + GIB / 4 - 1), (START + GIB / 2, 0xfdff_ffff_ffff_ffff)]);
        let apertures: Vec<_> = functions.clone().map(|function| (function.start_dma, function.end_dma)).collect();
        assert_eq!(apertures, [(START, START + GIB / 2 - 1), (START + GIB / 4, START + GIB - 1)]);
    });
}

/// A container of two domains with different tables reports both, and which function has which.
#[test]
fn two_formats() {
    let members = [
        member(with_id(1, HARDWARE), 0x4000, Root::RegionThird, false),
        member(with_id(2, HARDWARE), 0x4000, Root::RegionThird, false),
        member(with_id(3, HARDWARE), 0x8000, Root::RegionSecond, false),
        member(with_id(4, HARDWARE), 0xc000, Root::RegionThird, false),
    ];
    read(&members, |mut capabilities| {
        let Some(IommuCapability::Functions(functions)) = capabilities.pop() else { panic!("no functions") };
        let functions: Vec<_> = functions.map(|function| (function.fid, function.format)).collect();
        assert_eq!(functions, [(1, 0), (2, 0), (3, 1), (4, 0)]);
        let IommuCapability::TableFormats(formats) = capabilities.swap_remove(0) else { panic!("no formats") };
        assert_eq!(formats.map(|format| format.designation_types).collect::<Vec<_>>(), [1 << 1, 1 << 2]);
    });
}

/// Who joins has the format that the others were found with, if somebody asks for that.
#[test]
fn a_format_that_differs() {
    let first = member(with_id(1, HARDWARE), 0x4000, Root::RegionThird, false);
    let second = |root, large| member(with_id(2, HARDWARE), 0x8000, root, large);
    assert_eq!(one_format(&[first, second(Root::RegionThird, false)], 1), Ok(()));
    let refused = |reason, wanted, found| Err(ForeignRefusal { id: 2, reason, wanted, found });
    assert_eq!(
        one_format(&[first, second(Root::RegionSecond, false)], 1),
        refused(ForeignRefusal::DESIGNATION_TYPES, 0x40, 0x20)
    );
    assert_eq!(
        one_format(&[first, second(Root::RegionThird, true)], 1),
        refused(ForeignRefusal::FRAME_SIZES, 0x1000, 0x10_1000)
    );
    // The first domain of a container has any format.
    assert_eq!(one_format(&[second(Root::RegionFirst, true)], 0), Ok(()));
    // There are no members from there on.
    assert_eq!(one_format(&[first, second(Root::RegionSecond, true)], 2), Ok(()));
}

#[test]
fn hardware_information_byte_for_byte() {
    let _kernel = StandIn::new();
    let information = |function: ForeignFunction, large| {
        let mut buffer = [0; HARDWARE_SIZE];
        // SAFETY: the function is valid and the buffer has this size.
        let size = unsafe { shim_hardware_information(&function, large, buffer.as_mut_ptr()) };
        (size, buffer.to_vec())
    };
    let widths = [4, 2, 1, 1, 8, 8, 8];
    let expected = "00000006 0002 40 00 0000000000001000 fe00000000000000 fe00000000000fff";
    assert_eq!(information(QEMU, false), (32, native(expected, &widths)));
    let relaxed = ForeignFunction { flags: ForeignFunction::RELAXED_TRANSLATION, ..HARDWARE };
    let expected = "00000005 000e 70 00 0000000000101000 fe00000000000000 fe00000000000fff";
    assert_eq!(information(relaxed, true), (32, native(expected, &widths)));
    // Numbers of processors may be part of the address.
    let directed = ForeignFunction { directed_interrupts: 1, ..relaxed };
    let expected = "00000005 000e 70 00 0000000000101000 fe00000000000000 fe00000000ffffff";
    assert_eq!(information(directed, true), (32, native(expected, &widths)));
    let silent = ForeignFunction { max_interrupts: 0, ..HARDWARE };
    let expected = "00000000 000e 70 00 0000000000001000 0000000000000000 0000000000000000";
    assert_eq!(information(silent, false), (32, native(expected, &widths)));
    let nothing = ForeignFunction { end_dma: 0, ..QEMU };
    assert_eq!(information(nothing, false), (0, vec![0xa5; HARDWARE_SIZE]));
}
