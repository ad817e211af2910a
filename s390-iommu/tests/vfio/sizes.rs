// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every size of a caller's buffer.

use std::convert::Infallible;

use clp::{FunctionGroup, FunctionGroupId, FunctionId};
use s390_iommu::vfio::{
    answer, AnswerError, ByteOrder, Capabilities, Chain, IommuCapability, IommuInformation, Sink, ZpciPath,
    ZpciUtilityString,
};
use s390_iommu::{Container, Domain, DomainFunction};

use crate::fixture;
use crate::sample::{append, first_function, first_group, range, with_container, FORMAT};

const POISON: u8 = 0xa5;

/// The field of 32 bits at `offset`.
fn word(bytes: &[u8], offset: usize, order: ByteOrder) -> u32 {
    let bytes = bytes[offset..offset + 4].try_into().unwrap();
    match order {
        ByteOrder::Little => u32::from_le_bytes(bytes),
        ByteOrder::Big => u32::from_be_bytes(bytes),
    }
}

fn put_word(bytes: &mut [u8], offset: usize, order: ByteOrder, value: u32) {
    bytes[offset..offset + 4].copy_from_slice(&match order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    });
}

/// Compares the answers for all sizes from 0 to 64 more than needed with `full`, the answer in a buffer that holds it.
///
/// `cuts` are the sizes in bytes from which on one more capability is in the answer, or all that are not optional; the last
/// one is that of everything. Each but the last is where the capability that comes next would start.
fn check(full: &[u8], order: ByteOrder, cuts: &[usize], append: impl Fn(&mut Chain<'_>) -> Result<(), Infallible>) {
    let whole = full.len();
    assert_eq!(cuts.last(), Some(&whole));
    for size in 0..=whole + 64 {
        let mut bytes = vec![POISON; whole + 128];
        let result = answer(IommuInformation::new(0x1000), order, &mut bytes[..size], &append);
        if size < 16 {
            assert_eq!(result, Err(AnswerError { size, least: 16 }));
            assert!(bytes.iter().all(|&byte| byte == POISON), "{size}");
            continue;
        }
        assert_eq!(result, Ok(()));
        let mut expected = full.to_vec();
        let written = match cuts.iter().rev().find(|&&cut| cut <= size) {
            None => {
                put_word(&mut expected, 0, order, whole as u32);
                put_word(&mut expected, 16, order, 0);
                size.min(24)
            }
            Some(&cut) => {
                put_word(&mut expected, 0, order, size as u32);
                // The last capability leads nowhere.
                let mut last = 24;
                while last != 0 {
                    let next = word(&expected, last + 4, order) as usize;
                    if next == cut {
                        put_word(&mut expected, last + 4, order, 0);
                        break;
                    }
                    last = next;
                }
                cut
            }
        };
        assert_eq!(bytes[..written], expected[..written], "{size}");
        assert!(bytes[written..].iter().all(|&byte| byte == POISON), "{size}");
    }
}

/// Type1's own capabilities are in the answer or not, as in Linux; of ours, as many as the buffer holds.
#[test]
fn of_a_container() {
    with_container(|container| {
        for (order, full) in fixture::container() {
            check(&full, order, &[88, 152, 232, 416, 496, 848], |chain| append(container, chain));
        }
    });
}

/// Without optional capabilities it is all or nothing, as Linux has it.
#[test]
fn of_a_device() {
    let path = ZpciPath::new(&first_function());
    let string = ZpciUtilityString::new(&first_function()).unwrap();
    let append = |chain: &mut Chain<'_>| -> Result<(), Infallible> {
        chain.append(string)?;
        chain.append(path)
    };
    for order in [ByteOrder::Big, ByteOrder::Little] {
        let mut full = vec![0; 120];
        answer(IommuInformation::new(0x1000), order, &mut full, append).unwrap();
        check(&full, order, &[120], append);
    }
}

/// With optional ones alone, a buffer that holds none of them gets the size of all.
#[test]
fn of_nothing_but_optional_capabilities() {
    with_container(|container| {
        for order in [ByteOrder::Big, ByteOrder::Little] {
            let append = |chain: &mut Chain<'_>| {
                chain.begin_optional();
                container.append_own_to(chain)
            };
            let mut full = vec![0; 784];
            answer(IommuInformation::new(0x1000), order, &mut full, append).unwrap();
            check(&full, order, &[88, 168, 352, 432, 784], append);
        }
    });
}

/// A buffer of 4096 bytes, as many programs have it, holds everything but the functions if there are 200 of them.
#[test]
fn two_hundred_functions_and_a_page() {
    let functions: Vec<_> = (0..200)
        .map(|id| {
            let mut function = first_function();
            (function.id, function.group) = (FunctionId(id), FunctionGroupId((id % 50) as u8));
            let group = FunctionGroup { msi_address: 0xfe00_0000_0000_0000, ..first_group() };
            DomainFunction { function, group, aperture: range(0x1_0000_0000, 0x1_3fff_ffff) }
        })
        .collect();
    let domains = [Domain { format: FORMAT, reserved: &[], functions: functions.iter().copied() }];
    let container = Container::new(domains.iter().cloned());
    let identifiers = |size: usize| {
        let mut bytes = vec![0; size];
        let append = |chain: &mut Chain<'_>| container.append_to(chain);
        answer(IommuInformation::new(0x1000), ByteOrder::NATIVE, &mut bytes, append).unwrap();
        let (information, capabilities) = Capabilities::new::<IommuInformation>(&bytes, ByteOrder::NATIVE).unwrap();
        let all: Result<Vec<_>, _> = capabilities.map(|raw| raw.map(|raw| raw.header.id)).collect();
        (information.argsz, all)
    };
    // Format 16 + 24, interrupts 32 + 24, gaps 16 + 4 * 24, groups 16 + 50 * 32, functions 16 + 200 * 112.
    let everything: u32 = 24 + 32 + 40 + 56 + 112 + 1616 + 22416;
    let (needed, error) = identifiers(24);
    assert_eq!(needed, everything);
    assert!(error.is_err());
    let without_functions = vec![1, 0xf398, 0xf394, 0xf392, 0xf397];
    assert_eq!(identifiers(4096), (4096, Ok(without_functions.clone())));
    let all = [&without_functions[..], &[0xf396]].concat();
    assert_eq!(identifiers(everything as usize), (everything, Ok(all)));
    assert_eq!(identifiers(everything as usize - 1), (everything - 1, Ok(without_functions)));

    let mut bytes = vec![0; everything as usize];
    let append = |chain: &mut Chain<'_>| container.append_to(chain);
    answer(IommuInformation::new(0x1000), ByteOrder::NATIVE, &mut bytes, append).unwrap();
    let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, ByteOrder::NATIVE).unwrap();
    let last = capabilities.last().unwrap().unwrap();
    let Some(IommuCapability::Functions(entries)) = IommuCapability::new(&last) else { panic!("no functions") };
    assert!(entries.map(|entry| entry.fid).eq(0..200));
}

/// Without capabilities no flag says that there are some, and any size is enough.
#[test]
fn without_a_capability() {
    for size in 16..=64 {
        let mut bytes = [POISON; 64];
        answer(IommuInformation::new(0x1000), ByteOrder::Big, &mut bytes[..size], |_| Ok(())).unwrap();
        let expected = [0, 0, 0, size as u8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let written = size.min(24);
        assert_eq!(bytes[..written], expected[..written]);
        assert!(bytes[written..].iter().all(|&byte| byte == POISON));
    }
}
