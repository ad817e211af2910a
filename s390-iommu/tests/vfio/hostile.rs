// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Chains that are not what they should be.

use proptest::prelude::*;
use s390_iommu::vfio::{ByteOrder, Capabilities, ChainError, DeviceCapability, IommuCapability, IommuInformation};

use crate::fixture;

/// An answer of `size` bytes whose first capability is at `cap_offset`, with capabilities of (offset, id, next).
fn chain(size: usize, cap_offset: u32, capabilities: &[(usize, u16, u32)], order: ByteOrder) -> Vec<u8> {
    let mut bytes = vec![0; size.max(64)];
    let mut put = |offset: usize, value: u32, width: usize| {
        let little = value.to_le_bytes();
        for index in 0..width {
            let from = if order == ByteOrder::Little { index } else { width - 1 - index };
            bytes[offset + index] = little[from];
        }
    };
    put(0, size as u32, 4);
    put(4, 2, 4);
    put(16, cap_offset, 4);
    for &(offset, id, next) in capabilities {
        put(offset, id.into(), 2);
        put(offset + 2, 1, 2);
        put(offset + 4, next, 4);
    }
    bytes.truncate(size);
    bytes
}

/// Size, offset of the first capability, capabilities; identifiers that are found, and the error after them.
type Case = (usize, u32, &'static [(usize, u16, u32)], &'static [u16], Option<ChainError>);

/// The identifiers of the capabilities up to the first error, and the error.
fn read(bytes: &[u8], order: ByteOrder) -> (Vec<u16>, Option<ChainError>) {
    let (_, mut capabilities) = Capabilities::new::<IommuInformation>(bytes, order).unwrap();
    let mut found = Vec::new();
    while let Some(raw) = capabilities.next() {
        match raw {
            Ok(raw) => found.push(raw.header.id),
            Err(error) => {
                assert!(capabilities.next().is_none());
                return (found, Some(error));
            }
        }
    }
    (found, None)
}

#[test]
fn offsets_that_lead_nowhere() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let cases: [Case; 14] = [
            (64, 24, &[(24, 9, 0)], &[9], None),
            // The flag says that there are some.
            (64, 0, &[], &[], Some(ChainError::Missing { argsz: 64 })),
            // Into the structure at the front, into its own header, into that of another.
            (64, 4, &[], &[], Some(ChainError::Overlap { offset: 4 })),
            (64, 19, &[], &[], Some(ChainError::Overlap { offset: 19 })),
            (64, 24, &[(24, 9, 16)], &[9], Some(ChainError::Overlap { offset: 16 })),
            (64, 24, &[(24, 9, 28)], &[9], Some(ChainError::Overlap { offset: 28 })),
            (64, 40, &[(40, 9, 24), (24, 8, 33)], &[9, 8], Some(ChainError::Overlap { offset: 33 })),
            // To itself, and round.
            (64, 24, &[(24, 9, 24)], &[9], Some(ChainError::Cycle { offset: 24 })),
            (64, 24, &[(24, 9, 40), (40, 8, 24)], &[9, 8], Some(ChainError::Cycle { offset: 24 })),
            (80, 24, &[(24, 9, 40), (40, 8, 56), (56, 7, 40)], &[9, 8, 7], Some(ChainError::Cycle { offset: 40 })),
            // Out.
            (64, 64, &[], &[], Some(ChainError::Outside { offset: 64 })),
            (64, 24, &[(24, 9, 0xffff_ffff)], &[9], Some(ChainError::Outside { offset: 0xffff_ffff })),
            // A header that is cut off.
            (31, 24, &[], &[], Some(ChainError::Truncated { offset: 24 })),
            (63, 24, &[(24, 9, 56)], &[9], Some(ChainError::Truncated { offset: 56 })),
        ];
        for (size, cap_offset, capabilities, found, error) in cases {
            let bytes = chain(size, cap_offset, capabilities, order);
            assert_eq!(read(&bytes, order), (found.to_vec(), error), "{cap_offset} {capabilities:?}");
        }
    }
}

