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
        let cases: [Case; 12] = [
            (64, 0, &[], &[], None),
            (64, 24, &[(24, 9, 0)], &[9], None),
            // Into the structure at the front, to itself, backwards, into its own header.
            (64, 16, &[], &[], Some(ChainError::Backwards { offset: 16 })),
            (64, 24, &[(24, 9, 24)], &[9], Some(ChainError::Backwards { offset: 24 })),
            (64, 24, &[(24, 9, 40), (40, 8, 24)], &[9, 8], Some(ChainError::Backwards { offset: 24 })),
            (64, 24, &[(24, 9, 28)], &[9], Some(ChainError::Backwards { offset: 28 })),
            // Between multiples of 8.
            (64, 25, &[], &[], Some(ChainError::Unaligned { offset: 25 })),
            (64, 24, &[(24, 9, 36)], &[9], Some(ChainError::Unaligned { offset: 36 })),
            // Out.
            (64, 64, &[], &[], Some(ChainError::Outside { offset: 64 })),
            (64, 24, &[(24, 9, 0xffff_fff8)], &[9], Some(ChainError::Outside { offset: 0xffff_fff8 })),
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

#[test]
fn a_structure_that_is_cut_off() {
    for size in 0..24 {
        let error = Capabilities::new::<IommuInformation>(&[0; 24][..size], ByteOrder::Big).unwrap_err();
        assert_eq!(error, ChainError::Truncated { offset: 0 });
    }
}

/// What is unknown is passed over, and what follows is still understood.
#[test]
fn unknown_identifiers_and_versions() {
    for (order, original) in fixture::iommu() {
        let last = |bytes: &[u8]| {
            let (_, capabilities) = Capabilities::new::<IommuInformation>(bytes, order).unwrap();
            let understood: Vec<bool> = capabilities.map(|raw| IommuCapability::new(&raw.unwrap()).is_some()).collect();
            understood
        };
        assert_eq!(last(&original), [true, true, true]);
        for change in [24, 25, 26, 27] {
            let mut bytes = original.clone();
            bytes[change] ^= 0x70;
            assert_eq!(last(&bytes), [false, true, true], "{change}");
        }
    }
}

/// A later version of the project's own capabilities is understood, a version 0 is not.
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
        assert_eq!((own, offset), (7, original.len()));
    }
}

/// Counts and sizes of entries that do not fit into the capability.
#[test]
fn entries_that_do_not_fit() {
    for (order, original) in fixture::container() {
        let (_, capabilities) = Capabilities::new::<IommuInformation>(&original, order).unwrap();
        // Offsets of the count and of the size of an entry, from the start of the capability.
        let fields = |id| match id {
            1 => Some((8, None)),
            0xf392 => Some((8, Some(12))),
            0xf394 => Some((24, Some(28))),
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
            if let Some(size) = size {
                assert!(changed(size, 24) && !changed(size, 23) && !changed(size, 0) && !changed(size, u32::MAX));
            }
            checked += 1;
        }
        assert_eq!(checked, 3);
    }
}

proptest! {
    /// Whatever the bytes are, reading them ends, and with each byte of a capability inside the answer.
    #[test]
    fn any_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 24..256), small in any::<bool>(), big in any::<bool>()) {
        let order = if big { ByteOrder::Big } else { ByteOrder::Little };
        if small {
            // Offsets that have a chance to be good.
            for word in bytes.chunks_exact_mut(4) {
                let offset = word[0] & 0xf8;
                word.copy_from_slice(&if big { [0, 0, 0, offset] } else { [offset, 0, 0, 0] });
            }
        }
        let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
        let mut count = 0;
        for raw in capabilities.flatten() {
            count += 1;
            prop_assert!(bytes.as_ptr_range().contains(&raw.bytes.as_ptr()) && raw.bytes.len() >= 8);
            if let Some(IommuCapability::Gaps(gaps, entries)) = IommuCapability::new(&raw) {
                prop_assert_eq!(entries.count(), gaps.nr_gaps as usize);
            }
            DeviceCapability::new(&raw);
        }
        prop_assert!(count <= bytes.len() / 8);
    }

    /// Every single change of a good answer is read without harm.
    #[test]
    fn a_changed_answer(position in 0usize..704, value in any::<u8>()) {
        for (order, mut bytes) in fixture::container() {
            bytes[position] = value;
            let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
            for raw in capabilities.flatten() {
                if let Some(IommuCapability::IovaRanges(ranges, entries)) = IommuCapability::new(&raw) {
                    prop_assert_eq!(entries.count(), ranges.nr_iovas as usize);
                }
            }
        }
    }
}
