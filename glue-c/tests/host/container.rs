// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What user space is told of the functions of a container, and who may join one.

use s390_iommu::vfio::{ByteOrder, Capabilities, IommuCapability, IommuInformation};
use s390_iommu::Root;
use zerocopy::IntoBytes;
use zpci_glue::container::{ForeignMember, ForeignRefusal, HARDWARE_SIZE};
use zpci_glue::function::ForeignFunction;
use zpci_glue::table::ForeignTable;

use crate::binding::*;
use crate::byte_order::native;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::StandIn;

/// A function that is registered with a table of that designation type.
fn member(function: ForeignFunction, root: Root, large: bool) -> ForeignMember {
    ForeignMember { function, table: ForeignTable { origin: 0, base: 0, root, large, reserved: [0; 6] } }
}

fn with_id(id: u32, function: ForeignFunction) -> ForeignFunction {
    ForeignFunction { id, uid: id + 0x100, ..function }
}

/// The chain of `members` in a buffer of `size` bytes, which are 0xa5 before, and how many bytes it takes.
fn told(members: &[ForeignMember], aperture: u64, size: usize) -> (Vec<u8>, usize) {
    let _kernel = StandIn::new();
    let mut buffer = vec![0xa5; size];
    let count = u32::try_from(members.len()).unwrap();
    // SAFETY: the members and the buffer are of these sizes.
    let needed = unsafe { shim_capabilities(members.as_ptr(), count, aperture, buffer.as_mut_ptr(), size as u64) };
    (buffer, usize::try_from(needed).unwrap())
}

/// The capabilities, read with an information structure in front.
fn read(chain: &[u8], check: impl FnOnce(Vec<IommuCapability<'_>>)) {
    let mut bytes = IommuInformation { cap_offset: 24, ..IommuInformation::new(0x1000) }.as_bytes().to_vec();
    bytes.extend(chain);
    let mut offset = 0;
    while offset != usize::MAX {
        let field = offset + 24 + 4..offset + 24 + 8;
        let next = u32::from_ne_bytes(bytes[field.clone()].try_into().unwrap());
        offset = if next == 0 { usize::MAX } else { next as usize };
        if next != 0 {
            bytes[field].copy_from_slice(&(next + 24).to_ne_bytes());
        }
    }
    let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, ByteOrder::NATIVE).unwrap();
    check(capabilities.map(|raw| IommuCapability::new(&raw.unwrap()).unwrap()).collect());
}

/// The first, if that is not admitted.
fn join(members: &[ForeignMember], joining: u32, aperture: u64) -> Result<(), ForeignRefusal> {
    let _kernel = StandIn::new();
    let mut refusal = ForeignRefusal::default();
    let count = u32::try_from(members.len()).unwrap();
    // SAFETY: the members are that many, and the refusal is valid.
    match unsafe { shim_join(members.as_ptr(), count, joining, aperture, &mut refusal) } {
        0 => Ok(()),
        rc => {
            assert_eq!(rc, -22);
            Err(refusal)
        }
    }
}