/// Each is compared with all others: 16 MiB of headers would take hours.
#[test]
fn more_than_any_kernel_has() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        for (count, error) in [(1024, None), (1025, Some(ChainError::TooMany { offset: 24 + 1024 * 8 }))] {
            let next = |index: usize| if index + 1 == count { 0 } else { 32 + index as u32 * 8 };
            let capabilities: Vec<_> = (0..count).map(|index| (24 + index * 8, 9, next(index))).collect();
            let (found, ended) = read(&chain(24 + count * 8, 24, &capabilities, order), order);
            assert_eq!((found.len(), ended), (1024, error));
        }
        let endless: Vec<_> = (0..1 << 21).map(|index| (24 + index * 8, 9, 32 + index as u32 * 8)).collect();
        let (found, ended) = read(&chain(24 + (8 << 21), 24, &endless, order), order);
        assert_eq!((found.len(), ended), (1024, Some(ChainError::TooMany { offset: 24 + 1024 * 8 })));
    }
}

/// The kernel chooses the offsets: not aligned, and downwards as well as upwards.
#[test]
fn offsets_in_any_order() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let bytes = chain(90, 61, &[(61, 9, 20), (20, 8, 35), (35, 7, 0)], order);
        assert_eq!(read(&bytes, order), (vec![9, 8, 7], None));
        let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
        // Each goes on to the next one in the buffer, not in the chain.
        let sizes: Vec<_> = capabilities.map(|raw| raw.unwrap().bytes.len()).collect();
        assert_eq!(sizes, [29, 15, 26]);
    }
}

#[test]
fn a_structure_that_is_cut_off() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let whole = chain(64, 0, &[], order);
        for size in 0..16 {
            let error = Capabilities::new::<IommuInformation>(&whole[..size], order).unwrap_err();
            assert_eq!(error, ChainError::Truncated { offset: 0 });
            // The same if the caller's buffer goes on behind the answer.
            let mut bytes = chain(64, 24, &[(24, 9, 0)], order);
            let argsz = if order == ByteOrder::Big { 3 } else { 0 };
            bytes[..4].fill(0);
            bytes[argsz] = size as u8;
            let error = Capabilities::new::<IommuInformation>(&bytes, order).unwrap_err();
            assert_eq!(error, ChainError::Truncated { offset: 0 });
        }
    }
}

