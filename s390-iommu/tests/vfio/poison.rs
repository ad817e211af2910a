// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every byte of what is written is ours, whatever the buffer held.

use std::convert::Infallible;

use clp::FunctionHandle;
use s390_iommu::vfio::{
    answer, ByteOrder, Capability, Chain, DeviceInformation, DmaAvailable, HardwareInformation, Information,
    IommuInformation, Migration, ProposedZpciBase, ProposedZpciGroup, Sink, ZpciBase, ZpciGroup, ZpciPath,
    ZpciUtilityString,
};
use s390_iommu::FrameSizes;

use crate::sample::{append, first_function, first_group, range, with_container};

/// Writes the same answer into buffers of `size` bytes that held 0xa5 and 0x5a; returns it up to `end` if no byte of it
/// depends on that, and checks that all bytes from `end` on do.
fn both(
    information: impl Information,
    size: usize,
    end: usize,
    append: impl Fn(&mut Chain<'_>) -> Result<(), Infallible>,
) -> Vec<u8> {
    let [one, other] = [0xa5, 0x5a].map(|poison| {
        let mut bytes = vec![poison; size + 8];
        answer(information, ByteOrder::NATIVE, &mut bytes[..size], &append).unwrap();
        assert!(bytes[end..].iter().all(|&byte| byte == poison), "{size}");
        bytes
    });
    assert_eq!(one[..end], other[..end], "{size}");
    one[..end].to_vec()
}

#[test]
fn every_capability_alone() {
    fn check<C: Capability>(capability: C) {
        let end = 24 + size_of::<C>().next_multiple_of(8);
        let bytes = both(IommuInformation::new(0x1000), end + 40, end, |chain| chain.append(capability));
        // What pads a structure to a multiple of 8 is zero.
        assert!(bytes[24 + size_of::<C>()..].iter().all(|&byte| byte == 0));
        both(DeviceInformation::default(), end + 40, end, |chain| chain.append(capability));
    }
    let (function, group) = (first_function(), first_group());
    check(DmaAvailable::new(1));
    check(Migration::new(0x1000, 2));
    check(ZpciBase::new(&function, FunctionHandle(3), range(0x1000, 0x1fff)));
    check(ZpciGroup::new(&group));
    check(ZpciUtilityString::new(&function).unwrap());
    check(ZpciPath::new(&function));
    let base = ZpciBase::new(&function, FunctionHandle(3), range(0x1000, 0x1fff));
    check(ProposedZpciBase::new(base, &function));
    check(ProposedZpciGroup::new(&group));
}

/// All structures of a container, in a buffer of each size.
#[test]
fn a_container_in_every_buffer() {
    // Where the structure and each capability end, as literal numbers; the last two are the groups and the functions.
    let ends = [24, 40, 88, 152, 232, 416, 496, 848];
    with_container(|container| {
        for size in 16..=848 + 64 {
            let end = *ends.iter().rev().find(|&&end| end <= size && end >= 88).unwrap_or(&24);
            both(IommuInformation::new(0x1000), size, end.min(size), |chain| append(container, chain));
        }
    });
}

#[test]
fn hardware_information() {
    let information = HardwareInformation::new(&first_function(), &first_group(), FrameSizes::SMALL).unwrap();
    for size in 0..=64 {
        let [one, other] = [0xa5, 0x5a].map(|poison| {
            let mut bytes = vec![poison; 72];
            information.emit(&mut bytes[..size]);
            assert!(bytes[size..].iter().all(|&byte| byte == poison));
            bytes
        });
        assert_eq!(one[..size], other[..size]);
    }
}