#[test]
fn two_functions_byte_for_byte() {
    let members =
        [member(with_id(0x11, QEMU), Root::RegionThird, false), member(with_id(0x12, QEMU), Root::RegionThird, false)];
    let header = [2, 2, 4];
    let function = [&header[..], &[4, 4, 8, 8, 4, 2, 2, 2, 1, 1], &[1; 76]].concat();
    let group = [&header[..], &[8, 8, 4, 2, 2, 2, 1, 1, 4]].concat();
    let gaps = [&header[..], &[4, 4], &[8, 8, 4, 4].repeat(4)].concat();
    let format = [&header[..], &[8, 4, 4, 4, 4]].concat();
    let msi = [&header[..], &[4, 4, 8, 4, 4], &[8, 8, 4, 4]].concat();
    let widths = [&function[..], &function, &group, &gaps, &format, &msi].concat();
    let zeros = "0".repeat(2 * 64);
    let expected = format!(
        "f390 0001 00000078  00000011 00000111  0000000100000000 000000013fffffff
         00000000 0000 0000 0000 00 ff  00000000 00 00 000000000000 {zeros}
         f390 0001 000000f0  00000012 00000112  0000000100000000 000000013fffffff
         00000000 0000 0000 0000 00 ff  00000000 00 00 000000000000 {zeros}
         f391 0001 00000118  0000000000000000 fe00000000000000  00000001 0fa0 0080 0080 00 ff 00000000
         f392 0001 00000188  00000004 00000018
         0000000000000000 00000000ffffffff 00000001 00000000
         0000000140000000 fdffffffffffffff 00000001 00000000
         fe00000000000000 fe00000000000fff 00000011 00000000
         fe00000000001000 ffffffffffffffff 00000001 00000000
         f393 0001 000001a8  0000000000001000 00000001 00000000 00000002 00000000
         f394 0001 00000000  00000000 00000000 0000000000001000 00000001 00000018
         fe00000000000000 fe00000000000fff 00000000 00000000"
    );
    let expected = native(&expected, &widths);
    for size in 0..=expected.len() + 64 {
        let (bytes, needed) = told(&members, GIB, size);
        assert_eq!(needed, expected.len());
        let written = if size < needed { 0 } else { needed };
        assert_eq!(bytes[..written], expected[..written], "{size}");
        assert!(bytes[written..].iter().all(|&byte| byte == 0xa5), "{size}");
    }
}

#[test]
fn nobody() {
    assert_eq!(told(&[], GIB, 8), (vec![0xa5; 8], 0));
    assert_eq!(join(&[], 0, GIB), Ok(()));
}

/// However many there are, each is told, and each group once.
#[test]
fn a_thousand_functions_of_two_groups() {
    let group = |id: u32| ForeignFunction { group: (id % 2) as u8, ..with_id(id, HARDWARE) };
    let members: Vec<_> = (0..1000).map(|id| member(group(id), Root::RegionThird, false)).collect();
    let (_, needed) = told(&members, GIB, 0);
    let (bytes, _) = told(&members, GIB, needed);
    read(&bytes, |capabilities| {
        let functions = capabilities.iter().filter_map(|capability| match capability {
            IommuCapability::Function(function) => Some(function.fid),
            _ => None,
        });
        assert!(functions.eq(0..1000));
        let groups = capabilities.iter().filter_map(|capability| match capability {
            IommuCapability::Group(group) => Some((group.gid, group.flags)),
            _ => None,
        });
        assert!(groups.eq([(0, 0), (1, 0)]));
        assert_eq!(capabilities.len(), 1000 + 2 + 3);
    });
}

/// An aperture is registered for each function, so what they have in common is less than each has.
#[test]
fn functions_of_different_windows() {
    let low = ForeignFunction { end_dma: START + GIB / 2 - 1, ..with_id(1, HARDWARE) };
    let high = ForeignFunction { start_dma: START + GIB / 4, ..with_id(2, HARDWARE) };
    let members = [member(low, Root::RegionThird, true), member(high, Root::RegionThird, true)];
    let (_, needed) = told(&members, GIB, 0);
    let (bytes, _) = told(&members, GIB, needed);
    read(&bytes, |mut capabilities| {
        let Some(IommuCapability::Msi(msi, _)) = capabilities.pop() else { panic!("no interrupts") };
        assert_eq!((msi.page_size, msi.nr_pages, msi.nr_windows), (0x1000, 0, 1));
        let Some(IommuCapability::TableFormat(format)) = capabilities.pop() else { panic!("no format") };
        assert_eq!((format.frame_sizes, format.designation_types, format.flags), (0x10_1000, 1 << 1, 0));
        let Some(IommuCapability::Gaps(_, gaps)) = capabilities.pop() else { panic!("no gaps") };
        let gaps: Vec<_> = gaps.map(|gap| (gap.start, gap.end)).take(2).collect();
        assert_eq!(gaps, [(0, START + GIB / 4 - 1), (START + GIB / 2, 0xfdff_ffff_ffff_ffff)]);
        let windows: Vec<_> = capabilities
            .iter()
            .filter_map(|capability| match capability {
                IommuCapability::Function(function) => Some((function.start_dma, function.end_dma)),
                _ => None,
            })
            .collect();
        assert_eq!(windows, [(START, START + GIB / 2 - 1), (START + GIB / 4, START + GIB / 4 + GIB - 1)]);
    });
    assert_eq!(join(&members, 1, GIB), Ok(()));
    let apart = ForeignFunction { start_dma: START + GIB, ..with_id(3, HARDWARE) };
    let refused = ForeignRefusal { id: 3, reason: ForeignRefusal::ADDRESSES, wanted: 0, found: 0 };
    assert_eq!(join(&[members[0], member(apart, Root::RegionThird, true)], 1, GIB), Err(refused));
}