/// Unknown identifiers and versions are passed over, and what follows is still decoded.
#[test]
fn unknown_identifiers_and_versions() {
    for (order, original) in fixture::iommu() {
        let last = |bytes: &[u8]| {
            let (_, capabilities) = Capabilities::new::<IommuInformation>(bytes, order).unwrap();
            capabilities.map(|raw| IommuCapability::new(&raw.unwrap()).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(last(&original), [true, true, true]);
        for change in [24, 25, 26, 27] {
            let mut bytes = original.clone();
            bytes[change] ^= 0x70;
            assert_eq!(last(&bytes), [false, true, true], "{change}");
        }
    }
}

/// A later version of the project's own capabilities is decoded, a version 0 is not.
#[test]
fn versions_of_our_own() {
    for (order, original) in fixture::container() {
        let (high, low) = if order == ByteOrder::Big { (0, 1) } else { (1, 0) };
        let (_, capabilities) = Capabilities::new::<IommuInformation>(&original, order).unwrap();
        let mut offset = 24;
        let mut own = 0;
        for raw in capabilities {
            let raw = raw.unwrap();
            if raw.header.id >= 0xf390 {
                own += 1;
                for (version, is_understood) in [(0u16, false), (1, true), (2, true), (0xffff, true)] {
                    let mut bytes = original.clone();
                    bytes[offset + 2 + high] = (version >> 8) as u8;
                    bytes[offset + 2 + low] = version as u8;
                    let (_, mut changed) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
                    let found = changed
                        .find(|it| it.unwrap().header.version == version && it.unwrap().header.id == raw.header.id);
                    assert_eq!(IommuCapability::new(&found.unwrap().unwrap()).is_some(), is_understood);
                }
            }
            offset += raw.bytes.len();
        }
        assert_eq!((own, offset), (5, original.len()));
    }
}

/// Counts and sizes of entries that do not fit into the capability.
#[test]
fn entries_that_do_not_fit() {
    for (order, original) in fixture::container() {
        let (_, capabilities) = Capabilities::new::<IommuInformation>(&original, order).unwrap();
        // Offsets of the count and of the size of an entry, from the start of the capability, and the least size.
        let fields = |id| match id {
            1 => Some((8, None)),
            0xf392 | 0xf398 => Some((8, Some((12, 24)))),
            0xf394 => Some((24, Some((28, 24)))),
            0xf396 => Some((8, Some((12, 112)))),
            0xf397 => Some((8, Some((12, 32)))),
            _ => None,
        };
        let mut checked = 0;
        for raw in capabilities.map(Result::unwrap) {
            let Some((count, size)) = fields(raw.header.id) else { continue };
            let changed = |offset: usize, value: u32| {
                let mut bytes = raw.bytes.to_vec();
                let value = if order == ByteOrder::Big { value.to_be_bytes() } else { value.to_le_bytes() };
                bytes[offset..offset + 4].copy_from_slice(&value);
                let changed = s390_iommu::vfio::RawCapability { bytes: &bytes, ..raw };
                IommuCapability::new(&changed).is_some()
            };
            assert!(changed(count, 0) && changed(count, 1));
            assert!(!changed(count, 8) && !changed(count, u32::MAX));
            if let Some((size, least)) = size {
                assert!(changed(size, least) && !changed(size, least - 1) && !changed(size, least + 64));
                assert!(!changed(size, 0) && !changed(size, 1) && !changed(size, u32::MAX));
            }
            checked += 1;
        }
        assert_eq!(checked, 6);
    }
}

proptest! {
    /// Whatever the bytes are, reading them ends, and with each byte of a capability inside the answer.
    #[test]
    fn any_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 24..256), small in any::<bool>(), big in any::<bool>(), argsz in 0u32..300) {
        let order = if big { ByteOrder::Big } else { ByteOrder::Little };
        if small {
            // Offsets that have a chance to be good.
            for word in bytes.chunks_exact_mut(4) {
                let offset = word[0];
                word.copy_from_slice(&if big { [0, 0, 0, offset] } else { [offset, 0, 0, 0] });
            }
        }
        bytes[..4].copy_from_slice(&if big { argsz.to_be_bytes() } else { argsz.to_le_bytes() });
        let Ok((_, capabilities)) = Capabilities::new::<IommuInformation>(&bytes, order) else {
            prop_assert!(argsz < 16);
            return Ok(());
        };
        let bytes = &bytes[..bytes.len().min(argsz as usize)];
        let mut count = 0;
        for raw in capabilities.flatten() {
            count += 1;
            prop_assert!(bytes.as_ptr_range().contains(&raw.bytes.as_ptr()) && raw.bytes.len() >= 8);
            prop_assert!(bytes.as_ptr_range().end >= raw.bytes.as_ptr_range().end);
            if let Some(IommuCapability::Functions(entries)) = IommuCapability::new(&raw) {
                prop_assert!(entries.count() <= bytes.len() / 112);
            }
            DeviceCapability::new(&raw);
        }
        prop_assert!(count <= bytes.len() / 8);
    }

    /// Every single change of a good answer is read without harm.
    #[test]
    fn a_changed_answer(position in 0usize..848, value in any::<u8>()) {
        for (order, mut bytes) in fixture::container() {
            bytes[position] = value;
            let Ok((_, capabilities)) = Capabilities::new::<IommuInformation>(&bytes, order) else {
                prop_assert!(position < 4);
                continue;
            };
            for raw in capabilities.flatten() {
                if let Some(IommuCapability::IovaRanges(entries)) = IommuCapability::new(&raw) {
                    prop_assert!(entries.count() <= 48);
                }
            }
        }
    }
}
