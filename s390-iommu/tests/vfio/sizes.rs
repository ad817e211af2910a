// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every size of a caller's buffer.

use s390_iommu::vfio::{answer, write_chain, AnswerError, ByteOrder, Capabilities, Chain, IommuInformation};

use crate::fixture;
use crate::sample::{append, with_container};

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

/// Compares the answers for all sizes from 0 to 64 more than needed with `full`, the answer where everything fits.
fn check(full: &[u8], order: ByteOrder, append: impl Fn(&mut Chain<'_>)) {
    let whole = full.len();
    for size in 0..=whole + 64 {
        let mut bytes = vec![POISON; whole + 128];
        let result = answer(IommuInformation::new(0x10_1000), order, &mut bytes[..size], &append);
        if size < 16 {
            assert_eq!(result, Err(AnswerError { room: size, least: 16 }));
            assert!(bytes.iter().all(|&byte| byte == POISON), "{size}");
            continue;
        }
        assert_eq!(result, Ok(()));
        let mut expected = full[..24].to_vec();
        let written = if size < whole {
            put_word(&mut expected, 16, order, 0);
            size.min(24)
        } else {
            put_word(&mut expected, 0, order, size as u32);
            expected.extend_from_slice(&full[24..]);
            whole
        };
        assert_eq!(word(&bytes, 0, order) as usize, size.max(whole), "{size}");
        assert_eq!(bytes[..written], expected[..written], "{size}");
        assert!(bytes[written..].iter().all(|&byte| byte == POISON), "{size}");
    }
}

#[test]
fn of_a_container() {
    with_container(|container| {
        for (order, full) in fixture::container() {
            check(&full, order, |chain| append(container, chain));
        }
    });
}

/// The chain alone, whose offsets count from the first capability, for whoever puts it behind others.
#[test]
fn of_a_chain() {
    with_container(|container| {
        for order in [ByteOrder::Big, ByteOrder::Little] {
            let append = |chain: &mut Chain<'_>| container.append_own_to(chain);
            let mut full = vec![0; 1024];
            answer(IommuInformation::new(0x1000), order, &mut full, append).unwrap();
            let (_, capabilities) = Capabilities::new::<IommuInformation>(&full, order).unwrap();
            let next: Vec<u32> = capabilities.map(|raw| raw.unwrap().header.next).collect();
            // Two functions of two groups, gaps, format, interrupts.
            assert_eq!(next.len(), 7);
            let needed = write_chain(order, &mut [], append);
            let mut expected = full[24..24 + needed].to_vec();
            let mut offset = 24;
            for next in next {
                put_word(&mut expected, offset - 24 + 4, order, next.saturating_sub(24));
                offset = next as usize;
            }
            for size in 0..=needed + 64 {
                let mut bytes = vec![POISON; needed + 128];
                assert_eq!(write_chain(order, &mut bytes[..size], append), needed);
                let written = if size < needed { 0 } else { needed };
                assert_eq!(bytes[..written], expected[..written], "{size}");
                assert!(bytes[written..].iter().all(|&byte| byte == POISON), "{size}");
            }
        }
    });
}

/// Without capabilities no flag says that there are some, and any size is enough.
#[test]
fn without_a_capability() {
    for size in 16..=64 {
        let mut bytes = [POISON; 64];
        answer(IommuInformation::new(0x1000), ByteOrder::Big, &mut bytes[..size], |_| ()).unwrap();
        let expected = [0, 0, 0, size as u8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let written = size.min(24);
        assert_eq!(bytes[..written], expected[..written]);
        assert!(bytes[written..].iter().all(|&byte| byte == POISON));
    }
}