/// Whoever joins has the format that the others were found with.
#[test]
fn a_format_that_differs() {
    let first = member(with_id(1, HARDWARE), Root::RegionThird, false);
    let second = |root, large| member(with_id(2, HARDWARE), root, large);
    assert_eq!(join(&[first, second(Root::RegionThird, false)], 1, GIB), Ok(()));
    let refused = |reason, wanted, found| Err(ForeignRefusal { id: 2, reason, wanted, found });
    assert_eq!(
        join(&[first, second(Root::RegionSecond, false)], 1, GIB),
        refused(ForeignRefusal::DESIGNATION_TYPES, 0x40, 0x20)
    );
    assert_eq!(
        join(&[first, second(Root::RegionThird, true)], 1, GIB),
        refused(ForeignRefusal::FRAME_SIZES, 0x1000, 0x10_1000)
    );
    // Several that join at once suit each other, too.
    assert_eq!(
        join(&[first, second(Root::RegionFirst, false)], 0, GIB),
        refused(ForeignRefusal::DESIGNATION_TYPES, 0x40, 0x10)
    );
    // A table that the function does not understand.
    let lacking = ForeignFunction { designation_types: 0x20, ..with_id(2, HARDWARE) };
    let result = join(&[first, member(lacking, Root::RegionThird, false)], 1, GIB);
    assert_eq!(result, refused(ForeignRefusal::DESIGNATION_TYPES, 0x40, 0x20));
}

#[test]
fn hardware_information_byte_for_byte() {
    let _kernel = StandIn::new();
    let told = |function: ForeignFunction, large| {
        let mut buffer = [0; HARDWARE_SIZE];
        // SAFETY: the function is valid and the buffer has this room.
        let size = unsafe { shim_hardware_information(&function, large, buffer.as_mut_ptr()) };
        (size, buffer.to_vec())
    };
    let widths = [4, 2, 1, 1, 8, 8, 8];
    let expected = "00000006 0002 40 00 0000000000001000 fe00000000000000 fe00000000000fff";
    assert_eq!(told(QEMU, false), (32, native(expected, &widths)));
    let relaxed = ForeignFunction { flags: ForeignFunction::RELAXED_TRANSLATION, ..HARDWARE };
    let expected = "00000005 000e 70 00 0000000000101000 fe00000000000000 fe00000000000fff";
    assert_eq!(told(relaxed, true), (32, native(expected, &widths)));
    // Numbers of processors may be part of the address.
    let directed = ForeignFunction { directed_interrupts: 1, ..relaxed };
    let expected = "00000005 000e 70 00 0000000000101000 fe00000000000000 fe00000000ffffff";
    assert_eq!(told(directed, true), (32, native(expected, &widths)));
    let silent = ForeignFunction { max_interrupts: 0, ..HARDWARE };
    let expected = "00000000 000e 70 00 0000000000001000 0000000000000000 0000000000000000";
    assert_eq!(told(silent, false), (32, native(expected, &widths)));
    let nothing = ForeignFunction { end_dma: 0, ..QEMU };
    assert_eq!(told(nothing, false), (0, vec![0xa5; HARDWARE_SIZE]));
}
